"""Judge a rollout by what its traffic was: measure, keep the evidence, weigh it, and see what the step still needs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from mlops_tui.analysis.judge import SequentialJudge
from mlops_tui.analysis.reasons import mismatch_reason
from mlops_tui.analysis.sample_ratio import LIMIT, mismatch_p
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.durations import foreseeable
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.judgements import Judgement, JudgePlan, Measurement, Verdict
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.domain.rollout_states import Phase, state_of
from mlops_tui.domain.rollouts import (
    Arm,
    EventKind,
    Hindrance,
    Obstacle,
    Rollout,
    RolloutEvent,
    StepProgress,
)
from mlops_tui.operations.measurements import GRACE, MeasuredWindow
from mlops_tui.operations.rollouts.comparisons import is_compared, without_control
from mlops_tui.operations.rollouts.estimates import verdict_estimate
from mlops_tui.operations.rollouts.sightings import Sighting
from mlops_tui.operations.rollouts.silence import guardrail_lack, silent_arms
from mlops_tui.operations.rollouts.traffic import (
    MOST_SHOWN,
    evidence_key,
    known_traffic,
    measure_traffic,
    points_of,
    samples_of,
    with_samples,
)
from mlops_tui.operations.session import Session
from mlops_tui.storage.rollout_evidence import Evidence, EvidenceFile

FOLDER = "rollouts"


@dataclass(slots=True)
class RunningJudge:
    """A judge with what it has seen, so that a new window costs one look and not all of them again.

    ``evidence`` is what is kept of it on this machine, as last read.
    """

    judge: SequentialJudge | None
    evidence: Evidence = field(default_factory=Evidence)
    verdicts: list[Judgement] = field(default_factory=list)
    _seen: int = 0

    def observe(self, measurements: Sequence[Measurement], plan: RolloutPolicy) -> None:
        """Take in what is later than all that was seen; without a guardrail there is nothing to judge by."""
        fresh = measurements[self._seen :]
        self._seen = len(measurements)
        if self.judge is None:
            return
        last = self.verdicts[-1].at if self.verdicts else None
        known, arms = {guardrail.name for guardrail in plan.guardrails}, {plan.control, *plan.treatments}
        counting = (item for item in fresh if item.guardrail in known and item.arm in arms)
        later = (item for item in counting if last is None or item.at > last)
        for at, together in groupby(later, key=lambda item: item.at):
            self.verdicts.append(self.judge.observe(at, together))


async def judged(session: Session, record: Rollout, sighting: Sighting, now: datetime) -> Rollout:
    """A rollout under way with measurements, verdicts and what its step needs; unchanged where it has no plan.

    Where the traffic cannot be read, what was kept of it still counts, and an obstacle says why. ``now`` is the
    server's time.
    """
    plan = record.plan
    if plan is None:
        return record
    running, obstacles = await weighed(session, record, plan, now, now - GRACE)
    traffic = known_traffic(session, record)
    windows = traffic.windows
    obstacles += [Obstacle(Hindrance.NO_MEASUREMENTS, note) for note in traffic.notes]
    verdicts = tuple(running.verdicts)
    step = [window for window in windows if window.start >= record.progress.since]
    arms = with_samples(record.arms, step)
    needs = _needs(record, plan, step, verdicts, now)
    # A version that is being deployed in full serves beside its own canary: the split is nobody's plan any more.
    mismatch = _mismatch(plan, arms) if record.progress.phase in {Phase.RUNNING, Phase.HELD} else ""
    if mismatch:
        obstacles.append(Obstacle(Hindrance.MISMATCH, mismatch))
        verdicts = _invalid(verdicts, mismatch)
    points = points_of(windows)
    verdicts = without_control(record, verdicts, points, _step_began(sighting))
    is_open = is_compared(record) and not record.progress.phase.is_abort
    open_verdict = verdicts[-1] if verdicts and is_open else None
    is_complete = needs is not None and needs.is_complete
    return with_verdicts(
        replace(
            record,
            arms=arms,
            needs=needs,
            state=state_of(record.progress, is_changing=sighting.is_changing, is_complete=is_complete),
            traffic=points,
            estimate=verdict_estimate(plan, open_verdict, running.evidence.measurements, step, now),
            obstacles=(*record.obstacles, *obstacles),
        ),
        verdicts,
    )


def _step_began(sighting: Sighting) -> datetime:
    """When the newest step did, also while its version is promoted."""
    progress = sighting.progress
    if progress.phase in {Phase.RUNNING, Phase.HELD}:
        return progress.since
    left = [turn.at for turn in sighting.mark.trail if turn.step == progress.step]
    return left[-1] if left else progress.since


async def weighed(
    session: Session, record: Rollout, plan: RolloutPolicy, now: datetime | None, counted_until: datetime
) -> tuple[RunningJudge, list[Obstacle]]:
    """The judge with all evidence that is kept, and with that of the windows closed at ``now``.

    Those that ended by ``counted_until`` are kept as evidence. With ``now`` of None nothing is measured. The obstacles
    say what could not be measured or kept.
    """
    file, running = evidence_file(session, record), _running(session, record, plan)
    kept, complaint = await asyncio.to_thread(_kept, file, running.evidence, (), plan)
    obstacle: Obstacle | None = None
    fresh: list[Measurement] = []
    if now is not None:
        obstacle = await measure_traffic(session, record, plan, now, kept.until)
        fresh = known_traffic(session, record).measurements(kept.until, counted_until)
        if fresh:
            kept, complaint = await asyncio.to_thread(_kept, file, kept, fresh, plan)
    running.evidence = kept
    # What could not be kept is weighed all the same, and kept by the next look.
    unwritten = [item for item in fresh if kept.until is None or item.at > kept.until]
    running.observe((*kept.measurements, *unwritten), plan)
    return running, [item for item in (obstacle, complaint) if item is not None]


def with_verdicts(record: Rollout, verdicts: Sequence[Judgement]) -> Rollout:
    """The record with what was said of it, the oldest first, in place of what it has of that kind."""
    others = (event for event in record.events if event.kind is not EventKind.VERDICT)
    return replace(
        record,
        judgement=verdicts[-1] if verdicts else None,
        verdicts=tuple(verdicts[-MOST_SHOWN:]),
        events=tuple(sorted((*others, *_verdict_events(verdicts)), key=lambda event: event.at)),
    )


def evidence_file(session: Session, record: Rollout) -> EvidenceFile:
    """Where the evidence of a rollout is kept on this machine."""
    return EvidenceFile(session.data / FOLDER, evidence_key(record))


def judge_plan_of(plan: RolloutPolicy) -> JudgePlan | None:
    """What a rollout is judged by, None without a guardrail.

    Whether the traffic is split as expected is tested for each step by itself.
    """
    return JudgePlan.of_policy(plan) if plan.guardrails else None


def plan_document(plan: RolloutPolicy) -> dict[str, JsonValue]:
    """The judge's part of a plan as ``rollouts judge --plan`` reads it."""
    guardrails: list[JsonValue] = []
    for item in plan.guardrails:
        optional: dict[str, JsonValue] = {
            key: value
            for key, value in (("metric", item.metric), ("quantile", item.quantile), ("threshold", item.threshold))
            if value is not None
        }
        guardrails.append(
            {
                "name": item.name,
                "kind": item.kind.value,
                "direction": item.direction.value,
                "margin": item.margin,
                "margin_kind": item.margin_kind.value,
                "critical": item.is_critical,
                "min_samples": item.min_samples,
            }
            | optional
        )
    return {
        "alpha": plan.alpha,
        "control": plan.control,
        "treatments": list(plan.treatments),
        "guardrails": guardrails,
    }


