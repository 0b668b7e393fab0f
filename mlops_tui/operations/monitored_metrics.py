"""The figures that alerts watch, read of a model's traffic: each source once, however many rules rest on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from mlops_tui.analysis.metric_series import (
    feature_points,
    features_points,
    quality_points,
    traffic_points,
    windows_between,
)
from mlops_tui.domain.drift_windows import ModelDrift, Stretch
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.monitored_metrics import MetricFamily, MetricSeries, MonitoredMetric
from mlops_tui.domain.projects import Project
from mlops_tui.domain.quality import ModelQuality
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, WindowQuery, WindowTraffic
from mlops_tui.operations.model_drift import model_drift
from mlops_tui.operations.quality import model_quality
from mlops_tui.operations.session import Session

SHADOW = "shadow"
MOST_WINDOWS = 2_000
_LONGEST_GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose traffic counts; None leaves a part open."""

    environment: str | None = None
    arm: str | None = None


_Read = TypeVar("_Read")
_Reads: TypeAlias = dict[Place, asyncio.Task[_Read]]


@dataclass(slots=True)
class ModelFigures:
    """Reads figures of one model in windows of ``width`` between two moments; what was read is kept."""

    session: Session
    project: Project
    model: str
    width: timedelta
    since: datetime
    until: datetime
    _traffics: _Reads[tuple[tuple[WindowTraffic, ...], bool]] = field(default_factory=dict)
    _drifts: _Reads[ModelDrift] = field(default_factory=dict)
    _qualities: _Reads[ModelQuality] = field(default_factory=dict)

    @property
    def windows(self) -> tuple[Stretch, ...]:
        """The windows that lie between the two moments, the oldest first, the newest of them if they are too many."""
        return windows_between(self.since, self.until, self.width)[-MOST_WINDOWS:]

    async def series(self, metric: MonitoredMetric, place: Place, least: int) -> MetricSeries:
        """A figure over the windows; a source that cannot be read makes a series without points, with the reason."""
        try:
            return await self._read(metric, place, least)
        except MlopsError as error:
            return MetricSeries(metric, (), str(error))

    async def _read(self, metric: MonitoredMetric, place: Place, least: int) -> MetricSeries:
        match metric.family:
            case MetricFamily.TRAFFIC:
                parts, is_known = await _once(self._traffics, place, self._traffic)
                points = traffic_points(metric, parts, self.windows, least, is_known=is_known)
                return MetricSeries(metric, points)
            case MetricFamily.FEATURE:
                drift = await _once(self._drifts, place, self._drift)
                feature = drift.feature(metric.part)
                if feature is None:
                    return MetricSeries(metric, (), _unknown_feature(metric, drift))
                return MetricSeries(metric, feature_points(metric, feature, self.windows, least))
            case MetricFamily.FEATURES:
                drift = await _once(self._drifts, place, self._drift)
                return MetricSeries(metric, features_points(metric, drift.features, self.windows, least))
            case MetricFamily.QUALITY | MetricFamily.ESTIMATE:
                quality = await _once(self._qualities, place, self._quality)
                return MetricSeries(metric, quality_points(metric, quality.windows, self.windows, least))

    async def _traffic(self, place: Place) -> tuple[tuple[WindowTraffic, ...], bool]:
        """The traffic, and whether the model was seen before it begins."""
        reader = await self.session.traces()
        asked = SubjectFilter(model=self.model, arm=place.arm, environment=place.environment)
        parts = await reader.traffic(WindowQuery(self.model, _range(self.since, self.until), asked))
        own = tuple(part for part in parts if self._is_meant(part.subject, place))
        if own:
            return own, False
        earlier = await reader.statistics(TimeRange(0, _nanoseconds(self.since)), asked)
        return own, bool(earlier)

    async def _drift(self, place: Place) -> ModelDrift:
        snapshot = await model_drift(
            self.session,
            self.project,
            self.model,
            times=_range(self.since, self.until),
            arm=place.arm,
            environment=place.environment,
            width=self.width,
        )
        return snapshot.data

    async def _quality(self, place: Place) -> ModelQuality:
        snapshot = await model_quality(
            self.session,
            self.project,
            self.model,
            times=_range(self.since, self.until),
            arm=place.arm,
            environment=place.environment,
            width=self.width,
        )
        return snapshot.data

    def _is_meant(self, subject: Subject, place: Place) -> bool:
        """Whether a request counts: of this project as far as it tells, and answered, unless the rule names its arm."""
        ref = self.project.ref
        is_ours = subject.project in {"", ref.path, str(ref.id), ref.path.rpartition("/")[2]}
        return is_ours and (subject.arm != SHADOW or place.arm == SHADOW)


def closed_until(now: datetime, width: timedelta) -> datetime:
    """The end of the newest window that can be judged: late requests have a little time left to come in."""
    grace = min(width / 2, _LONGEST_GRACE)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return now - grace - (now - grace - epoch) % width


def _once(
    reads: _Reads[_Read], place: Place, read: Callable[[Place], Coroutine[Any, Any, _Read]]
) -> asyncio.Task[_Read]:
    """What is read of a place, once for all who ask."""
    if place not in reads:
        reads[place] = asyncio.create_task(read(place))
    return reads[place]


def _unknown_feature(metric: MonitoredMetric, drift: ModelDrift) -> str:
    known = ", ".join(feature.feature for feature in drift.features)
    return f"the reference has no feature {metric.part}; it has {known or 'none'}"


def _range(since: datetime, until: datetime) -> TimeRange:
    return TimeRange(_nanoseconds(since), _nanoseconds(until))


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000
