"""Promote a version: preview what a deployment pipeline would be given and change, then start that pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Intent, Preview, Subject
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import LiveVersion, live_version, pipeline_name
from mlops_tui.domain.environments import Environment, EnvironmentState
from mlops_tui.domain.errors import RefusedError, RemoteError, UsageError
from mlops_tui.domain.models import Model, ModelVersion
from mlops_tui.domain.pipelines import PipelineInput
from mlops_tui.domain.policy import ApprovalMode, ModelPolicy
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.promotions import is_production, pipeline_arguments
from mlops_tui.gitlab.issues import close_call
from mlops_tui.gitlab.pipelines import create_call, declared_inputs, read_pipeline, rename_call
from mlops_tui.operations.actions import Action, Performed, Sender, State, mark_of, new_intent, refuse_when_read_only
from mlops_tui.operations.approval_requests import Grant, needed_grant
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.evidence import VersionEvidence, compare_evidence, read_evidence
from mlops_tui.operations.models import find_version
from mlops_tui.operations.rollouts.sightings import ProjectReading
from mlops_tui.operations.rollouts.surroundings import promotion_obstacles
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything a promotion is decided on, read once."""

    project: Project
    model: Model
    version: ModelVersion
    environment: str
    delivery: Delivery
    policy: ModelPolicy
    has_policy: bool
    policy_commit: str
    inputs: tuple[PipelineInput, ...]
    evidence: VersionEvidence
    live_evidence: VersionEvidence | None
    grant: Grant | None

    @property
    def live(self) -> LiveVersion:
        return live_version(self.delivery.deployments, self.model.name, self.environment)

    @property
    def place(self) -> Environment | None:
        return self.delivery.environment(self.environment)

    @property
    def ref(self) -> str:
        return self.policy.deploy.ref or self.project.default_branch


async def prepare_promotion(
    session: Session,
    project: Project,
    model: str,
    version: str,
    environment: str,
    *,
    own_rollout: str = "",
    reading: ProjectReading | None = None,
) -> Action:
    """Preview the promotion of ``version`` to ``environment``; nothing is sent.

    ``own_rollout`` is the id of the rollout that it ends; any other one of the model there is an obstacle. They are
    looked for in ``reading``, where the project was read already.
    Raises UsageError when there is no such version or environment name, RefusedError when it is already live there or
    lacks the approval that the policy asks for.
    """
    refuse_when_read_only(session)
    await session.identify()
    plan = await _plan(session, project, model, version, environment)
    _refuse_needless(plan)
    _refuse_unapproved(plan)
    intent = new_intent(session, ActionKind.PROMOTE, _subject(session, plan), _state(plan))
    calls = _calls(plan, intent)
    around = await promotion_obstacles(session, project, model, environment, own_rollout, reading)
    preview = Preview(
        intent=intent,
        title=f"Promote {model} {version} to {environment}",
        calls=calls,
        changes=_changes(plan),
        confirmation=_confirmation(session, plan),
        is_production=_is_production(session, plan),
        obstacles=(*_obstacles(plan), *around),
        gaps=plan.evidence.gaps,
    )

    async def read_state() -> State:
        return _state(await _plan(session, project, model, version, environment))

    async def perform(sender: Sender) -> Performed:
        performed = await start_pipeline(sender, project, calls[:2])
        return replace(performed, message=performed.message + await _closed(sender, calls[2:]))

    return Action(preview, read_state, perform)


async def _closed(sender: Sender, calls: Sequence[ApiCall]) -> str:
    """Close the request that was granted; why that failed is told, since the promotion does not rest on it."""
    for call in calls:
        try:
            await sender.send(call)
        except RemoteError as error:
            return f", but its request stays open: {error.why or error.what}"
    return ""


async def _plan(session: Session, project: Project, model_name: str, number: str, environment: str) -> _Plan:
    model, version = await find_version(session, project, model_name, number)
    delivery = await read_delivery(session, project)
    policy_file = await session.policy(project)
    policy = policy_file.for_model(model_name)
    live = live_version(delivery.deployments, model_name, environment)
    live_record = next((item for item in model.versions if item.version == live.version), None)
    ref = policy.deploy.ref or project.default_branch
    evidence = await read_evidence(session, version)
    place = delivery.environment(environment)
    is_prod = is_production(place, environment, session.context.kind, policy)
    return _Plan(
        project=project,
        model=model,
        version=version,
        environment=_known_environment(environment, delivery, policy),
        delivery=delivery,
        policy=policy,
        has_policy=model_name in policy_file.models,
        policy_commit=policy_file.commit,
        inputs=await declared_inputs(session.transport, project.ref, ref),
        evidence=evidence,
        live_evidence=await read_evidence(session, live_record) if live_record else None,
        grant=await needed_grant(session, project, evidence, environment, is_production=is_prod),
    )


