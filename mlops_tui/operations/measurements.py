"""From inference traces to what the judge weighs: what each closed window brought, by arm and guardrail."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from mlops_tui.domain.guardrail_metrics import ColumnValues, describe, metric_of, sample_of
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.judgements import Measurement
from mlops_tui.domain.policy import Guardrail, RolloutPolicy
from mlops_tui.domain.profiles import FeatureCounts
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, WindowAnswer, WindowQuery, WindowTraffic
from mlops_tui.domain.window_slices import Traffic

GRACE = timedelta(seconds=10)


class TrafficSource(Protocol):
    """The little that measuring asks of a store of traces."""

    async def traffic(self, query: WindowQuery) -> tuple[WindowTraffic, ...]:
        """Spans, errors and latencies window by window and subject by subject, oldest first."""
        ...

    async def windows(self, query: WindowQuery) -> WindowAnswer:
        """The columns of a model window by window, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class MeasuredSubject:
    """Whose traffic is measured: each arm of a model in an environment, and the version that it has to be of.

    A version of None admits any. Spans that name no project count, those of another project do not.
    """

    project: ProjectRef
    model: str
    environment: str
    versions: Mapping[str, str | None]

    def arm_of(self, subject: Subject) -> str | None:
        """The arm that a subject's spans count for, None for none."""
        if subject.arm not in self.versions or subject.environment != self.environment:
            return None
        version = self.versions[subject.arm]
        if version is not None and subject.version not in {"", version}:
            return None
        names = {"", self.project.path, str(self.project.id), self.project.name}
        return subject.arm if subject.project in names else None


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """One closed window: the traffic of each arm, and what the judge gets of it at the window's end."""

    start: datetime
    width: timedelta
    traffic: Mapping[str, Traffic]
    measurements: tuple[Measurement, ...]

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.start + self.width


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured: closed windows oldest first, and sentences on what could not be."""

    windows: tuple[MeasuredWindow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Window:
    start: datetime
    width: timedelta
    traffic: defaultdict[str, Traffic] = field(default_factory=lambda: defaultdict(Traffic))
    columns: defaultdict[str, dict[str, FeatureCounts]] = field(default_factory=lambda: defaultdict(dict))


async def measure(
    source: TrafficSource,
    subject: MeasuredSubject,
    guardrails: Sequence[Guardrail],
    since: datetime,
    now: datetime,
    measured_until: datetime | None = None,
) -> Measured:
    """The windows that began at ``since`` or later and are closed at ``now``: ended, and some seconds ago.

    ``now`` is the server's time. A window that brings nothing at all is left out. Attributes of spans are counted in
    windows from ``measured_until`` on alone, since that reads every span: what is earlier is evidence already.
    """
    times = TimeRange(start_ns=_nanoseconds(since), end_ns=_nanoseconds(now))
    subjects = SubjectFilter(environment=subject.environment)
    metrics = {guardrail.name: metric_of(guardrail) for guardrail in guardrails}
    columns = sorted({metric.column for metric in metrics.values() if isinstance(metric, ColumnValues)})
    query = WindowQuery(model=subject.model, times=times, subjects=subjects, columns=tuple(columns))
    counted = replace(query, columns=tuple(column for column in columns if column not in query.attributes))
    unmeasured = replace(times, start_ns=_nanoseconds(max(since, measured_until or since)))
    read = replace(query, columns=query.attributes, times=unmeasured)
    traffic, answers = await asyncio.gather(source.traffic(counted), _windows(source, counted, read))
    windows = _gathered(subject, traffic, answers)
    closed = [windows[start] for start in sorted(windows) if _is_closed(windows[start], since, now)]
    notes: dict[str, None] = {}
    measured = tuple(_measured(window, subject, guardrails, notes) for window in closed)
    if not closed and any(row.subject.model == subject.model for row in traffic):
        notes[_strangers(subject, traffic)] = None
    return Measured(measured, tuple(note for note in notes if note))


def ways_of_measuring(plan: RolloutPolicy) -> dict[str, str]:
    """How each guardrail of a plan is measured, in a few words."""
    return {guardrail.name: describe(metric_of(guardrail)) for guardrail in plan.guardrails}


async def _windows(source: TrafficSource, *queries: WindowQuery) -> Sequence[WindowAnswer]:
    return await asyncio.gather(*(source.windows(query) for query in queries if query.columns))


def _gathered(
    subject: MeasuredSubject, traffic: Sequence[WindowTraffic], answers: Sequence[WindowAnswer]
) -> dict[datetime, _Window]:
    """Everything by window; several subjects of one arm (two services, two projects' names) add up."""
    windows: dict[datetime, _Window] = {}
    for row in traffic:
        arm = subject.arm_of(row.subject)
        if arm is not None:
            window = windows.setdefault(row.window_start, _Window(row.window_start, row.width))
            window.traffic[arm] += row.traffic
    for values in chain.from_iterable(answer.rows for answer in answers):
        key = values.key
        arm = subject.arm_of(
            Subject(
                project=key.project,
                model=key.model,
                version=key.version,
                arm=key.arm,
                environment=key.environment,
            )
        )
        if arm is None or key.window_start not in windows:
            continue
        known = windows[key.window_start].columns[arm]
        counted = _without_bins(values.values)
        known[key.feature] = known[key.feature].merged(counted) if key.feature in known else counted
    return windows


def _without_bins(values: FeatureCounts) -> FeatureCounts:
    """The same in a single bin, so that rows of whatever bins add up."""
    return FeatureCounts(
        n=values.n,
        missing=values.missing,
        nan=values.nan,
        pos_inf=values.pos_inf,
        neg_inf=values.neg_inf,
        sum=values.sum,
        sum_sq=values.sum_sq,
        min=values.min,
        max=values.max,
        counts=(values.valid,),
    )


def _is_closed(window: _Window, since: datetime, now: datetime) -> bool:
    return window.start >= since and window.start + window.width + GRACE <= now


def _measured(
    window: _Window, subject: MeasuredSubject, guardrails: Sequence[Guardrail], notes: dict[str, None]
) -> MeasuredWindow:
    at = window.start + window.width
    measurements: list[Measurement] = []
    for guardrail in guardrails:
        metric = metric_of(guardrail)
        for arm in subject.versions:
            try:
                sample = sample_of(metric, guardrail.kind, window.traffic[arm], window.columns[arm])
            except ValueError as error:
                notes[str(error)] = None
                continue
            if sample.n:
                measurements.append(Measurement(at, arm, guardrail.name, sample))
    return MeasuredWindow(window.start, window.width, dict(window.traffic), tuple(measurements))


def _strangers(subject: MeasuredSubject, traffic: Sequence[WindowTraffic]) -> str:
    """Why there is traffic of the model, and none of it counts."""
    others = {f"{row.subject.arm or 'no arm'} {row.subject.version or 'of no version'}" for row in traffic}
    if all(subject.arm_of(row.subject) is not None for row in traffic):
        return ""
    wanted = ", ".join(f"{arm} {version or ''}".strip() for arm, version in subject.versions.items())
    return f"The traces tell of {', '.join(sorted(others)[:4])}, and the rollout is of {wanted}"


def _nanoseconds(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1_000_000_000))
