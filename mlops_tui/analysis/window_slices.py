"""Counting spans into windows: values are gathered first and counted together, since that is what makes it cheap."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import mul

from mlops_tui.domain.inferences import BATCH_SIZE, Subject, attribute_of, batch_rows, column_of, columns_of
from mlops_tui.domain.profiles import Bins, CategoryBins, NumericBins
from mlops_tui.domain.traces import Span, SpanStatus, Value, text_of
from mlops_tui.domain.window_slices import (
    NO_PROFILE,
    ColumnCounts,
    SliceKey,
    Traffic,
    WindowProfile,
    WindowSlice,
    latency_bucket,
)

_NANOSECONDS = 1_000_000_000
_NOTHING = type(None)


@dataclass(slots=True)
class _Group:
    """The spans of one window and subject."""

    subject: Subject
    spans: list[Span] = field(default_factory=list)


class SliceCounter:
    """Counts spans into windows of ``width`` seconds, by the bins of ``profile`` if one is given.

    With a profile only spans it covers are counted, and of them only its columns. ``attributes`` are columns of other
    attributes of spans that are counted besides.
    """

    def __init__(self, width: int, profile: WindowProfile | None = None, attributes: Sequence[str] = ()) -> None:
        self._width = width
        self._profile = profile
        self._attributes = attributes
        self._slices: dict[SliceKey, WindowSlice] = {}

    def add(self, spans: Iterable[tuple[Subject, Span]]) -> None:
        """Take spans, each with the subject it is counted under; many at a time cost less."""
        width_ns = self._width * _NANOSECONDS
        groups: dict[tuple[int, int], _Group] = {}
        for subject, span in spans:
            # Subjects are told apart by identity first, which is cheap; groups of equal ones are added up below.
            key = (span.end_ns // width_ns, id(subject))
            group = groups.get(key)
            if group is None:
                group = groups[key] = _Group(subject)
            group.spans.append(span)
        for (number, _), group in groups.items():
            if self._profile is None or self._profile.covers(group.subject):
                self._take(self._count(number, group))

    def slices(self) -> tuple[WindowSlice, ...]:
        """What was counted, in the order of time."""
        return tuple(sorted(self._slices.values(), key=lambda part: part.key.start))

    def _take(self, part: WindowSlice) -> None:
        known = self._slices.get(part.key)
        self._slices[part.key] = part if known is None else known + part

    def _count(self, number: int, group: _Group) -> WindowSlice:
        profile_id = NO_PROFILE if self._profile is None else self._profile.profile_id
        key = SliceKey(number * self._width, self._width, group.subject, profile_id)
        if not group.subject.model:
            return WindowSlice(key, _traffic(group.spans), 0, {})
        predictions, values = gather(group.spans)
        columns = {
            name: count_column(found, self._bins(name))
            for name, found in values.items()
            if self._profile is None or name in self._profile.bins
        }
        for name in self._attributes:
            if found := _attribute_values(group.spans, attribute_of(name)):
                columns[name] = count_column(found, None)
        return WindowSlice(key, _traffic(group.spans), predictions, columns)

    def _bins(self, name: str) -> Bins | None:
        return None if self._profile is None else self._profile.bins[name]


def gather(spans: Sequence[Span]) -> tuple[int, dict[str, list[Value]]]:
    """How many predictions the spans stand for, and the values of each column that were there."""
    attributes = [span.attributes for span in spans]
    keys = set().union(*attributes)
    columns = {column: [found.get(key) for found in attributes] for key in keys if (column := column_of(key))}
    types = {column: set(map(type, found)) for column, found in columns.items()}
    if BATCH_SIZE in keys or any(tuple in found for found in types.values()):
        return _gather_batches(spans)
    gaps = [column for column, found in types.items() if _NOTHING in found]
    if len(gaps) < len(columns):
        predictions = len(spans)
    else:
        predictions = sum(any(value is not None for value in row) for row in zip(*columns.values(), strict=True))
    for column in gaps:
        columns[column] = [value for value in columns[column] if value is not None]
    return predictions, columns


def _gather_batches(spans: Sequence[Span]) -> tuple[int, dict[str, list[Value]]]:
    predictions = 0
    values: dict[str, list[Value]] = {}
    for span in spans:
        columns = columns_of(span)
        predictions += batch_rows(span, columns) if columns else 0
        for name, value in columns.items():
            items = value if isinstance(value, tuple) else (value,)
            values.setdefault(name, []).extend(item for item in items if item is not None)
    return predictions, values


def _attribute_values(spans: Sequence[Span], key: str) -> list[Value]:
    """The values of an attribute where it is there, those of a list one by one."""
    found = (span.attributes.get(key) for span in spans)
    items = (item for value in found for item in (value if isinstance(value, tuple) else (value,)))
    return [item for item in items if item is not None]


def count_column(values: Sequence[Value], bins: Bins | None) -> ColumnCounts:
    """The counts of a column's values; bins of categories take every value, by its text."""
    match bins:
        case CategoryBins():
            return ColumnCounts(n=len(values), counts=_categories(values, bins))
        case NumericBins() | None:
            return _numbers(values, bins)


def _numbers(values: Sequence[Value], bins: NumericBins | None) -> ColumnCounts:
    numbers = _only_numbers(values)
    total = sum(numbers, 0.0)
    if math.isfinite(total):
        nan = above = below = 0
        finite = numbers
    else:
        finite = [number for number in numbers if math.isfinite(number)]
        above, below = numbers.count(math.inf), numbers.count(-math.inf)
        nan = len(numbers) - len(finite) - above - below
        total = sum(finite, 0.0)
    return ColumnCounts(
        n=len(values),
        nan=nan,
        pos_inf=above,
        neg_inf=below,
        text=len(values) - len(numbers),
        sum=total,
        sum_sq=sum(map(mul, finite, finite), 0.0),
        min=min(finite, default=None),
        max=max(finite, default=None),
        counts=() if bins is None else _bin_counts(finite, bins),
    )


def _only_numbers(values: Sequence[Value]) -> Sequence[float]:
    if set(map(type, values)) == {float}:
        return values  # type: ignore[return-value]  # the types were just looked at
    return [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]


def _bin_counts(finite: Sequence[float], bins: NumericBins) -> tuple[int, ...]:
    found = Counter(map(partial(bisect_left, bins.edges), finite))
    return tuple(found[place] for place in range(bins.size))


def _categories(values: Sequence[Value], bins: CategoryBins) -> tuple[int, ...]:
    found = Counter(map(text_of, values))
    known = [found[category] for category in bins.categories]
    return (*known, len(values) - sum(known))


def _traffic(spans: Sequence[Span]) -> Traffic:
    ends = [span.end_ns for span in spans]
    durations = [span.end_ns - span.start_ns for span in spans]
    return Traffic(
        len(spans),
        sum(span.status is SpanStatus.ERROR for span in spans),
        sum(durations),
        min(ends),
        max(ends),
        dict(Counter(map(latency_bucket, durations))),
    )
