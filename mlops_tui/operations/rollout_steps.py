"""Move a rollout on, hold it, resume it: previewed by the driver, carried out as any other action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Preview, Subject
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.domain.rollout_states import (
    WHEN_SENT,
    Event,
    Held,
    Phase,
    Progress,
    Promoted,
    PromotionBegun,
    Resumed,
    Stepped,
)
from mlops_tui.domain.rollout_states import follow as following
from mlops_tui.domain.rollout_weights import step_weights
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.operations.rollout_assembly import bare_rollout
from mlops_tui.operations.rollout_drivers import driver_of, sightings
from mlops_tui.operations.rollout_history import GOES_TO, ROLLOUT, destination
from mlops_tui.operations.rollout_listing import find_rollout
from mlops_tui.operations.rollout_sightings import Move, ProjectReading, Sighting, read_project
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """A rollout with everything an action on it is made from."""

    record: Rollout
    reading: ProjectReading
    sighting: Sighting

    @property
    def plan(self) -> RolloutPolicy:
        """The plan of the policy file. Raises RefusedError where there is none any more."""
        if self.record.plan is None:
            raise RefusedError(
                f"The policy file no longer plans a rollout of {self.record.model}",
                remedy="Abort it, or put the plan back",
            )
        return self.record.plan


async def stand(session: Session, name: str) -> Standing:
    """Read one rollout anew, by its id or its model's name. Raises UsageError when there is none."""
    found = (await find_rollout(session, name)).data
    return Standing(found.record, found.reading, found.sighting)


async def stand_again(session: Session, record: Rollout) -> Standing:
    """Read again what an action on a rollout rests on."""
    project = await session.directory.project(record.project.id)
    reading = await read_project(session, project)
    found = next((item for item in sightings(reading) if item.mark.id == record.id), None)
    if found is None:
        raise RefusedError(f"GitLab shows nothing of the rollout {record.id} any more", remedy="Look at it anew")
    fresh = bare_rollout(session, reading, found)
    return Standing(replace(record, progress=fresh.progress, state=fresh.state, arms=fresh.arms), reading, found)


async def prepare_advance(session: Session, name: str) -> Action:
    """Preview the next step; after the last one the promotion, and after that the end.

    A step that stopped half-way is finished. Raises RefusedError where nothing can follow, and what a promotion raises.
    """
    refuse_when_read_only(session)
    await session.identify()
    standing = await stand(session, name)
    progress, plan = standing.sighting.progress, standing.plan
    if progress.phase is Phase.PROMOTING:
        return await _finish(session, standing)
    if standing.sighting.is_changing and progress.phase is Phase.RUNNING and progress.step:
        # Only now every arm gets its share of the step, so its time begins now.
        return _step(session, standing, plan, replace(progress, since=WHEN_SENT))
    if progress.step >= len(plan.steps) and progress.phase in {Phase.RUNNING, Phase.HELD}:
        return await _promote(session, standing, _only_arm(standing))
    after = following(progress, Stepped(progress.step + 1, WHEN_SENT), len(plan.steps))
    return _step(session, standing, plan, after)


async def prepare_full(session: Session, name: str, arm: str | None = None) -> Action:
    """Preview giving one new version everything now, whatever steps are left.

    Raises UsageError where there are several new versions and none is named.
    """
    refuse_when_read_only(session)
    await session.identify()
    standing = await stand(session, name)
    if standing.sighting.progress.phase is Phase.PROMOTING:
        return await _finish(session, standing)
    move = driver_of(standing.sighting.driver).full(standing.reading, standing.sighting, standing.plan)
    if move is not None:
        record = standing.record
        title = f"All traffic for {record.model} {record.version} in {record.environment}"
        changes = (Change("weight", f"{record.weight:g} %", "100 %"),)
        kind = ActionKind.ADVANCE_ROLLOUT
        return rollout_action(session, standing, kind, title, move, changes, obstacles=haste(record))
    return await _promote(session, standing, arm or _only_arm(standing))


async def prepare_hold(session: Session, name: str, reason: str = "") -> Action:
    """Preview staying where it is until somebody resumes it."""
    return await _noted(session, name, Held(), ActionKind.HOLD_ROLLOUT, "Hold", reason)


async def prepare_resume(session: Session, name: str) -> Action:
    """Preview going on after a hold; time and samples of the step count from its beginning."""
    return await _noted(session, name, Resumed(), ActionKind.RESUME_ROLLOUT, "Resume", "")


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
    changes = (
        Change("weight", f"{record.weight:g} %", f"{step.weight} %"),
        Change("step", str(standing.sighting.progress.step), str(after.step)),
    )
    return rollout_action(
        session,
        standing,
        ActionKind.ADVANCE_ROLLOUT,
        title,
        move,
        changes,
        obstacles=haste(standing.record),
        goes_to=_share(plan, after.step),
    )


