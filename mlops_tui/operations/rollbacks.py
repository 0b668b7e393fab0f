"""Roll back: offer the last known good deployment, and run its job again, or start its version anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Intent, Preview, Subject
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import Deployment, LiveVersion, known_good, live_version, pipeline_name
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.policy import ModelPolicy
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.promotions import is_production, pipeline_arguments
from mlops_tui.gitlab.jobs import is_retryable, read_job, retry_call
from mlops_tui.gitlab.pipelines import create_call, declared_inputs, rename_call
from mlops_tui.operations.actions import Action, Performed, Sender, State, mark_of, new_intent, refuse_when_read_only
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.journal import rolled_back_deployments
from mlops_tui.operations.promotions import start_pipeline
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class WaysBack:
    """What is live, and the deployments one may go back to, the best first."""

    project: Project
    model: str
    environment: str
    live: LiveVersion
    targets: tuple[Deployment, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    ways: WaysBack
    target: Deployment
    delivery: Delivery
    policy: ModelPolicy
    has_policy: bool
    is_retryable: bool


async def ways_back(session: Session, project: Project, model: str, environment: str) -> WaysBack:
    """Where ``model`` may go back to in ``environment``; ``targets`` is empty when nothing good is known."""
    return _ways(session, await read_delivery(session, project), model, environment)


async def prepare_rollback(
    session: Session, project: Project, model: str, environment: str, reason: str, deployment_id: int | None = None
) -> Action:
    """Preview going back, to ``deployment_id`` or to the last known good; nothing is sent.

    Raises UsageError without a reason or for a deployment that is none of the ways back, RefusedError when nothing is
    live or nothing good is known.
    """
    refuse_when_read_only(session)
    if not reason.strip():
        raise UsageError("A rollback needs a reason", remedy='Say why with --reason "..."')
    await session.identify()
    plan = await _plan(session, project, model, environment, deployment_id)
    subject = Subject(session.context.origin, project.ref.path, model, _version(plan.target), environment)
    intent = new_intent(session, ActionKind.ROLL_BACK, subject, _state(plan), reason.strip())
    calls = await _calls(session, plan, intent)
    preview = Preview(
        intent=intent,
        title=f"Roll {model} back to {_version(plan.target)} in {environment}",
        calls=calls,
        changes=(
            Change("version", plan.ways.live.version or "nothing known", _version(plan.target)),
            Change("deployment", str(plan.ways.live.deployment.id if plan.ways.live.deployment else "-"), _way(plan)),
        ),
        confirmation=_confirmation(session, plan),
        is_production=_is_production(session, plan),
        obstacles=tuple(_obstacles(plan)),
    )

    async def read_state() -> State:
        return _state(await _plan(session, project, model, environment, plan.target.id))

    async def perform(sender: Sender) -> Performed:
        performed = await perform_return(sender, project, calls)
        return replace(performed, followed={**performed.followed, **_left(plan)}) if plan.is_retryable else performed

    return Action(preview, read_state, perform)


async def perform_return(sender: Sender, project: Project, calls: tuple[ApiCall, ...]) -> Performed:
    """Send what ``return_calls`` made, and tell what to follow."""
    if len(calls) > 1:
        return await start_pipeline(sender, project, calls)
    answer = await sender.send(calls[0])
    job = read_job(answer.body, project.ref)
    followed: dict[str, JsonValue] = {"job": job.id, "pipeline": job.pipeline_id, "project": project.ref.id}
    return Performed(f"Job {job.name} runs again as {job.id}", (job.web_url,), followed)


def _ways(session: Session, delivery: Delivery, model: str, environment: str) -> WaysBack:
    live = live_version(delivery.deployments, model, environment)
    journaled = rolled_back_deployments(session, delivery.project, model, environment)
    targets = known_good(delivery.deployments, model, environment, journaled)
    return WaysBack(delivery.project, model, environment, live, tuple(targets))


async def _plan(session: Session, project: Project, model: str, environment: str, deployment_id: int | None) -> _Plan:
    delivery = await read_delivery(session, project)
    ways = _ways(session, delivery, model, environment)
    if ways.live.deployment is None:
        raise RefusedError(f"Nothing that names {model} is live in {environment}", remedy="There is nothing to undo")
    target = _target(ways, deployment_id)
    policy_file = await session.policy(project)
    newest = newest_run(delivery, target)
    retryable = newest.job is not None and await is_retryable(session.transport, project.ref, newest.job.id)
    return _Plan(ways, newest, delivery, policy_file.for_model(model), model in policy_file.models, retryable)


def _target(ways: WaysBack, deployment_id: int | None) -> Deployment:
    if deployment_id is None:
        if not ways.targets:
            raise RefusedError(
                f"No good version of {ways.model} is known to go back to in {ways.environment}",
                why="every earlier version there is unknown or was itself rolled back from",
                remedy="Promote the version you want instead",
            )
        return ways.targets[0]
    found = next((item for item in ways.targets if item.id == deployment_id), None)
    if found is None:
        offered = ", ".join(f"{item.id} ({_version(item)})" for item in ways.targets) or "none"
        raise UsageError(
            f"Deployment {deployment_id} is no way back", why=f"offered are {offered}", remedy="Name one of those"
        )
    return found


def newest_run(delivery: Delivery, target: Deployment) -> Deployment:
    """The newest deployment of the same job: GitLab refuses to retry a job that was retried already."""
    if target.job is None:
        return target
    clones = [
        item
        for item in delivery.deployments
        if item.job is not None
        and item.pipeline_id == target.pipeline_id
        and item.job.name == target.job.name
        and item.environment == target.environment
    ]
    return max(clones, key=lambda item: item.id, default=target)


async def _calls(session: Session, plan: _Plan, intent: Intent) -> tuple[ApiCall, ...]:
    policy = plan.policy if plan.has_policy else None
    return await return_calls(session, plan.ways.project, plan.target, policy, intent, is_retryable=plan.is_retryable)


async def return_calls(
    session: Session,
    project: Project,
    target: Deployment,
    policy: ModelPolicy | None,
    intent: Intent,
    *,
    is_retryable: bool,
) -> tuple[ApiCall, ...]:
    """The calls that deploy again what ``target`` deployed: its job once more, or a new pipeline with its version.

    ``policy`` is None where the project has no policy file for the model. ``target`` names its version.
    """
    if is_retryable and target.job is not None:
        return (retry_call(project.ref, target.job.id, target.job.name),)
    deploy = policy.deploy if policy else ModelPolicy("").deploy
    ref = deploy.ref or project.default_branch
    model, version = target.deployed.model if target.deployed else "", _version(target)
    values = {"model": model, "version": version, "environment": target.environment, "intent": intent.id}
    inputs = await declared_inputs(session.transport, project.ref, ref)
    arguments = pipeline_arguments(deploy, policy is not None, inputs, values)
    name = pipeline_name(model, version, target.environment, mark_of(intent, "rollback"))
    purpose = "deploy the earlier version by a new pipeline"
    return (
        create_call(project.ref, ref, arguments.inputs, arguments.variables, purpose),
        rename_call(project.ref, name),
    )


def _state(plan: _Plan) -> dict[str, JsonValue]:
    live = plan.ways.live
    return {
        "live version": live.version,
        "live deployment": live.deployment.id if live.deployment else None,
        "deployments under way": [item.id for item in plan.delivery.under_way(plan.ways.environment)],
        "target deployment": plan.target.id,
        "target version": _version(plan.target),
    } | _left(plan)


def _left(plan: _Plan) -> dict[str, JsonValue]:
    """What the journal keeps so that nobody is ever offered the version that was left."""
    live = plan.ways.live.deployment
    return {"left deployment": live.id if live else None}


def _is_production(session: Session, plan: _Plan) -> bool:
    place = plan.delivery.environment(plan.ways.environment)
    return is_production(place, plan.ways.environment, session.context.kind, plan.policy)


def _confirmation(session: Session, plan: _Plan) -> Confirmation:
    if _is_production(session, plan):
        return Confirmation(ConfirmationKind.TYPE_NAME, plan.ways.model)
    return Confirmation(ConfirmationKind.YES)


def _obstacles(plan: _Plan) -> Sequence[str]:
    obstacles: list[str] = []
    if plan.ways.project.role < Role.DEVELOPER:
        role = plan.ways.project.role.title
        obstacles.append(f"Running a deployment job needs the role Developer, and yours is {role}")
    obstacles += [
        f"Deployment {item.id} is {item.status.value} there and may overtake this one"
        for item in plan.delivery.under_way(plan.ways.environment)
    ]
    if not plan.is_retryable:
        obstacles.append("GitLab cannot run that deployment's job again, so a new pipeline deploys its version")
    if plan.ways.project.has_deployment_approvals:
        obstacles.append("If the environment is protected by approval rules, the job waits for approvals again")
    return obstacles


def _version(deployment: Deployment) -> str:
    return deployment.deployed.version if deployment.deployed else "unknown"


def _way(plan: _Plan) -> str:
    return f"a new run of {plan.target.id}" if plan.is_retryable else "a new one"
