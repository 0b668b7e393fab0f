"""The quality of a model in its traffic: with the labels that have come in, and estimated where none have."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mlops_tui.analysis.drift_windows import fold_rows
from mlops_tui.analysis.quality_outputs import choose_outputs, outputs_without_labels
from mlops_tui.analysis.quality_rows import OutcomeReader, Outcomes
from mlops_tui.analysis.quality_slices import Sliced, slice_quality
from mlops_tui.analysis.quality_windows import (
    QualityEvidence,
    ScoreSource,
    learn_calibration,
    quality_windows,
    traffic_figures,
    whole_quality,
)
from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.inferences import PREDICTION_COLUMN, Subject
from mlops_tui.domain.profiles import NumericBins
from mlops_tui.domain.projects import Project
from mlops_tui.domain.quality import ModelQuality, Outputs, OutputWish, QualityTask
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_queries import (
    LAST_NS,
    LabelledPrediction,
    SubjectFilter,
    TimeRange,
    WindowQuery,
    WindowTraffic,
)
from mlops_tui.domain.window_slices import WindowProfile
from mlops_tui.domain.windows import WindowRow
from mlops_tui.operations.drift_traffic import find_subject, fitting_width
from mlops_tui.operations.reference_profiles import find_reference
from mlops_tui.operations.session import Session
from mlops_tui.tracing.readers import TraceReader

# Beyond so many labelled predictions the oldest windows are left without.
MOST_LABELLED = 20_000
# Labels of so long before the range say whether scores are probabilities.
LOOK_BACK = timedelta(days=7)
MOST_FOR_CALIBRATION = 5_000
# Scores that no reference profile has bins for are counted in so many of equal width.
SCORE_BINS = 200

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose quality, over which time; ``by`` is an attribute to slice by, "" for none."""

    subject: Subject
    times: TimeRange
    width: timedelta
    wish: OutputWish
    by: str

    @property
    def query(self) -> WindowQuery:
        """The predictions that are meant."""
        subject = self.subject
        only = SubjectFilter(None, subject.project, subject.model, subject.version, subject.arm, subject.environment)
        return WindowQuery(subject.model, self.times, only)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Windows, and how to estimate from them; None without scores."""

    rows: tuple[WindowRow, ...]
    scores: ScoreSource | None
    sampled: int | None


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled predictions of the range and from before it; ``from_ns`` is from when on all of the range were read."""

    now: tuple[LabelledPrediction, ...]
    past: tuple[LabelledPrediction, ...]
    from_ns: int


async def model_quality(
    session: Session,
    project: Project,
    model: str,
    *,
    times: TimeRange,
    version: str | None = None,
    arm: str | None = None,
    environment: str | None = None,
    width: timedelta | None = None,
    by: str = "",
    wish: OutputWish | None = None,
) -> Snapshot[ModelQuality]:
    """The quality of a version on an arm in an environment over a range of time, in windows of ``width``.

    What is left open is chosen as for drift. ``by`` slices the labelled predictions by a feature, another attribute of
    their spans, or ``version``, ``arm``, ``environment``, ``service``; ``wish`` says what is held against what.

    Raises:
        UsageError: the context has no traces, its windows do not fit into ``width``, or the wish fits nothing.
    """
    reader = await session.traces()
    only = SubjectFilter(None, None, model, version, arm, environment)
    found = await find_subject(reader, project, only, times)
    asked = Asked(found.subject, _ended(times, session), timedelta(), wish or OutputWish(), by)
    traffic = await reader.traffic(asked.query)
    own = max((part.width for part in traffic), default=width or timedelta(minutes=5))
    asked = replace(asked, width=fitting_width(width, own))
    labels = await _read_labels(reader, asked, own)
    columns = await reader.columns(model, asked.times)
    outputs = choose_outputs((*labels.past, *labels.now), asked.wish) or outputs_without_labels(columns, asked.wish)
    counted = await _read_scores(session, reader, project, asked, outputs)
    quality = await asyncio.to_thread(_measured, asked, outputs, labels, counted, traffic)
    return Snapshot(quality, session.clock.now(), reader.name)


async def _read_labels(reader: TraceReader, asked: Asked, step: timedelta) -> Labels:
    """The labelled predictions of the range and of the time before it, as many as are looked at."""
    times = asked.times
    now, from_ns = await _newest_labelled(reader, asked.query, times, step, MOST_LABELLED)
    before = TimeRange(max(0, times.start_ns - int(LOOK_BACK.total_seconds()) * _NANOSECONDS), times.start_ns)
    past, _ = await _newest_labelled(reader, asked.query, before, step, MOST_FOR_CALIBRATION)
    return Labels(now, past, from_ns)


