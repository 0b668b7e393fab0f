"""Counting spans into windows: values are gathered first and counted together, since that is what makes it cheap."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import mul

from mlops_tui.domain.inferences import Subject, batch_rows, columns_of
from mlops_tui.domain.profiles import Bins, CategoryBins, NumericBins
from mlops_tui.domain.traces import Span, Value, text_of
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
_NUMBERS = frozenset({float, int})


@dataclass(slots=True)
class _Gathered:
    """What fell into one window of one subject so far."""

    predictions: int = 0
    errors: int = 0
    ends: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    values: dict[str, list[Value]] = field(default_factory=dict)


class SliceCounter:
    """Counts spans into windows of ``width`` seconds, by the bins of ``profile`` if one is given.

    With a profile only spans it covers are counted, and of them only its columns.
    """

    def __init__(self, width: int, profile: WindowProfile | None = None) -> None:
        self._width = width
        self._profile = profile
        self._gathered: dict[tuple[int, Subject], _Gathered] = {}

    def add(self, spans: Iterable[tuple[Subject, Span]]) -> None:
        """Take spans, each with the subject it is counted under."""
        width_ns = self._width * _NANOSECONDS
        for subject, span in spans:
            if self._profile is not None and not self._profile.covers(subject):
                continue
            key = (span.end_ns // width_ns, subject)
            gathered = self._gathered.get(key)
            if gathered is None:
                gathered = self._gathered[key] = _Gathered()
            gathered.ends.append(span.end_ns)
            gathered.durations.append(span.end_ns - span.start_ns)
            gathered.errors += span.is_error
            if subject.model:
                self._gather(gathered, span)

    def slices(self) -> tuple[WindowSlice, ...]:
        """What was counted, in the order of time."""
        profile_id = NO_PROFILE if self._profile is None else self._profile.profile_id
        return tuple(
            WindowSlice(
                SliceKey(number * self._width, self._width, subject, profile_id),
                _traffic(gathered),
                gathered.predictions,
                {name: count_column(values, self._bins(name)) for name, values in gathered.values.items()},
            )
            for (number, subject), gathered in sorted(self._gathered.items(), key=lambda item: item[0][0])
        )

    def _gather(self, gathered: _Gathered, span: Span) -> None:
        columns = columns_of(span)
        if not columns:
            return
        gathered.predictions += batch_rows(span, columns)
        for name, value in columns.items():
            values = gathered.values.get(name)
            if values is None:
                if self._profile is not None and name not in self._profile.bins:
                    continue
                values = gathered.values[name] = []
            if isinstance(value, tuple):
                values.extend(item for item in value if item is not None)
            else:
                values.append(value)

    def _bins(self, name: str) -> Bins | None:
        return None if self._profile is None else self._profile.bins[name]


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


def _only_numbers(values: Sequence[Value]) -> list[float]:
    if _NUMBERS.issuperset(map(type, values)):
        return [float(value) for value in values]  # type: ignore[arg-type]  # the types were just looked at
    return [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]


def _bin_counts(finite: Sequence[float], bins: NumericBins) -> tuple[int, ...]:
    found = Counter(map(partial(bisect_left, bins.edges), finite))
    return tuple(found[place] for place in range(bins.size))


def _categories(values: Sequence[Value], bins: CategoryBins) -> tuple[int, ...]:
    found = Counter(map(text_of, values))
    known = [found[category] for category in bins.categories]
    return (*known, len(values) - sum(known))


def _traffic(gathered: _Gathered) -> Traffic:
    latencies: Mapping[int, int] = Counter(map(latency_bucket, gathered.durations))
    return Traffic(
        len(gathered.ends),
        gathered.errors,
        sum(gathered.durations),
        min(gathered.ends),
        max(gathered.ends),
        dict(latencies),
    )
