"""What a database answered, as records: each row is one JSON array."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from mlops_tui.domain.inferences import GROUND_TRUTH, LABELLED_ID, PREDICTION, PREDICTION_ID, Subject
from mlops_tui.domain.profiles import Bins, CategoryBins, NumericBins
from mlops_tui.domain.text import clean
from mlops_tui.domain.trace_queries import LabelledPrediction, TraceSummary, WindowQuery
from mlops_tui.domain.traces import Value
from mlops_tui.domain.window_slices import (
    NO_PROFILE,
    ColumnCounts,
    SliceKey,
    Traffic,
    WindowSlice,
    latency_bucket,
)
from mlops_tui.tracing.sources.sql_windows import PREDICTIONS

Row = Sequence[Any]


def subject_from(parts: Sequence[Any]) -> Subject:
    """A subject, with its texts made safe."""
    return Subject(*(clean(str(part)) for part in parts))


def slices_from(rows: Iterable[Row], query: WindowQuery, width: int) -> list[WindowSlice]:
    """The windows of one model."""
    bins: Mapping[str, Bins] = {} if query.profile is None else query.profile.bins
    predictions: dict[SliceKey, int] = {}
    columns: dict[SliceKey, dict[str, ColumnCounts]] = defaultdict(dict)
    for window, about, name, *counts in rows:
        project, version, arm, environment = orjson.loads(about)
        subject = subject_from(("", project, query.model, version, arm, environment))
        key = SliceKey(int(window), width, subject, query.profile_id or NO_PROFILE)
        if name == PREDICTIONS:
            predictions[key] = int(_double(counts[5]))
        elif not bins or name in bins:
            columns[key][clean(name)] = _counts(counts, bins.get(name))
    slices = [WindowSlice(key, Traffic(), count, columns[key]) for key, count in predictions.items()]
    return sorted(slices, key=lambda part: (part.key.start, part.key.subject))


def traffic_from(rows: Iterable[Row], width: int) -> list[WindowSlice]:
    """The traffic of each window and subject."""
    found: dict[SliceKey, Traffic] = defaultdict(Traffic)
    for window, *rest in rows:
        subject, numbers = rest[:6], map(int, rest[6:])
        bucket, spans, errors, total_ns, first_ns, last_ns = numbers
        key = SliceKey(int(window), width, subject_from(subject))
        found[key] += Traffic(spans, errors, total_ns, first_ns, last_ns, {latency_bucket(bucket): spans})
    ordered = sorted(found, key=lambda key: (key.start, key.subject))
    return [WindowSlice(key, found[key], 0, {}) for key in ordered]


def summaries_from(rows: Iterable[Row], ids: Sequence[str]) -> tuple[TraceSummary, ...]:
    """Traces in the order of their ids."""
    found = {
        trace_id: TraceSummary(
            trace_id, clean(name), subject_from(subject), int(start_ns), int(end_ns), int(spans), int(errors)
        )
        for trace_id, name, subject, start_ns, end_ns, spans, errors in rows
    }
    return tuple(found[trace_id] for trace_id in ids if trace_id in found)


def quantiles_from(row: Row, quantiles: Sequence[float]) -> tuple[tuple[str, str, str], list[float | None]]:
    """An arm and its quantiles, each interpolated between the two durations next to it."""
    model, version, arm, spans, *places = row
    found: list[float | None] = []
    for number, quantile in enumerate(quantiles):
        below, above = map(int, places[2 * number : 2 * number + 2])
        position = quantile * (int(spans) - 1)
        found.append(below + (above - below) * (position - int(position)))
    return (clean(model), clean(version), clean(arm)), found


def labelled_from(
    rows: Iterable[Row], attributes: Callable[[str], Mapping[str, Value]]
) -> tuple[LabelledPrediction, ...]:
    """Predictions with what turned out to be true; of several labels the latest counts.

    ``attributes`` reads those that a text in a row stands for.
    """
    found: dict[tuple[str, str], LabelledPrediction] = {}
    for trace_id, span_id, subject, end_ns, labelled_ns, made, came in rows:
        key = (trace_id, span_id)
        if key in found and found[key].labelled_ns > int(labelled_ns):
            continue
        said = attributes(made)
        found[key] = LabelledPrediction(
            trace_id,
            span_id,
            subject_from(subject),
            int(end_ns),
            int(labelled_ns),
            outputs(said, PREDICTION, PREDICTION_ID),
            outputs(attributes(came), GROUND_TRUTH, LABELLED_ID),
            said,
        )
    return tuple(found.values())


def outputs(attributes: Mapping[str, Value], prefix: str, identity: str) -> dict[str, Value]:
    """The outputs among attributes, by their names."""
    return {
        key[len(prefix) :]: value
        for key, value in attributes.items()
        if key.startswith(prefix) and key != identity and value is not None
    }


def _counts(values: Sequence[Any], bins: Bins | None) -> ColumnCounts:
    n, nan, above, below, text = map(int, values[:5])
    if isinstance(bins, CategoryBins):
        known = [int(count) for count in values[10]]
        return ColumnCounts(n=n, counts=(*known, n - sum(known)))
    finite = n - nan - above - below - text
    total, squares, least, greatest = map(_double, values[5:9])
    return ColumnCounts(
        n,
        nan,
        above,
        below,
        text,
        total,
        squares,
        least if finite else None,
        greatest if finite else None,
        _differences([int(count) for count in values[9]], finite) if isinstance(bins, NumericBins) else (),
    )


def _differences(cumulative: Sequence[int], total: int) -> tuple[int, ...]:
    """Counts per bin from counts of ``x <= edge``."""
    bounds = [0, *cumulative, total]
    return tuple(above - below for below, above in pairwise(bounds))


def _double(bits: Any) -> float:
    """A number from its bits, which no text on the way can have rounded."""
    value: float = struct.unpack("<d", struct.pack("<Q", int(bits)))[0]
    return value
