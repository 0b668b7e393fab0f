"""Abort a rollout: take the traffic off the new version at once, and deploy the version before where it was replaced.

It needs no lease, waits for no other action, and works half-way through a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.actions import ActionKind, Change, Intent, Outcome, Subject
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import Deployment, DeploymentStatus, history_of, known_good, live_version
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.domain.rollout_states import WHEN_SENT, AbortBegun, Restored
from mlops_tui.domain.rollout_states import follow as following
from mlops_tui.gitlab.jobs import is_retryable
from mlops_tui.gitlab.pipelines import cancel_call
from mlops_tui.operations.actions import Action, Performed, Sender, new_intent, refuse_when_read_only
from mlops_tui.operations.journal import rolled_back_deployments
from mlops_tui.operations.rollbacks import newest_run, perform_return, return_calls
from mlops_tui.operations.rollout_drivers import driver_of
from mlops_tui.operations.rollout_history import destination
from mlops_tui.operations.rollout_sightings import Move, ProjectReading, Sighting
from mlops_tui.operations.rollout_steps import Standing, rollout_action, stand
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class _WayBack:
    """How the version before comes back: the deployment to run again."""

    target: Deployment
    is_retryable: bool
    left: Deployment | None


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
    way = await _way_back(session, reading, sighting)
    needs_deployment = way is not None or is_replaced(reading, sighting)
    after = aborting if needs_deployment else following(aborting, Restored(WHEN_SENT), len(record.steps))
    said = _said(standing, way, is_back=not needs_deployment)
    withdrawal = driver_of(sighting.driver).withdraw(reading, sighting, after, said)
    intent = new_intent(session, ActionKind.ABORT_ROLLOUT, _subject(session, standing), {}, reason.strip())
    returning = await _return_calls(session, reading, way, intent)
    title = f"Abort the rollout of {record.model} {record.version} in {record.environment}"
    changes = [Change("weight", f"{record.weight:g} %", "0 %")]
    if way is not None and way.target.deployed is not None:
        changes.append(Change("deployment", "", f"{way.target.deployed.version} once more, as in {way.target.id}"))
    action = rollout_action(
        session,
        standing,
        ActionKind.ABORT_ROLLOUT,
        title,
        _joined(reading, withdrawal, _stopped(reading, sighting), returning),
        changes,
        reason=reason.strip(),
        obstacles=_obstacles(standing, way),
        goes_to=_nothing_left(standing),
    )
    return _with_intent(action, intent, way)


def is_replaced(reading: ProjectReading, sighting: Sighting) -> bool:
    """Whether the version before no longer serves by itself: its successor was, or is being, deployed over it."""
    if sighting.driver is RolloutDriver.JOBS:
        own = {sighting.pipeline.id} if sighting.pipeline else set()
        # A job that failed or was stopped may have moved traffic before that.
        touched = any(item.pipeline_id in own and item.status.has_touched for item in reading.delivery.deployments)
        return touched or bool(sighting.progress.step) or sighting.is_changing
    return bool(_successors(reading, sighting))


def _successors(reading: ProjectReading, sighting: Sighting) -> tuple[Deployment, ...]:
    """Full deployments of a new version since the rollout began that are live, under way or ended half-way.

    One that is only about to begin counts too: it may have begun when it is stopped.
    """
    mark, versions = sighting.mark, set(sighting.versions.values())
    live = live_version(reading.delivery.deployments, mark.model, mark.environment)
    own = [
        item
        for item in reading.delivery.deployments
        if item.environment == mark.environment
        and item.deployed is not None
        and (item.deployed.model, item.is_full) == (mark.model, True)
        and item.deployed.version in versions
        and item.created_at >= mark.begun
        and (item.status.has_touched or item.status is DeploymentStatus.CREATED)
    ]
    if live.deployment is not None and live.version not in versions:
        own = [item for item in own if item.id > live.deployment.id]
    return tuple(own)


async def _way_back(session: Session, reading: ProjectReading, sighting: Sighting) -> _WayBack | None:
    """Where to go back to, verified to exist; None where nothing has to be deployed or nothing is known."""
    if not is_replaced(reading, sighting):
        return None
    mark, deployments = sighting.mark, reading.delivery.deployments
    full = [item for item in history_of(deployments, mark.model, mark.environment) if item.is_full]
    control = [item for item in full if item.deployed is not None and item.deployed.version == mark.control]
    journaled = rolled_back_deployments(session, reading.project, mark.model, mark.environment)
    good = control[-1:] or known_good(deployments, mark.model, mark.environment, journaled)[:1]
    if not good:
        return None
    target = newest_run(reading.delivery, good[0])
    can_retry = target.job is not None and await is_retryable(session.transport, reading.project.ref, target.job.id)
    live = live_version(deployments, mark.model, mark.environment).deployment
    left = live if live is not None and live.id != good[0].id else None
    return _WayBack(target, can_retry, left)


def _stopped(reading: ProjectReading, sighting: Sighting) -> tuple[Deployment, ...]:
    """Deployments of the new version that are stopped, whether or not anything is known to go back to."""
    if not is_replaced(reading, sighting):
        return ()
    return tuple(item for item in _successors(reading, sighting) if not item.status.is_finished)


def _said(standing: Standing, way: _WayBack | None, *, is_back: bool) -> str:
    """What has come of the abort once its calls were made; a deployment that has only begun is not its end."""
    record = standing.record
    if is_back:
        return f"All traffic is back on {record.control_version}"
    stopped = f"The rollout of {record.model} {record.version} is stopped"
    if way is None or way.target.deployed is None:
        return f"{stopped}, but no earlier deployment is known: promote the version that is to serve"
    return f"{stopped}, and {way.target.deployed.version} is being deployed again"


async def _return_calls(
    session: Session, reading: ProjectReading, way: _WayBack | None, intent: Intent
) -> tuple[ApiCall, ...]:
    if way is None:
        return ()
    model = way.target.deployed.model if way.target.deployed else ""
    policy = reading.policy.models.get(model)
    return await return_calls(session, reading.project, way.target, policy, intent, is_retryable=way.is_retryable)


def _joined(
    reading: ProjectReading, withdrawal: Move, stopped: Sequence[Deployment], returning: tuple[ApiCall, ...]
) -> Move:
    """First the traffic, then what is still being deployed, then the deployment of the version before."""
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
        return replace(returned, message=message, outcome=Outcome.FAILED if failed else returned.outcome)

    return Move((*withdrawal.calls, *stops, *returning), perform)


def _obstacles(standing: Standing, way: _WayBack | None) -> tuple[str, ...]:
    reading, sighting, record = standing.reading, standing.sighting, standing.record
    found: list[str] = []
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


def _nothing_left(standing: Standing) -> dict[str, JsonValue]:
    weights = {arm.name: 100.0 if arm.is_control else 0.0 for arm in standing.record.arms}
    return destination(weights, f"aborted, back to {standing.record.control_version}")


def _subject(session: Session, standing: Standing) -> Subject:
    record = standing.record
    return Subject(session.context.origin, record.project.path, record.model, record.version, record.environment)


def _with_intent(action: Action, intent: Intent, way: _WayBack | None) -> Action:
    """The action under the intent that its calls carry already; it notes which deployment was left."""
    left: dict[str, JsonValue] = {"left deployment": way.left.id} if way and way.left else {}
    expected = {**action.preview.intent.expected, **left}
    preview = replace(action.preview, intent=replace(intent, expected=expected))

    async def read_state() -> dict[str, JsonValue]:
        return {**await action.read_state(), **left}

    return Action(preview, read_state, action.perform)
