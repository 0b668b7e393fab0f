"""Drift of a model's traffic over one stretch of time, as a CI job analyses it.

Only whole windows count, so that the same stretch always means the same requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_tui.analysis.drift_parts import Share, ShareKind
from mlops_tui.analysis.drift_windows import fold_rows, observe_counts, stretch_at, together
from mlops_tui.analysis.observed import Observed
from mlops_tui.domain.drift_reports import ReportedTraffic
from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.errors import InsufficientDataError
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.policy import MonitoringPolicy
from mlops_tui.domain.profiles import StoredProfile
from mlops_tui.domain.projects import Project
from mlops_tui.domain.trace_queries import SubjectFilter
from mlops_tui.domain.window_slices import column_name
from mlops_tui.domain.windows import WindowRow
from mlops_tui.operations.drift import require_kinds, unknown_features
from mlops_tui.operations.drift_traffic import ComparedTraffic, find_subject, read_traffic, reference_of
from mlops_tui.operations.model_drift import range_of
from mlops_tui.operations.profiles import Kinds
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class TrafficQuestion:
    """Whose requests, and when: from ``start`` up to ``end`` (UTC).

    A rolling question keeps its length and ends with the newest whole window before ``end``; any other one takes the
    whole windows between its two moments.
    """

    asked: SubjectFilter
    start: datetime
    end: datetime
    is_rolling: bool = False


async def observe_traffic(
    session: Session,
    question: TrafficQuestion,
    *,
    project: Project | None = None,
    stored: StoredProfile | None = None,
    kinds: Kinds | None = None,
    share: Share | None = None,
) -> Observed:
    """Count the requests of a stretch of time in the bins of a reference, without a verdict yet.

    The reference is ``stored``, or what is stored with the version in ``project``. A ``share`` takes some of the
    features or windows.

    Raises:
        InsufficientDataError: nothing is stored with the version, or no whole window lies in the stretch.
        UsageError: the context has no traces.
    """
    whole = Stretch(question.start, question.end - question.start)
    reader = await session.traces()
    found = await find_subject(reader, project, question.asked, range_of(whole))
    subject = found.subject
    monitoring = MonitoringPolicy()
    if project is not None:
        monitoring = (await session.policy(project)).for_model(subject.model).monitoring
        if stored is None:
            stored = await _required_reference(session, project, subject, monitoring)
    if stored is None:
        raise InsufficientDataError("There is nothing to compare the traffic with", remedy="Name a --reference")
    require_kinds(stored, kinds or {})
    window = _windows(question, found.width or monitoring.window)
    traffic = await read_traffic(session, subject, range_of(window), stored)
    return await asyncio.to_thread(_observed, traffic, monitoring, window, kinds, share)


async def _required_reference(
    session: Session, project: Project, subject: Subject, monitoring: MonitoringPolicy
) -> StoredProfile:
    stored, problem = await reference_of(session, project, subject, monitoring.reference)
    if stored is None:
        raise InsufficientDataError(
            "There is nothing to compare the traffic with",
            why=problem,
            remedy="Store one with `mlops-tui drift profile`, or name a --reference",
        )
    return stored


def _windows(question: TrafficQuestion, width: timedelta) -> Stretch:
    """The whole windows that a question means."""
    end = stretch_at(question.end, width).start
    start = end - (question.end - question.start) if question.is_rolling else question.start
    first = stretch_at(start, width).start
    if first < start:
        first += width
    if end <= first:
        raise InsufficientDataError(
            "No whole window lies in that time",
            why=f"windows are {format_duration(width)} wide",
            remedy="Name a longer one",
        )
    return Stretch(first, end - first)


def _observed(
    traffic: ComparedTraffic,
    monitoring: MonitoringPolicy,
    window: Stretch,
    kinds: Kinds | None,
    share: Share | None,
) -> Observed:
    stored = traffic.stored
    assert stored is not None  # noqa: S101 - whoever asked has seen to it
    features = list(traffic.features(monitoring) if not kinds else stored.profile.features)
    features = [feature for feature in features if not kinds or feature.name in kinds]
    rows: Iterable[WindowRow] = (row for row in traffic.rows if _is_in(row, window))
    if share is not None and share.kind is ShareKind.FEATURES:
        features = [feature for place, feature in enumerate(features) if share.takes(place)]
    if share is not None and share.kind is ShareKind.WINDOWS:
        rows = (row for row in rows if share.takes((row.key.window_start - window.start) // row.key.width))
    width = traffic.width(window.width)
    columns = together(fold_rows(rows, width).values())
    known = {feature.name for feature in stored.profile.features}
    return Observed(
        reference=stored.source,
        profile_id=stored.profile.profile_id,
        observations=tuple(observe_counts(features, columns)),
        unusable=unknown_features(kinds or monitoring.features, known),
        remarks=tuple(_remarks(traffic)),
        traffic=ReportedTraffic(traffic.subject, window),
        sampled=traffic.sampled,
    )


def _is_in(row: WindowRow, window: Stretch) -> bool:
    return window.start <= row.key.window_start and row.key.window_end <= window.end


def _remarks(traffic: ComparedTraffic) -> Iterable[str]:
    stored = traffic.stored
    if stored is not None:
        known = {column_name(feature) for feature in stored.profile.features}
        yield from (
            f"{name} was left out: the reference has no such feature" for name in traffic.columns if name not in known
        )
    if traffic.sampled is not None:
        yield f"every figure is of a sample of {traffic.sampled:,} requests"
