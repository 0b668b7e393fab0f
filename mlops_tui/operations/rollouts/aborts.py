"""Abort a rollout: take the traffic off the new version at once, and deploy the version before where it was replaced.

It needs no lease, waits for no other action, and works half-way through a step.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from mlops_tui.domain.actions import ActionKind, Change, Intent, Outcome, Subject
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import Deployment, DeploymentStatus
from mlops_tui.domain.errors import RemoteError, UsageError
from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.domain.projects import Project
from mlops_tui.domain.rollout_states import WHEN_SENT, AbortBegun, Phase, Restored
from mlops_tui.domain.rollout_states import follow as following
from mlops_tui.gitlab.pipelines import cancel_call
from mlops_tui.operations.actions import Action, Performed, Sender, new_intent, refuse_when_read_only
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.rollbacks import perform_return, return_calls
from mlops_tui.operations.rollouts.drivers import driver_of
from mlops_tui.operations.rollouts.history import destination
from mlops_tui.operations.rollouts.leases import clearing_leases
from mlops_tui.operations.rollouts.returns import (
    Return,
    WayBack,
    find_return,
    is_replaced,
    return_obstacles,
    successors,
    told_return,
    told_waiting,
    waiting_return,
)
from mlops_tui.operations.rollouts.sightings import Move, ProjectReading, Sighting
from mlops_tui.operations.rollouts.standing import Standing, rollout_action, stand
from mlops_tui.operations.rollouts.surroundings import approvals_lacking
from mlops_tui.operations.session import Session


async def prepare_abort(session: Session, name: str, reason: str) -> Action:
    """Preview the abort: all traffic to the version before, and that version deployed anew where it was replaced.

    Raises UsageError without a reason, RefusedError when the rollout is over.
    """
    refuse_when_read_only(session)
    if not reason.strip():
        raise UsageError("An abort needs a reason", remedy='Say why with --reason "..."')
    await session.identify()
    standing = await stand(session, name)
    record, sighting, reading = standing.record, standing.sighting, standing.reading
    aborting = following(sighting.progress, AbortBegun(WHEN_SENT), len(record.steps))
    back = await find_return(session, reading, sighting)
    needs_deployment = is_replaced(reading, sighting)
    after = aborting if needs_deployment else following(aborting, Restored(WHEN_SENT), len(record.steps))
    withdrawal = driver_of(sighting.driver).withdraw(reading, sighting, after, _said(standing, back))
    if not needs_deployment:
        withdrawal = _looked_after(session, standing, withdrawal)
    intent = new_intent(session, ActionKind.ABORT_ROLLOUT, _subject(session, standing), {}, reason.strip())
    returning = await _return_calls(session, reading, back.way, intent)
    title = f"Abort the rollout of {record.model} {record.version} in {record.environment}"
    changes = (Change("weight", f"{record.weight:g} %", "0 %"), back.change)
    action = rollout_action(
        session,
        standing,
        ActionKind.ABORT_ROLLOUT,
        title,
        clearing_leases(_joined(session, standing, withdrawal, returning, back.name), reading, record.id),
        changes,
        reason=reason.strip(),
        obstacles=_obstacles(standing, back),
        goes_to=_nothing_left(standing, back),
    )
    return _with_intent(action, intent, back.way)


def _stopped(reading: ProjectReading, sighting: Sighting) -> tuple[Deployment, ...]:
    """Deployments of the new version that are stopped, whether or not anything is known to go back to."""
    if not is_replaced(reading, sighting):
        return ()
    return tuple(item for item in successors(reading, sighting) if not item.status.is_finished)


def _said(standing: Standing, found: Return) -> str:
    """What has come of an abort that deploys, once its calls were made: a deployment that has begun is not its end."""
    stopped = _stopped_text(standing)
    if found.way is None:
        return f"{stopped}, but no earlier deployment is known: promote the version that is to serve"
    return f"{stopped}, and {found.name} is being deployed again"


def _stopped_text(standing: Standing) -> str:
    return f"The rollout of {standing.record.model} {standing.record.version} is stopped"


def _left_after(sighting: Sighting, withdrawn: Performed) -> Sighting:
    """The rollout once its withdrawal was carried out: only jobs move no traffic back before something is deployed."""
    if sighting.driver is RolloutDriver.JOBS or withdrawn.outcome is not Outcome.DONE:
        return sighting
    return replace(sighting, weights=dict.fromkeys(sighting.weights, 0.0))


async def _told_waiting(session: Session, project: Project, sighting: Sighting, version: str, since: datetime) -> str:
    """That the way back to ``version``, begun at ``since``, waits for a person; empty where not, or untold."""
    try:
        delivery = await read_delivery(session, project)
    except RemoteError:
        return ""
    begun_since = since.replace(microsecond=0)
    waiting = waiting_return(delivery, sighting, version, begun_since)
    # GitLab blocks a deployment a moment after it was made; which approvals it lacks is known at once.
    coming = waiting or waiting_return(delivery, sighting, version, begun_since, DeploymentStatus.CREATED)
    if coming is None:
        return ""
    lacking = (await approvals_lacking(session, project, (coming,))).get(coming.id)
    waits = waiting is not None or (lacking is not None and lacking.is_certain)
    return told_waiting(delivery, sighting, coming, lacking) if waits else ""


async def _return_calls(
    session: Session, reading: ProjectReading, way: WayBack | None, intent: Intent
) -> tuple[ApiCall, ...]:
    if way is None:
        return ()
    model = way.target.deployed.model if way.target.deployed else ""
    policy = reading.policy.models.get(model)
    return await return_calls(session, reading.project, way.target, policy, intent, is_retryable=way.is_retryable)


def _joined(
    session: Session, standing: Standing, withdrawal: Move, returning: tuple[ApiCall, ...], version: str
) -> Move:
    """First the traffic, then what is still being deployed, then the deployment of the version before."""
    reading, stopped = standing.reading, _stopped(standing.reading, standing.sighting)
    pipelines = dict.fromkeys(item.pipeline_id for item in stopped if item.pipeline_id is not None)
    stops = tuple(cancel_call(reading.project.ref, number) for number in pipelines)

    async def perform(sender: Sender) -> Performed:
        performed = await withdrawal.perform(sender)
        for call in stops:
            await sender.send(call)
        if not returning:
            return performed
        returned = await perform_return(sender, reading.project, returning)
        # Traffic that could not be taken off the new version is no success, whatever was deployed after that.
        failed = Outcome.FAILED in {performed.outcome, returned.outcome}
        message = f"{performed.message}. {returned.message}"
        left = _left_after(standing.sighting, performed)
        waits = await _told_waiting(session, reading.project, left, version, sender.moment)
        if waits:
            message = f"{performed.message if failed else _stopped_text(standing)}. {waits}"
        return replace(returned, message=message, outcome=Outcome.FAILED if failed else returned.outcome)

    return Move((*withdrawal.calls, *stops, *returning), perform)


def _looked_after(session: Session, standing: Standing, move: Move) -> Move:
    """The same move, which tells what is really live after it: somebody may have deployed something meanwhile."""

    async def perform(sender: Sender) -> Performed:
        performed = await move.perform(sender)
        if performed.outcome is not Outcome.DONE:
            return performed
        return replace(performed, message=await told_return(session, standing.reading, standing.sighting))

    return Move(move.calls, perform)


def _obstacles(standing: Standing, back: Return) -> tuple[str, ...]:
    reading, sighting, record, way = standing.reading, standing.sighting, standing.record, back.way
    found = return_obstacles(back, sighting)
    is_begun = sighting.progress.phase is Phase.ABORTING and way is not None
    waiting = waiting_return(reading.delivery, sighting, back.name, sighting.progress.since) if is_begun else None
    if waiting is not None:
        found.append(f"Deployment {waiting.id} goes back already and waits for somebody: this makes another one")
    if way is None and is_replaced(reading, sighting):
        found.append(
            f"No earlier deployment of {record.control_version} is known: the traffic is taken off the new version, "
            "and which version to deploy is for you to say, with `mlops-tui models promote`"
        )
    if way is not None and not way.is_retryable:
        found.append("GitLab cannot run that deployment's job again, so a new pipeline deploys its version")
    if way is not None and reading.project.has_deployment_approvals:
        found.append("If the environment is protected by approval rules, the job waits for approvals again")
    found += [
        f"Deployment {item.id} of {item.deployed.version} still waits for somebody there: reject it, or it comes"
        for item in reading.delivery.deployments
        if item.environment == record.environment
        and item.status is DeploymentStatus.BLOCKED
        and item.created_at >= record.begun_at
        and item.deployed is not None
        and item.deployed.version in sighting.versions.values()
    ]
    found += [
        f"The flag {flag.name} has a strategy {strategy.name} that is not the rollout's: it goes on sending traffic to "
        f"{record.version} in {record.environment}"
        for flag in sighting.flags
        for strategy in flag.others_reaching(record.environment)
    ]
    return tuple(found)


def _nothing_left(standing: Standing, back: Return) -> dict[str, JsonValue]:
    weights = {arm.name: 100.0 if arm.is_control else 0.0 for arm in standing.record.arms}
    return destination(weights, f"aborted, back to {back.version or standing.record.control_version}")


def _subject(session: Session, standing: Standing) -> Subject:
    record = standing.record
    return Subject(session.context.origin, record.project.path, record.model, record.version, record.environment)


def _with_intent(action: Action, intent: Intent, way: WayBack | None) -> Action:
    """The action under the intent that its calls carry already; it notes which deployment was left."""
    left: dict[str, JsonValue] = {"left deployment": way.left.id} if way and way.left else {}
    expected = {**action.preview.intent.expected, **left}
    preview = replace(action.preview, intent=replace(intent, expected=expected))

    async def read_state() -> dict[str, JsonValue]:
        return {**await action.read_state(), **left}

    return Action(preview, read_state, action.perform)
