"""What is known of models that may be trained again, all of it read from GitLab and from their alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mlops_tui.domain.alert_board import Alert
from mlops_tui.domain.deployments import LiveVersion, live_version
from mlops_tui.domain.errors import NotAllowedError, NotFoundError, RefusedError
from mlops_tui.domain.pipelines import Pipeline, PipelineInput, PipelineStatus
from mlops_tui.domain.policy import Handover, ModelPolicy, RetrainPolicy
from mlops_tui.domain.projects import Project
from mlops_tui.domain.promotions import PipelineArguments
from mlops_tui.domain.retraining import MONTH, RetrainCase, RetrainDecision, Training, decide, trained_model
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.pipelines import list_pipelines
from mlops_tui.operations.alerts import AlertBoard, evaluate
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.session import Session

MOST_PIPELINES = 500
VARIABLES: Mapping[str, str] = {
    "model": "MODEL_NAME",
    "intent": "RETRAIN_INTENT",
    "reason": "RETRAIN_REASON",
    "evidence": "RETRAIN_EVIDENCE",
}


async def decide_all(session: Session, board: AlertBoard | None = None) -> Snapshot[tuple[RetrainDecision, ...]]:
    """Decide about every model with a retraining policy together; ``board`` are its alerts, None to judge them now."""
    alerts = (board or (await evaluate(session)).data).alerts
    cases: list[RetrainCase] = []
    for project in await session.projects():
        policy = await session.policy(project)
        chosen = [item for item in policy.models.values() if item.monitoring.retrain is not None]
        if chosen:
            delivery = await _delivery(session, project)
            cases += [await _case(session, project, item, alerts, delivery) for item in chosen]
    return session.snapshot(decide(cases, session.clock.now()))


async def decide_one(session: Session, project: Project, model: str) -> RetrainDecision:
    """Decide about one model as part of all of them. Raises RefusedError where its policy names no training job."""
    for decision in (await decide_all(session)).data:
        if (decision.case.project, decision.case.model) == (project.ref.path, model):
            return decision
    raise RefusedError(
        f"{model} cannot be trained from here",
        why="its policy names no job that trains",
        remedy="Add monitoring.retrain with job to .gitlab/mlops.yml",
    )


async def read_trainings(session: Session, project: Project, model: str, since: datetime) -> tuple[Training, ...]:
    """The trainings of a model that were asked for since then, the newest first, from any console."""
    params = {"source": "api", "updated_after": since.isoformat()}
    pipelines = await list_pipelines(session.transport, project.ref, params, MOST_PIPELINES)
    own = [item for item in pipelines if trained_model(item.name) == model]
    own.sort(key=lambda item: item.id, reverse=True)
    return tuple(_training(item, item.created_at) for item in own if item.created_at is not None)


def training_arguments(
    policy: RetrainPolicy, declared: Sequence[PipelineInput], values: Mapping[str, str]
) -> PipelineArguments:
    """What the pipeline is handed: of inputs only declared ones, since GitLab refuses others; of variables all."""
    if policy.handover is Handover.VARIABLES:
        spelled = {**VARIABLES, **policy.parameters}
        return PipelineArguments({}, {spelled[key]: value for key, value in values.items()})
    names = {item.name for item in declared}
    spelled = {**{key: key for key in values}, **policy.parameters}
    given = {spelled[key]: value for key, value in values.items() if spelled[key] in names}
    return PipelineArguments(given, {})


async def _case(
    session: Session, project: Project, policy: ModelPolicy, alerts: Sequence[Alert], delivery: Delivery | None
) -> RetrainCase:
    retrain = policy.monitoring.retrain or RetrainPolicy("")
    own = tuple(
        item for item in alerts if (item.subject.project, item.subject.model) == (project.ref.path, policy.model)
    )
    live = _live(delivery, policy)
    return RetrainCase(
        project=project.ref.path,
        model=policy.model,
        policy=retrain,
        alerts=own,
        trainings=await read_trainings(session, project, policy.model, session.clock.now() - MONTH),
        live_version=live.version if live else None,
        live_since=live.since if live else None,
    )


def _live(delivery: Delivery | None, policy: ModelPolicy) -> LiveVersion | None:
    """What serves in production: of several such environments, what took over last."""
    if delivery is None:
        return None
    named = [name for name, item in policy.environments.items() if item.is_production]
    places = named or [item.name for item in delivery.environments if item.tier.value == "production"]
    found = [live_version(delivery.deployments, policy.model, name) for name in places]
    known = [item for item in found if item.version is not None and item.since is not None]
    return max(known, key=lambda item: item.since.timestamp() if item.since else 0.0, default=None)


async def _delivery(session: Session, project: Project) -> Delivery | None:
    try:
        return await read_delivery(session, project)
    except (NotAllowedError, NotFoundError):
        return None


def _training(pipeline: Pipeline, begun: datetime) -> Training:
    ended = pipeline.status.is_finished
    succeeded = pipeline.status is PipelineStatus.SUCCESS if ended else None
    return Training(pipeline.id, begun, pipeline.updated_at if ended else None, succeeded, pipeline.web_url)
