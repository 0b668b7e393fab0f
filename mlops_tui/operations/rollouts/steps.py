"""Move a rollout on, hold it, resume it: previewed by the driver, carried out as any other action."""

from __future__ import annotations

from dataclasses import replace

from mlops_tui.domain.actions import ActionKind, Change
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.domain.rollout_states import (
    WHEN_SENT,
    Event,
    Held,
    Phase,
    Progress,
    PromotionBegun,
    Resumed,
    Stepped,
)
from mlops_tui.domain.rollout_states import follow as following
from mlops_tui.domain.rollout_weights import step_weights
from mlops_tui.operations.actions import Action, refuse_when_read_only
from mlops_tui.operations.rollouts.drivers import driver_of
from mlops_tui.operations.rollouts.history import destination
from mlops_tui.operations.rollouts.promotions import finish, is_to_finish, only_arm, promote
from mlops_tui.operations.rollouts.standing import Standing, haste, rollout_action, stand
from mlops_tui.operations.session import Session


async def prepare_advance(session: Session, name: str) -> Action:
    """Preview the next step; after the last one the promotion, and after that the end.

    Where somebody deployed a new version in full already only the end is left. A step that
    stopped half-way is finished. Raises RefusedError where nothing can follow or a job of the rollout still runs, and
    what a promotion raises.
    """
    refuse_when_read_only(session)
    await session.identify()
    standing = await stand(session, name)
    progress = standing.sighting.progress
    if is_to_finish(standing):
        return await finish(session, standing)
    _refuse_while_running(standing)
    plan = standing.plan
    if standing.sighting.is_changing and progress.phase is Phase.RUNNING and progress.step:
        # Only now every arm gets its share of the step, so its time begins now.
        return _step(session, standing, plan, replace(progress, since=WHEN_SENT))
    if progress.step >= len(plan.steps) and _is_open(progress):
        return await promote(session, standing, only_arm(standing))
    after = following(progress, Stepped(progress.step + 1, WHEN_SENT), len(plan.steps))
    return _step(session, standing, plan, after)


async def prepare_full(session: Session, name: str, arm: str | None = None) -> Action:
    """Preview giving one new version everything now, whatever steps are left.

    Raises UsageError where there are several new versions and none is named, RefusedError where the rollout goes back
    or a job of it still runs.
    """
    refuse_when_read_only(session)
    await session.identify()
    standing = await stand(session, name)
    if is_to_finish(standing):
        return await finish(session, standing, arm)
    # A driver's own job plays in full as well whatever the phase is, and moves traffic that is to go back.
    following(standing.sighting.progress, PromotionBegun(WHEN_SENT), len(standing.record.steps))
    _refuse_while_running(standing)
    move = driver_of(standing.sighting.driver).full(standing.reading, standing.sighting, standing.plan)
    if move is not None:
        record = standing.record
        title = f"All traffic for {record.model} {record.version} in {record.environment}"
        changes = (Change("weight", f"{record.weight:g} %", "100 %"),)
        kind = ActionKind.ADVANCE_ROLLOUT
        return rollout_action(session, standing, kind, title, move, changes, obstacles=haste(record))
    return await promote(session, standing, arm or only_arm(standing))


async def prepare_hold(session: Session, name: str, reason: str = "") -> Action:
    """Preview staying where it is until somebody resumes it."""
    return await _noted(session, name, Held(), ActionKind.HOLD_ROLLOUT, "Hold", reason)


async def prepare_resume(session: Session, name: str) -> Action:
    """Preview going on after a hold; time and samples of the step count from its beginning."""
    return await _noted(session, name, Resumed(), ActionKind.RESUME_ROLLOUT, "Resume", "")


def _refuse_while_running(standing: Standing) -> None:
    """Until its job has ended nobody can tell which step it is on: another one could end before it, or be undone."""
    job = standing.sighting.running
    if job is not None and _is_open(standing.sighting.progress):
        raise RefusedError(
            f"The job {job.name} still runs as {job.id}",
            why=f"it is {job.status.value}, and what follows is known when it has ended",
            remedy="Wait for its end, or abort",
        )


def _is_open(progress: Progress) -> bool:
    return progress.phase in {Phase.RUNNING, Phase.HELD}


async def _noted(session: Session, name: str, event: Event, kind: ActionKind, verb: str, reason: str) -> Action:
    refuse_when_read_only(session)
    await session.identify()
    standing = await stand(session, name)
    steps = len(standing.record.steps)
    after = following(standing.sighting.progress, event, steps)
    record = standing.record
    said = f"The rollout {record.id} is {after.phase.value}"
    move = driver_of(standing.sighting.driver).note(standing.reading, standing.sighting, after, said)
    title = f"{verb} the rollout of {record.model} {record.version} in {record.environment} at {record.weight:g} %"
    changes = (Change("state", standing.sighting.progress.phase.value, after.phase.value),)
    return rollout_action(session, standing, kind, title, move, changes, reason=reason)


def _step(session: Session, standing: Standing, plan: RolloutPolicy, after: Progress) -> Action:
    record = standing.record
    step = plan.steps[after.step - 1]
    move = driver_of(standing.sighting.driver).step(standing.reading, standing.sighting, plan, after)
    title = f"Step {after.step} of {len(plan.steps)}: {step.weight} % for {record.model} {record.version}"
    title += f" in {record.environment}"
    changes: tuple[Change, ...] = (
        Change("weight", f"{record.weight:g} %", f"{step.weight} %"),
        Change("step", str(standing.sighting.progress.step), str(after.step)),
    )
    goes_to = _share(plan, after.step)
    if move.prepares:
        title = f"Before step {after.step} of {len(plan.steps)} in {record.environment}: {move.prepares}"
        later = f"still {record.weight:g} %; {step.weight} % only by the next go-ahead, once that has ended"
        changes = (Change("weight", f"{record.weight:g} %", later),)
        goes_to = {"text": move.prepares}
    return rollout_action(
        session,
        standing,
        ActionKind.ADVANCE_ROLLOUT,
        title,
        move,
        changes,
        obstacles=haste(standing.record),
        goes_to=goes_to,
    )


def _share(plan: RolloutPolicy, number: int) -> dict[str, JsonValue]:
    weight = plan.steps[number - 1].weight
    shares = dict(step_weights(plan, weight))
    text = f"step {number} of {len(plan.steps)} at {weight} %"
    return destination({plan.control: 100.0 - sum(shares.values()), **shares}, text)