def _known_environment(name: str, delivery: Delivery, policy: ModelPolicy) -> str:
    known = sorted({item.name for item in delivery.environments} | set(policy.environments))
    if name not in known:
        raise UsageError(
            f"There is no environment {name}",
            why=f"the project has {', '.join(known) or 'none'}",
            remedy="Create it in GitLab, or name one of those",
        )
    return name


def _refuse_needless(plan: _Plan) -> None:
    if plan.live.version == plan.version.version and plan.live.share == 100.0 and plan.live.unknown_since is None:
        raise RefusedError(
            f"{plan.model.name} {plan.version.version} is already live in {plan.environment}",
            remedy="To run its deployment again, use the pipeline's page in GitLab",
        )


def _refuse_unapproved(plan: _Plan) -> None:
    if plan.grant is not None and not plan.grant.is_given:
        what = f"{plan.model.name} {plan.version.version}"
        raise RefusedError(
            f"{what} is not approved for {plan.environment}",
            why=plan.grant.sentence,
            remedy=f"Ask with `mlops-tui approvals request {what} --to {plan.environment}`",
        )


def _subject(session: Session, plan: _Plan) -> Subject:
    return Subject(
        session.context.origin, plan.project.ref.path, plan.model.name, plan.version.version, plan.environment
    )


def _state(plan: _Plan) -> dict[str, JsonValue]:
    live = plan.live
    return {
        "live version": live.version,
        "live deployment": live.deployment.id if live.deployment else None,
        "deployments under way": [item.id for item in plan.delivery.under_way(plan.environment)],
        "version id": plan.version.id,
        "artifacts": {item.path: item.sha256 for item in plan.evidence.artifacts},
        "policy commit": plan.policy_commit,
        **_granted(plan),
    }


def _granted(plan: _Plan) -> dict[str, JsonValue]:
    """The approval that the promotion rests on, where it needs one."""
    if plan.grant is None or plan.grant.request is None:
        return {}
    request = plan.grant.request
    return {"request": request.issue.iid, "evidence": plan.grant.evidence, "votes": request.votes}


def _calls(plan: _Plan, intent: Intent) -> tuple[ApiCall, ...]:
    values = {
        "model": plan.model.name,
        "version": plan.version.version,
        "environment": plan.environment,
        "intent": intent.id,
    }
    arguments = pipeline_arguments(plan.policy.deploy, plan.has_policy, plan.inputs, values)
    name = pipeline_name(plan.model.name, plan.version.version, plan.environment, mark_of(intent))
    granted = plan.grant.request if plan.grant else None
    return (
        create_call(plan.project.ref, plan.ref, arguments.inputs, arguments.variables, "start the deployment pipeline"),
        rename_call(plan.project.ref, name),
        *((close_call(plan.project.ref, granted.issue.iid),) if granted else ()),
    )


def _changes(plan: _Plan) -> tuple[Change, ...]:
    live = plan.live
    changes = [Change("version", live.version or "nothing known", plan.version.version)]
    return (*changes, *compare_evidence(plan.live_evidence, plan.evidence))


def _is_production(session: Session, plan: _Plan) -> bool:
    return is_production(plan.place, plan.environment, session.context.kind, plan.policy)


def _confirmation(session: Session, plan: _Plan) -> Confirmation:
    if _is_production(session, plan):
        return Confirmation(ConfirmationKind.TYPE_NAME, plan.model.name)
    return Confirmation(ConfirmationKind.YES)


def _obstacles(plan: _Plan) -> Sequence[str]:
    obstacles: list[str] = []
    if plan.project.role < Role.DEVELOPER:
        obstacles.append(f"Starting a pipeline needs the role Developer, and yours is {plan.project.role.title}")
    if plan.place is None:
        obstacles.append(f"GitLab has no environment {plan.environment} yet: the first deployment makes it")
    elif plan.place.state is not EnvironmentState.AVAILABLE:
        obstacles.append(f"The environment {plan.environment} is {plan.place.state.value}")
    for item in plan.delivery.under_way(plan.environment):
        what = item.deployed.version if item.deployed else "a version nobody can tell"
        obstacles.append(f"Deployment {item.id} of {what} is {item.status.value} there")
    if plan.policy.approval.mode is not ApprovalMode.AUTO:
        mode = plan.policy.approval.mode.value.replace("_", " ")
        obstacles.append(f"The policy asks for an approval by {mode}: the deployment may wait for it")
    if plan.live.unknown_since:
        obstacles.append("A later deployment there names no version, so what is live now is not certain")
    return obstacles


async def start_pipeline(sender: Sender, project: Project, calls: tuple[ApiCall, ...]) -> Performed:
    """Send the call that makes a pipeline, then the one that names it; a name GitLab refuses undoes nothing."""
    create, rename = calls
    answer = await sender.send(create)
    pipeline = read_pipeline(answer.body, project.ref)
    message = f"Pipeline {pipeline.id} was started"
    try:
        await sender.send(rename.filled(pipeline=pipeline.id))
    except RemoteError as error:
        message += f", but it could not be named: {error.why or error.what}"
    return Performed(message, (pipeline.web_url,), {"pipeline": pipeline.id, "project": project.ref.id})