async def _newest_labelled(
    reader: TraceReader, query: WindowQuery, times: TimeRange, step: timedelta, most: int
) -> tuple[tuple[LabelledPrediction, ...], int]:
    """The newest labelled predictions of a range, and from when on they are all there.

    The range is read backwards, in longer and longer stretches while they hold little, so that a busy model costs no
    more than a quiet one.
    """
    found: list[LabelledPrediction] = []
    end, length = times.end_ns, int(step.total_seconds()) * _NANOSECONDS
    while end > times.start_ns and len(found) < most:
        start = max(times.start_ns, end - length)
        part = await reader.labelled(replace(query, times=TimeRange(start, end)))
        found += part
        end = start
        if len(part) < most // 8:
            length *= 4
    return tuple(found), end


async def _read_scores(
    session: Session, reader: TraceReader, project: Project, asked: Asked, outputs: Outputs | None
) -> _Counted:
    """The windows by score; those of a model without scores by nothing."""
    if outputs is None or not outputs.score:
        answer = await reader.windows(asked.query)
        return _Counted(answer.rows, None, answer.sampled)
    column = PREDICTION_COLUMN + outputs.score
    profile = await _score_profile(session, project, asked.subject, column)
    query = replace(asked.query, columns=(column,), profile_id=profile.profile_id, profile=profile)
    answer = await reader.windows(query)
    bins = profile.bins[column]
    source = ScoreSource(column, bins, outputs.threshold) if isinstance(bins, NumericBins) else None
    return _Counted(answer.rows, source, answer.sampled)


async def _score_profile(session: Session, project: Project, subject: Subject, column: str) -> WindowProfile:
    """The bins to count scores by: the reference's, whose counts a store may have ready, else some of equal width."""
    with suppress(MlopsError):
        monitoring = (await session.policy(project)).for_model(subject.model).monitoring
        stored = await find_reference(session, project, subject.model, subject.version, monitoring.reference)
        known = WindowProfile.of(stored.profile, "", subject.model) if stored else None
        if known is not None and isinstance(known.bins.get(column), NumericBins):
            return known
    edges = tuple(place / SCORE_BINS for place in range(1, SCORE_BINS))
    return WindowProfile(f"{column}-in-{SCORE_BINS}", "", subject.model, {column: NumericBins(edges)})


def _ended(times: TimeRange, session: Session) -> TimeRange:
    """The range with an end: now, where it had none."""
    if times.end_ns < LAST_NS:
        return times
    return replace(times, end_ns=(int(session.clock.now().timestamp()) + 1) * _NANOSECONDS)


def _measured(
    asked: Asked, outputs: Outputs | None, labels: Labels, counted: _Counted, traffic: Sequence[WindowTraffic]
) -> ModelQuality:
    past, now, unreadable = _outcomes(asked, outputs, labels)
    calibrator, calibration = learn_calibration(past)
    scores = None if counted.scores is None else replace(counted.scores, calibrator=calibrator)
    evidence = QualityEvidence(fold_rows(counted.rows, asked.width), now, scores)
    windows = quality_windows(evidence, asked.width)
    sliced = _slices(asked, now)
    return ModelQuality(
        model=asked.subject.model,
        subject=asked.subject,
        width=asked.width,
        outputs=outputs,
        windows=windows,
        whole=whole_quality(evidence, windows, _stretch(asked.times)),
        traffic=traffic_figures(traffic, asked.width),
        calibration=calibration,
        by=asked.by,
        slices=sliced.slices,
        slices_left=sliced.left,
        sampled=counted.sampled,
        remarks=tuple(_remarks(asked, labels, unreadable)),
    )


def _outcomes(asked: Asked, outputs: Outputs | None, labels: Labels) -> tuple[Outcomes | None, Outcomes | None, int]:
    """The labelled rows from before the range and in it, and how many could not be read."""
    if outputs is None or not outputs.output:
        return None, None, 0
    reader = OutcomeReader(outputs, asked.by)
    past, now = reader.read(labels.past), reader.read(labels.now)
    return past, now, reader.unreadable


def _slices(asked: Asked, rows: Outcomes | None) -> Sliced:
    if not asked.by or rows is None:
        return Sliced((), 0)
    return slice_quality(rows.groups, rows.errors(), are_shares=rows.task is not QualityTask.NUMERIC)


def _remarks(asked: Asked, labels: Labels, unreadable: int) -> Iterator[str]:
    if labels.from_ns > asked.times.start_ns:
        since = datetime.fromtimestamp(labels.from_ns // _NANOSECONDS, UTC)
        yield f"labels are read from {since:%Y-%m-%d %H:%M} UTC on, as there are more than {MOST_LABELLED:,}"
    if unreadable:
        yield f"{unreadable:,} labelled predictions could not be read: a value is missing or is no number"


def _stretch(times: TimeRange) -> Stretch:
    start, end = (datetime.fromtimestamp(bound // _NANOSECONDS, UTC) for bound in (times.start_ns, times.end_ns))
    return Stretch(start, end - start)
