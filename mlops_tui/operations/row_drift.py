"""What only rows can tell: drift of all features together, and where in a stream a feature changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from mlops_tui.analysis.detectors import Adwin, PageHinkley
from mlops_tui.analysis.joint_drift import joint_results
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.datasets.sources import open_dataset, open_reference
from mlops_tui.domain.drift import DriftResult, Statistic
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.profiles import FeatureProfile, NumericBins, ReferenceProfile
from mlops_tui.operations.profiles import Kinds
from mlops_tui.operations.raw_columns import read_raw

_MOST_TOLD = 5


def analyze_jointly(reference: str, current: str, kinds: Kinds | None, limits: Limits) -> tuple[DriftResult, ...]:
    """Compare two tables as wholes; both are held in memory.

    Raises:
        UsageError: the reference is a profile, which holds no rows.
        DataError: a table cannot be read.
    """
    opened = open_reference(reference)
    if isinstance(opened, ReferenceProfile):
        raise UsageError(
            f"{reference} is a reference profile",
            why="features are compared together row by row",
            remedy="Hand over the reference data",
        )
    with closing(opened) as dataset:
        ours = read_raw(dataset, kinds)
    with closing(open_dataset(current)) as dataset:
        theirs = read_raw(dataset, {name: (kinds or {}).get(name) for name in ours}) if ours else {}
    return joint_results(ours, theirs, limits)


def find_changes(
    current: str,
    features: Iterable[FeatureProfile],
    results: Sequence[DriftResult],
    detector: Statistic,
) -> tuple[DriftResult, ...]:
    """Where in a table each numeric feature changed, its rows taken as a stream in their order.

    Numbers are told to the detector in standard deviations of the reference from its mean. The results carry the
    verdicts of ``results`` and inform: no false-alarm rate is promised for them.

    Raises:
        DataError: the table cannot be read.
    """
    deciding = {result.feature: result for result in results if result.decides}
    streams = {
        feature.name: _Stream(feature, _detector(detector))
        for feature in features
        if isinstance(feature.bins, NumericBins) and feature.counts.deviation and feature.name in deciding
    }
    with closing(open_dataset(current)) as dataset:
        for name, cells in dataset.read([name for name in streams if name in dataset.columns or not dataset.columns]):
            streams[name].add(cells.numbers().values.tolist())
    return tuple(
        replace(
            deciding[name],
            statistic=detector,
            value=float(len(stream.changes)),
            p_value=None,
            threshold=None,
            decides=False,
            reason=stream.in_words,
        )
        for name, stream in streams.items()
    )


@dataclass(slots=True)
class _Stream:
    """A feature on its way through a detector; ``changes`` are the rows, counted from one, at which it changed."""

    feature: FeatureProfile
    detector: Adwin | PageHinkley
    changes: list[int] = field(default_factory=list)
    _rows: int = 0

    def add(self, values: Sequence[float]) -> None:
        mean, deviation = self.feature.counts.mean or 0.0, self.feature.counts.deviation or 1.0
        for value in values:
            self._rows += 1
            if math.isfinite(value) and self.detector.update((value - mean) / deviation):
                self.changes.append(self._rows)

    @property
    def in_words(self) -> str:
        if not self.changes:
            return "no change in the order of the rows"
        told = ", ".join(f"{row:,}" for row in self.changes[:_MOST_TOLD])
        more = f" and {len(self.changes) - _MOST_TOLD} more" if len(self.changes) > _MOST_TOLD else ""
        return f"changed at row {told}{more}"


def _detector(statistic: Statistic) -> Adwin | PageHinkley:
    match statistic:
        case Statistic.ADWIN:
            return Adwin()
        case Statistic.PAGE_HINKLEY:
            return PageHinkley()
        case _:
            raise ValueError(f"{statistic.value} detects no changes")
