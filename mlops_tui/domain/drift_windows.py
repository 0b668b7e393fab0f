"""Drift over time: what the windows of one model version said, feature by feature, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_tui.domain.drift import DriftResult, DriftVerdict, FeatureKind, Statistic, overall
from mlops_tui.domain.inferences import Subject


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """A stretch of time: it holds its ``start`` (UTC) and not its ``end``."""

    start: datetime
    width: timedelta

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.start + self.width


@dataclass(frozen=True, slots=True)
class WindowVerdict:
    """The deciding statistic of one feature in one window.

    ``threshold`` is calibrated by the numbers of rows on both sides, so it moves with them. ``n`` counts all rows of
    the window, ``missing`` those without a value. ``value`` is None where nothing could be compared, and ``reason``
    says why. ``grown_rate`` is a share of missing values or new categories that has grown, in units of its own
    threshold: it makes the window drift where the value alone does not.
    """

    window: Stretch
    value: float | None
    p_value: float | None
    threshold: float | None
    verdict: DriftVerdict
    n: int
    missing: int
    reason: str = ""
    grown_rate: float = 0.0

    @property
    def severity(self) -> float:
        """The value in units of its threshold: above 1 is drift; 0 where there is none of either."""
        return max(severity(self.value, self.threshold), self.grown_rate)


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature: how it is now, and how it was in each window, the oldest first.

    ``results`` holds every statistic over the current stretch, the deciding one first. A window that no request fell
    into is not among ``windows``.
    """

    feature: str
    kind: FeatureKind
    results: tuple[DriftResult, ...]
    windows: tuple[WindowVerdict, ...]

    def __post_init__(self) -> None:
        if not self.results:
            raise ValueError("a feature has at least the result that decides")

    @property
    def deciding(self) -> DriftResult:
        """The result that the feature's verdict rests on."""
        return self.results[0]

    @property
    def worst(self) -> DriftResult:
        """The result that is furthest beyond its threshold; the deciding one where there is no other."""
        return max(self.results, key=lambda result: severity(result.value, result.threshold))

    @property
    def statistic(self) -> Statistic:
        """The statistic that decides, now and in every window."""
        return self.deciding.statistic

    @property
    def verdict(self) -> DriftVerdict:
        """What is said of the feature now."""
        return self.deciding.verdict

    @property
    def severity(self) -> float:
        """The current value, or a share that has grown, in units of its calibrated threshold: above 1 is drift."""
        return max(severity(result.value, result.threshold) for result in self.results)


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What chance alone does: an analysis of unchanged data says drift with a probability of at most ``level``.

    ``per_month`` is how many that makes in thirty days, at most and on average, when there is one ``every`` so often.
    """

    level: float
    every: timedelta
    per_month: float


@dataclass(frozen=True, slots=True)
class Reference:
    """What the windows are compared with.

    ``source`` says where the profile comes from, for people. Windows are known by its bins from ``counted_from`` on
    (None when none is). ``counted`` of ``total`` spans have been counted by them so far.
    """

    profile_id: str
    source: str
    rows: int
    counted_from: datetime | None = None
    counted: int = 0
    total: int = 0

    @property
    def is_counted(self) -> bool:
        """Whether the past that is still there has been counted."""
        return self.counted >= self.total


@dataclass(frozen=True, slots=True)
class SubjectRequests:
    """A version on an arm in an environment, how many requests it had, and when its newest window ends."""

    subject: Subject
    requests: int
    until: datetime


@dataclass(frozen=True, slots=True)
class DeploymentMark:
    """A deployment of the model that ended while the windows were filling."""

    at: datetime
    version: str
    environment: str


@dataclass(frozen=True, slots=True)
class ModelDrift:
    """Drift of one version on one arm in one environment.

    ``subject`` has empty parts where nothing was chosen and traffic names none; ``subjects`` are all that could be
    chosen. ``features`` come the worst first. ``current`` is the stretch that their results are of: the newest
    windows, as many as it takes to have rows enough; None without traffic, as is ``reference`` without a profile.
    ``sampled`` is how many spans all figures rest on where the source could not count every one of them. ``remarks``
    are sentences about what was left out.
    """

    model: str
    subject: Subject
    subjects: tuple[SubjectRequests, ...]
    width: timedelta
    reference: Reference | None
    current: Stretch | None
    rows: int
    features: tuple[FeatureDrift, ...]
    false_alarms: FalseAlarms
    deployments: tuple[DeploymentMark, ...] = ()
    sampled: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> DriftVerdict:
        """The verdict over all features."""
        return overall({feature.verdict for feature in self.features})

    def feature(self, name: str) -> FeatureDrift | None:
        """The feature of that name."""
        return next((item for item in self.features if item.feature == name), None)


@dataclass(frozen=True, slots=True)
class Cell:
    """One bar of a distribution: what it counts, and how many rows of either side it has.

    ``low`` and ``high`` bound it for numbers (above ``low``, at most ``high``; None where it is open or no range).
    """

    label: str
    reference: int
    current: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class FeatureDistribution:
    """A feature in the reference and in one window side by side; absent values and infinities have cells too."""

    feature: str
    kind: FeatureKind
    window: Stretch
    n_reference: int
    n_current: int
    cells: tuple[Cell, ...]

    def shares(self) -> tuple[tuple[float, float], ...]:
        """Per cell its share of the reference's rows and of the current ones."""
        return tuple(
            (cell.reference / max(1, self.n_reference), cell.current / max(1, self.n_current)) for cell in self.cells
        )


class KnownVerdicts:
    """Verdicts by what they were made of, so that a window that is full is judged once; the oldest go first."""

    def __init__(self, most: int = 5_000) -> None:
        self._most = most
        self._known: dict[tuple[object, ...], dict[str, WindowVerdict]] = {}

    def recall(
        self, key: tuple[object, ...], judge_now: Callable[[], dict[str, WindowVerdict]]
    ) -> dict[str, WindowVerdict]:
        """What is known, or else what is found out now."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = judge_now()
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        return known


def severity(value: float | None, threshold: float | None) -> float:
    """A value in units of its threshold; 0 where either is missing."""
    return value / threshold if value is not None and threshold else 0.0