async def _promote(session: Session, standing: Standing, arm: str) -> Action:
    """The promotion of the version, which is an action of its own, with the mark that says so."""
    record, sighting = standing.record, standing.sighting
    if arm not in sighting.versions:
        raise UsageError(f"There is no arm {arm!r}", why=f"new versions are {', '.join(sighting.versions)}")
    after = following(sighting.progress, PromotionBegun(WHEN_SENT), len(record.steps))
    project = standing.reading.project
    promotion = await prepare_promotion(session, project, record.model, sighting.versions[arm], record.environment)
    note = driver_of(sighting.driver).note(standing.reading, sighting, after, "")
    stays = rollout_state(record, {"text": f"{sighting.versions[arm]} is deployed in full"})

    async def read_state() -> State:
        again = await stand_again(session, record)
        return {**await promotion.read_state(), **again.sighting.state, **stays}

    async def perform(sender: Sender) -> Performed:
        performed = await promotion.perform(sender)
        await note.perform(sender)
        return performed

    preview = promotion.preview
    intent = replace(preview.intent, expected={**preview.intent.expected, **sighting.state, **stays})
    return Action(
        replace(
            preview,
            intent=intent,
            title=f"{preview.title}, in full after the rollout {record.id}",
            calls=(*preview.calls, *note.calls),
            obstacles=(*haste(record), *preview.obstacles),
        ),
        read_state,
        perform,
    )


async def _finish(session: Session, standing: Standing) -> Action:
    """After the full deployment: take the rollout's hands off the traffic."""
    record, reading = standing.record, standing.reading
    live = live_version(reading.delivery.deployments, record.model, record.environment)
    under_way = reading.delivery.under_way(record.environment)
    if live.version in standing.sighting.versions.values():
        after = following(standing.sighting.progress, Promoted(WHEN_SENT), len(record.steps))
        said = f"{record.model} {live.version} serves everything, and the rollout {record.id} is done"
        move = driver_of(standing.sighting.driver).withdraw(reading, standing.sighting, after, said)
        title = f"End the rollout of {record.model} {live.version} in {record.environment}: it is live in full"
        changes = (Change("state", Phase.PROMOTING.value, Phase.DONE.value),)
        ended = {"text": f"done: {live.version} serves everything"}
        return rollout_action(session, standing, ActionKind.FINISH_ROLLOUT, title, move, changes, goes_to=ended)
    if under_way:
        raise RefusedError(
            f"{record.model} {record.version} is being deployed in full",
            why=f"deployment {under_way[0].id} is {under_way[0].status.value}",
            remedy="Wait for its end",
        )
    return await prepare_promotion(session, reading.project, record.model, record.version, record.environment)


def haste(record: Rollout) -> tuple[str, ...]:
    """Why it would be early to go on: what a person is told before deciding to do so all the same."""
    found = [obstacle.text for obstacle in record.obstacles]
    if record.verdict is not Verdict.HEALTHY and record.progress.step:
        reason = record.judgement.reason if record.judgement else "nothing was measured"
        found.append(f"The verdict is {record.verdict.value}: {reason}")
    needs = record.needs
    if needs is not None and needs.soak_left:
        found.append(f"The step has {format_duration(needs.soak_left)} of its time left")
    if needs is not None and any(needs.samples_left.values()):
        left = ", ".join(f"{arm} {count:,}" for arm, count in needs.samples_left.items() if count)
        found.append(f"The step lacks samples: {left}")
    return tuple(found)


def rollout_action(
    session: Session,
    standing: Standing,
    kind: ActionKind,
    title: str,
    move: Move,
    changes: Sequence[Change],
    *,
    reason: str = "",
    obstacles: Sequence[str] = (),
    goes_to: Mapping[str, JsonValue] | None = None,
) -> Action:
    """An action on a rollout: refused when anything of it changed since the preview."""
    record = standing.record
    subject = Subject(session.context.origin, record.project.path, record.model, record.version, record.environment)
    stays = rollout_state(record, goes_to)
    expected: dict[str, JsonValue] = {**standing.sighting.state, **stays}
    confirmation = Confirmation(ConfirmationKind.YES)
    if record.is_production:
        confirmation = Confirmation(ConfirmationKind.TYPE_NAME, record.model)

    async def read_state() -> State:
        return {**(await stand_again(session, record)).sighting.state, **stays}

    preview = Preview(
        intent=new_intent(session, kind, subject, expected, reason),
        title=title,
        calls=move.calls,
        changes=tuple(changes),
        confirmation=confirmation,
        is_production=record.is_production,
        obstacles=tuple(obstacles),
    )
    return Action(preview, read_state, move.perform)


def rollout_state(record: Rollout, goes_to: Mapping[str, JsonValue] | None) -> dict[str, JsonValue]:
    """What an intent keeps of its rollout for the history: which it is, and what it leads to."""
    return {ROLLOUT: record.id, **({GOES_TO: goes_to} if goes_to else {})}


def _share(plan: RolloutPolicy, number: int) -> dict[str, JsonValue]:
    weight = plan.steps[number - 1].weight
    shares = dict(step_weights(plan, weight))
    text = f"step {number} of {len(plan.steps)} at {weight} %"
    return destination({plan.control: 100.0 - sum(shares.values()), **shares}, text)


def _only_arm(standing: Standing) -> str:
    arms = tuple(standing.sighting.versions)
    if len(arms) > 1:
        raise UsageError(
            "Several new versions serve, and one of them is to get everything",
            why=", ".join(f"{arm} ({version})" for arm, version in standing.sighting.versions.items()),
            remedy="Name one with --arm",
        )
    return arms[0]
