"""What is counted of a stream of spans, window by window: traffic, latencies and the values of every column.

Slices of the same key add up, so that they can be counted in parts and in any order. A span belongs to the window in
which it ended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.inferences import ATTRIBUTE_COLUMN, PREDICTION_COLUMN, Subject
from mlops_tui.domain.profiles import Bins, FeatureCounts, FeatureProfile, ReferenceProfile
from mlops_tui.domain.windows import WindowKey, WindowRow

NO_PROFILE = ""
BUCKETS_PER_OCTAVE = 16
LATENCY_ERROR = 2 ** (0.5 / BUCKETS_PER_OCTAVE) - 1


@dataclass(frozen=True, slots=True)
class WindowProfile:
    """By which bins a model's columns are counted; ``profile_id`` is the digest of the reference they come from.

    ``project`` is "" for a model of that name in any project.
    """

    profile_id: str
    project: str
    model: str
    bins: Mapping[str, Bins]

    @classmethod
    def of(cls, reference: ReferenceProfile, project: str, model: str) -> WindowProfile:
        """How to count a model by its reference."""
        bins = {column_name(feature): feature.bins for feature in reference.features}
        return cls(reference.profile_id, project, model, bins)

    def covers(self, subject: Subject) -> bool:
        """Whether spans of ``subject`` are counted by this profile."""
        return subject.model == self.model and self.project in {"", subject.project}


def column_name(feature: FeatureProfile) -> str:
    """The column of traffic that a feature of a reference is: predictions and scores stand under ``prediction.``."""
    is_output = feature.kind in {FeatureKind.PREDICTION, FeatureKind.SCORE}
    if not is_output or feature.name.startswith(PREDICTION_COLUMN):
        return feature.name
    return PREDICTION_COLUMN + feature.name


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """The values of one column that were there.

    ``n`` counts them all, ``text`` those that are no number at all (text and booleans). ``sum``, ``sum_sq``, ``min``
    and ``max`` are of finite numbers only; ``counts`` is empty without bins. Under bins of categories every value is
    in ``counts``.
    """

    n: int = 0
    nan: int = 0
    pos_inf: int = 0
    neg_inf: int = 0
    text: int = 0
    sum: float = 0.0
    sum_sq: float = 0.0
    min: float | None = None
    max: float | None = None
    counts: tuple[int, ...] = ()

    @property
    def finite(self) -> int:
        """How many values are finite numbers or, under bins of categories, are there at all."""
        return self.n - self.nan - self.pos_inf - self.neg_inf - self.text

    def among(self, predictions: int, bins: int = 1) -> FeatureCounts:
        """The same as counts of ``predictions`` rows in so many bins; what is no number counts as NaN."""
        return FeatureCounts(
            n=predictions,
            missing=predictions - self.n,
            nan=self.nan + self.text,
            pos_inf=self.pos_inf,
            neg_inf=self.neg_inf,
            sum=self.sum,
            sum_sq=self.sum_sq,
            min=self.min,
            max=self.max,
            counts=self.counts or (self.finite, *(0 for _ in range(bins - 1))),
        )

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        counts = (
            tuple(mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True))
            if self.counts and other.counts
            else self.counts or other.counts
        )
        return ColumnCounts(
            self.n + other.n,
            self.nan + other.nan,
            self.pos_inf + other.pos_inf,
            self.neg_inf + other.neg_inf,
            self.text + other.text,
            self.sum + other.sum,
            self.sum_sq + other.sum_sq,
            min((bound for bound in (self.min, other.min) if bound is not None), default=None),
            max((bound for bound in (self.max, other.max) if bound is not None), default=None),
            counts,
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many spans, how many of them errors, how long they took (``total_ns``), and when the first and last ended.

    ``latencies`` counts durations by ``latency_bucket``.
    """

    spans: int = 0
    errors: int = 0
    total_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0
    latencies: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: Traffic) -> Traffic:
        if not self.spans or not other.spans:
            return self if self.spans else other
        latencies = dict(self.latencies)
        for bucket, count in other.latencies.items():
            latencies[bucket] = latencies.get(bucket, 0) + count
        return Traffic(
            self.spans + other.spans,
            self.errors + other.errors,
            self.total_ns + other.total_ns,
            min(self.first_ns, other.first_ns),
            max(self.last_ns, other.last_ns),
            latencies,
        )


@dataclass(frozen=True, slots=True)
class SliceKey:
    """Which window of which subject, by which profile; ``start`` (since the Unix epoch) and ``width`` are seconds."""

    start: int
    width: int
    subject: Subject
    profile_id: str = NO_PROFILE


@dataclass(frozen=True, slots=True)
class WindowSlice:
    """All that one window holds of one subject; ``predictions`` counts inferences, those in batches one by one."""

    key: SliceKey
    traffic: Traffic
    predictions: int
    columns: Mapping[str, ColumnCounts]

    def __add__(self, other: WindowSlice) -> WindowSlice:
        columns = dict(self.columns)
        for name, counts in other.columns.items():
            columns[name] = columns[name] + counts if name in columns else counts
        return WindowSlice(self.key, self.traffic + other.traffic, self.predictions + other.predictions, columns)

    def without_service(self) -> WindowSlice:
        """The same, whichever service it was."""
        key = replace(self.key, subject=replace(self.key.subject, service=""))
        return replace(self, key=key)

    def row(self, column: str, bins: Bins | None) -> WindowRow:
        """One column of it, as drift is computed from; without bins all finite numbers are in a single one.

        An attribute that is no part of an inference is nowhere missing.
        """
        key, subject = self.key, self.key.subject
        counts = self.columns.get(column, ColumnCounts())
        rows = counts.n if column.startswith(ATTRIBUTE_COLUMN) else self.predictions
        return WindowRow(
            WindowKey(
                datetime.fromtimestamp(key.start, UTC),
                timedelta(seconds=key.width),
                subject.project,
                subject.model,
                subject.version,
                subject.arm,
                subject.environment,
                column,
                key.profile_id,
            ),
            counts.among(rows, 1 if bins is None else bins.size),
        )


def latency_bucket(duration_ns: int) -> int:
    """The bucket of a duration: sixteen to each doubling, so that its middle is at most 2.2 % off."""
    return int(math.log2(duration_ns) * BUCKETS_PER_OCTAVE) if duration_ns > 1 else 0


def bucketed_quantile(latencies: Mapping[int, int], quantile: float) -> float | None:
    """The duration in nanoseconds below which a share of ``quantile`` lies, off by at most ``LATENCY_ERROR``."""
    total = sum(latencies.values())
    rank = max(1, math.ceil(quantile * total))
    for bucket in sorted(latencies):
        rank -= latencies[bucket]
        if rank <= 0:
            return math.exp2((bucket + 0.5) / BUCKETS_PER_OCTAVE)
    return None


def exact_quantile(ordered: Sequence[int], quantile: float) -> float | None:
    """The quantile of sorted values, interpolated linearly between the two next to it; None without values."""
    if not ordered:
        return None
    position = quantile * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