def _kept(
    file: EvidenceFile, known: Evidence, fresh: Sequence[Measurement], plan: RolloutPolicy
) -> tuple[Evidence, Obstacle | None]:
    try:
        return (file.append(fresh, plan_document(plan), known) if fresh else file.read(known)), None
    except MlopsError as error:
        return known, Obstacle(Hindrance.NO_MEASUREMENTS, str(error), stops_watch=False)


def _running(session: Session, record: Rollout, plan: RolloutPolicy) -> RunningJudge:
    judge_plan = judge_plan_of(plan)
    fresh = RunningJudge(SequentialJudge(judge_plan) if judge_plan else None)
    return session.judges.setdefault(evidence_key(record), fresh)


def _needs(
    record: Rollout,
    plan: RolloutPolicy,
    windows: Sequence[MeasuredWindow],
    verdicts: Sequence[Judgement],
    now: datetime,
) -> StepProgress | None:
    """What the step needs: its time, its own samples, and those that single guardrails ask for over all steps."""
    step = record.step
    if step is None or record.needs is None:
        return None
    samples = samples_of(windows)
    left = {
        arm.name: max(step.min_samples - samples[arm.name], guardrail_lack(plan, verdicts, arm.name), 0)
        for arm in record.arms
        if not (arm.is_control and step.weight == 100)
    }
    soak_left = max(step.soak - (now - record.progress.since), timedelta(0))
    measured_for = sum((window.width for window in windows), timedelta(0))
    waits = [_wait(count, samples[arm], measured_for) for arm, count in left.items() if count]
    known = [wait for wait in waits if wait is not None]
    eta = now + max([soak_left, *known]) if len(known) == len(waits) else None
    silent = silent_arms(plan, step, record.progress.since, windows, verdicts, left, now)
    return StepProgress(soak_left, {arm: samples[arm] for arm in left}, left, eta, silent)


def _wait(count: int, samples: int, measured_for: timedelta) -> timedelta | None:
    return foreseeable(measured_for.total_seconds() * count / samples) if samples and measured_for else None


def _mismatch(plan: RolloutPolicy, arms: Sequence[Arm]) -> str:
    """Why the arms cannot be compared on this step; empty where they can, or the plan does not ask for the test."""
    expected = {arm.name: arm.weight / 100.0 for arm in arms if arm.weight > 0}
    if not plan.weights or len(expected) < 2:
        return ""
    observed = {arm.name: float(arm.samples) for arm in arms if arm.name in expected}
    p = mismatch_p(observed, expected)
    return mismatch_reason(observed, expected, p) if p < LIMIT else ""


def _invalid(verdicts: tuple[Judgement, ...], why: str) -> tuple[Judgement, ...]:
    """The newest verdict is none while the split is wrong; a breach stays one."""
    if not verdicts or verdicts[-1].verdict is Verdict.BREACH:
        return verdicts
    return (*verdicts[:-1], replace(verdicts[-1], verdict=Verdict.INVALID, reason=why))


def _verdict_events(verdicts: Sequence[Judgement]) -> Iterator[RolloutEvent]:
    before: Verdict | None = None
    for judgement in verdicts:
        if judgement.verdict is not before:
            text = f"{judgement.verdict.value}: {judgement.reason}"
            yield RolloutEvent(judgement.at, EventKind.VERDICT, text)
        before = judgement.verdict
