"""Drift of a model in its traffic, as the screen shows it: now, and window by window."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlops_tui.analysis.distributions import distribution
from mlops_tui.analysis.drift import invalid_result
from mlops_tui.analysis.drift_windows import (
    feature_drifts,
    fold_rows,
    judge,
    newest_windows,
    rows_of,
    together,
    window_verdicts,
)
from mlops_tui.analysis.thresholds import Limits, false_alarms_per_month, level_for
from mlops_tui.domain.drift import DriftResult, FeatureKind
from mlops_tui.domain.drift_windows import (
    DeploymentMark,
    FalseAlarms,
    FeatureDistribution,
    FeatureDrift,
    KnownVerdicts,
    ModelDrift,
    Reference,
    Stretch,
)
from mlops_tui.domain.errors import InsufficientDataError, NotAllowedError, NotFoundError
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.policy import MonitoringPolicy
from mlops_tui.domain.projects import Project
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange
from mlops_tui.domain.window_slices import column_name
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.drift_traffic import (
    ComparedTraffic,
    find_subject,
    fitting_width,
    read_traffic,
    reference_of,
)
from mlops_tui.operations.session import Session

# So many false alarms a month are accepted of one model, however many its features are, in windows of this width or
# wider. Narrower ones are judged alike, as they would hardly ever hold enough: they make more, and how many is said.
FALSE_ALARMS_PER_MONTH = 1.0
NARROWEST = timedelta(minutes=5)

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Judged:
    """What was made of the windows."""

    features: tuple[FeatureDrift, ...]
    current: Stretch | None
    rows: int


async def model_drift(
    session: Session,
    project: Project,
    model: str,
    *,
    times: TimeRange,
    version: str | None = None,
    arm: str | None = None,
    environment: str | None = None,
    width: timedelta | None = None,
) -> Snapshot[ModelDrift]:
    """Drift of a version on an arm in an environment over a range of time, in windows of ``width``.

    What is left open is chosen: the stable arm before others, then what had the most requests. ``width`` is a multiple
    of the store's own, None for that. Where the version has no profile every feature is ``invalid``, with the reason.

    Raises:
        UsageError: the context has no traces, or its windows do not fit into ``width``.
    """
    reader = await session.traces()
    asked = SubjectFilter(None, None, model, version, arm, environment)
    found = await find_subject(reader, project, asked, times)
    subject = found.subject
    monitoring = (await session.policy(project)).for_model(model).monitoring
    (stored, problem), marks = await asyncio.gather(
        reference_of(session, project, subject, monitoring.reference), _deployments(session, project, subject, times)
    )
    traffic = await read_traffic(session, subject, times, stored, problem)
    own = traffic.width(monitoring.window)
    fitting = fitting_width(width, own) if traffic.rows else width or own
    level = level_of(fitting)
    judged = await asyncio.to_thread(_judge, traffic, monitoring, fitting, session.known_verdicts)
    drift = ModelDrift(
        model=model,
        subject=subject,
        subjects=found.subjects,
        width=fitting,
        reference=_reference(traffic),
        current=judged.current,
        rows=judged.rows,
        features=judged.features,
        false_alarms=FalseAlarms(level, fitting, false_alarms_per_month(level, fitting)),
        deployments=marks,
        sampled=traffic.sampled,
        remarks=tuple(_remarks(traffic)),
    )
    return Snapshot(drift, session.clock.now(), reader.name)


async def feature_distribution(
    session: Session, project: Project, subject: Subject, feature: str, window: Stretch
) -> Snapshot[FeatureDistribution]:
    """A feature in the reference and in one window, side by side; ``subject`` is that of a ``ModelDrift``.

    Raises:
        InsufficientDataError: there is no reference, it does not hold the feature, or the window has no requests.
    """
    monitoring = (await session.policy(project)).for_model(subject.model).monitoring
    stored, problem = await reference_of(session, project, subject, monitoring.reference)
    traffic = await read_traffic(session, subject, range_of(window), stored, problem)
    profile = traffic.stored.profile.feature(feature) if traffic.stored else None
    if profile is None:
        raise InsufficientDataError(
            f"The distribution of {feature} is not known", why=traffic.problem or "the reference has no such feature"
        )
    column = column_name(profile)
    within = [row for row in traffic.rows if row.key.feature == column and _is_inside(row.key.window_start, window)]
    counts = together(fold_rows(within, traffic.width(window.width)).values()).get(column)
    if counts is None or not counts.n:
        raise InsufficientDataError(f"The distribution of {feature} is not known", why="the window had no requests")
    name = (await session.traces()).name
    return Snapshot(distribution(profile, counts, window), session.clock.now(), name)


def level_of(width: timedelta) -> float:
    """The level of one window, so that all windows of a month make few false alarms together."""
    return level_for(FALSE_ALARMS_PER_MONTH, max(width, NARROWEST))


def range_of(window: Stretch) -> TimeRange:
    """A stretch of time as readers take it."""
    return TimeRange(_nanoseconds(window.start), _nanoseconds(window.end))


def _judge(traffic: ComparedTraffic, monitoring: MonitoringPolicy, width: timedelta, known: KnownVerdicts) -> _Judged:
    windows = fold_rows(traffic.rows, width)
    newest = newest_windows(windows)
    features = traffic.features(monitoring)
    unknown = _unknown(traffic, monitoring)
    if newest is None or not features:
        current, columns = newest or (None, {})
        return _Judged(feature_drifts(unknown, {}), current, rows_of(columns))
    current, columns = newest
    limits = Limits(level_of(width))
    results = judge(features, columns, limits)
    series = window_verdicts(features, windows, limits, known)
    return _Judged(feature_drifts([*results, *unknown], series), current, rows_of(columns))


def _unknown(traffic: ComparedTraffic, monitoring: MonitoringPolicy) -> list[DriftResult]:
    """The features that should be compared and have nothing to be compared with."""
    if traffic.stored is None and not traffic.rows:
        return []
    if traffic.stored is None:
        names: Sequence[str] = tuple(monitoring.features) or traffic.columns
        return [invalid_result(name, FeatureKind.NUMERIC, traffic.problem) for name in names]
    known = {feature.name for feature in traffic.stored.profile.features}
    return [
        invalid_result(name, FeatureKind.NUMERIC, "the reference has no such feature")
        for name in monitoring.features
        if name not in known
    ]


def _reference(traffic: ComparedTraffic) -> Reference | None:
    stored, progress = traffic.stored, traffic.progress
    if stored is None:
        return None
    rows = max((feature.counts.n for feature in stored.profile.features), default=0)
    if progress is None:
        return Reference(stored.profile.profile_id, stored.source, rows)
    since = datetime.fromtimestamp(progress.since_ns // _NANOSECONDS, UTC) if progress.since_ns else None
    return Reference(stored.profile.profile_id, stored.source, rows, since, progress.fold.counted, progress.total)


def _remarks(traffic: ComparedTraffic) -> Iterator[str]:
    if traffic.problem and traffic.rows:
        yield traffic.problem
    if traffic.stored is not None:
        known = {column_name(feature) for feature in traffic.stored.profile.features}
        unknown = [name for name in traffic.columns if name not in known]
        if unknown:
            yield f"not compared, as the reference does not have them: {', '.join(unknown)}"
    if traffic.sampled is not None:
        yield f"every figure is of a sample of {traffic.sampled:,} requests"


async def _deployments(
    session: Session, project: Project, subject: Subject, times: TimeRange
) -> tuple[DeploymentMark, ...]:
    try:
        delivery = await read_delivery(session, project)
    except (NotAllowedError, NotFoundError):
        return ()
    marks = [
        DeploymentMark(item.took_effect_at, item.deployed.version, item.environment)
        for item in delivery.deployments
        if item.deployed is not None and item.deployed.model == subject.model and item.status.is_finished
    ]
    return tuple(
        sorted(
            (mark for mark in marks if times.start_ns <= _nanoseconds(mark.at) < times.end_ns),
            key=lambda mark: mark.at,
        )
    )


def _is_inside(moment: datetime, window: Stretch) -> bool:
    return window.start <= moment < window.end


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * _NANOSECONDS
