"""What a guardrail measures of the traffic: errors, latency, or values of features, predictions and attributes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from mlops_tui.domain.inferences import ATTRIBUTE_COLUMN, PREDICTION_COLUMN, column_of
from mlops_tui.domain.judgements import EventSample, Sample, ValueSample
from mlops_tui.domain.policy import Guardrail, GuardrailKind
from mlops_tui.domain.profiles import FeatureCounts
from mlops_tui.domain.window_slices import BUCKETS_PER_OCTAVE, Traffic

_ERRORS = frozenset({"error", "errors", "error_rate"})
_LATENCY = re.compile(r"(latency|duration)(_p[0-9]{1,3})?|p[0-9]{1,3}")
_MILLISECOND = 1_000_000.0


@dataclass(frozen=True, slots=True)
class ErrorEvents:
    """Spans that ended in an error, among all spans."""


@dataclass(frozen=True, slots=True)
class SlowEvents:
    """Spans that took longer than ``edge_ns``, among all spans.

    Windows keep latencies in buckets, sixteen to each doubling, so the edge is that of a bucket next to the plan's
    threshold; counts beyond an edge are exact, and the same for every arm.
    """

    edge_bucket: int

    @property
    def edge_ns(self) -> float:
        """The first duration that counts as slow, in nanoseconds."""
        return math.exp2(self.edge_bucket / BUCKETS_PER_OCTAVE)


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """The values of a column: a feature ("amount"), a prediction ("prediction.score"), or any attribute of spans.

    The last is called ``attribute.<name>``.
    """

    column: str

    @property
    def is_attribute(self) -> bool:
        """Whether it is an attribute that no window counts ahead."""
        return self.column.startswith(ATTRIBUTE_COLUMN)


Metric: TypeAlias = ErrorEvents | SlowEvents | ColumnValues


def metric_of(guardrail: Guardrail) -> Metric:
    """What a guardrail measures; thresholds of latencies are in milliseconds.

    Raises ValueError, with a sentence, for what cannot be measured of traffic.
    """
    name = guardrail.metric or guardrail.name
    word = name.strip().lower().replace(" ", "_").replace("-", "_")
    match guardrail.kind:
        case GuardrailKind.QUANTILE if _LATENCY.fullmatch(word) and guardrail.threshold is not None:
            if guardrail.threshold <= 0:
                raise ValueError(f"The threshold of {guardrail.name} is a latency in milliseconds, above 0")
            return SlowEvents(round(math.log2(guardrail.threshold * _MILLISECOND) * BUCKETS_PER_OCTAVE))
        case GuardrailKind.QUANTILE:
            raise ValueError(
                f"The guardrail {guardrail.name} is unknown: a quantile is measured of latency, and not of {name!r};"
                " a column is measured by kind mean, rate or count"
            )
        case GuardrailKind.RATE | GuardrailKind.COUNT if word in _ERRORS:
            return ErrorEvents()
        case _ if _LATENCY.fullmatch(word):
            raise ValueError(f"The guardrail {guardrail.name} is unknown: latency is measured by kind quantile")
        case GuardrailKind.MEAN if word in _ERRORS:
            raise ValueError(f"The guardrail {guardrail.name} is unknown: errors are measured by kind rate or count")
        case _:
            return ColumnValues(_column(name.strip()))


def describe(metric: Metric) -> str:
    """How a metric is measured, in a few words."""
    match metric:
        case ErrorEvents():
            return "spans with an error, exact"
        case SlowEvents():
            edge = metric.edge_ns / _MILLISECOND
            return f"spans of more than {edge:.4g} ms, the edge of a latency bucket next to the threshold"
        case ColumnValues() if metric.is_attribute:
            return f"values of the spans' attribute {metric.column.removeprefix(ATTRIBUTE_COLUMN)}, exact"
        case ColumnValues():
            return f"values of {metric.column}, exact"


def sample_of(metric: Metric, kind: GuardrailKind, traffic: Traffic, columns: Mapping[str, FeatureCounts]) -> Sample:
    """One arm's share of one window; empty where nothing of it was measured.

    Raises ValueError for events that are no whole numbers, or more than there are observations of a rate.
    """
    match metric:
        case ErrorEvents():
            return EventSample(traffic.spans, traffic.errors)
        case SlowEvents():
            slow = sum(count for bucket, count in traffic.latencies.items() if bucket >= metric.edge_bucket)
            return EventSample(traffic.spans, slow)
        case ColumnValues():
            return _of_column(columns.get(metric.column), metric.column, kind)


def unfit_values(column: str, kind: GuardrailKind) -> str:
    """Why a column cannot be counted, as a sentence without its full stop."""
    wanted = "0 or 1" if kind is GuardrailKind.RATE else "whole numbers from 0"
    return f"The values of {column} are not {wanted}, as a {kind.value} needs"


def _column(name: str) -> str:
    """The column that a name in a plan means; features have no dot in theirs, and attributes of spans mostly do."""
    key = name.removeprefix(ATTRIBUTE_COLUMN)
    if key == name and ("." not in name or name.startswith(PREDICTION_COLUMN)):
        return name
    return column_of(key) or ATTRIBUTE_COLUMN + key


def _of_column(values: FeatureCounts | None, column: str, kind: GuardrailKind) -> Sample:
    n = values.valid if values is not None else 0
    total, squares = (values.sum, values.sum_sq) if values is not None else (0.0, 0.0)
    if kind is GuardrailKind.MEAN:
        return ValueSample(n, total, squares) if math.isfinite(squares) else ValueSample(0, 0.0, 0.0)
    is_share = kind is GuardrailKind.RATE and (total != squares or total > n)
    if not total.is_integer() or total < 0 or is_share:
        raise ValueError(unfit_values(column, kind))
    return EventSample(n, total)
