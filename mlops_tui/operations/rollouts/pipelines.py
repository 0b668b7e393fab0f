"""Rollouts whose state stands in the name of a pipeline: what the drivers of jobs and of an ingress have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import Deployment, DeploymentStatus
from mlops_tui.domain.errors import RemoteError
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.pipelines import Pipeline, PipelineStatus
from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.domain.promotions import pipeline_arguments
from mlops_tui.domain.rollout_marks import RolloutMark, read_mark
from mlops_tui.domain.rollout_states import Phase, Progress
from mlops_tui.domain.rollouts import Hindrance, Obstacle
from mlops_tui.gitlab.pipelines import create_call, declared_inputs, read_pipeline, rename_call
from mlops_tui.operations.actions import Performed, Sender, may_have_happened
from mlops_tui.operations.rollouts.sightings import ProjectReading, Sighting
from mlops_tui.operations.session import Session

PLAYABLE = frozenset({PipelineStatus.MANUAL, PipelineStatus.SCHEDULED})
UNDER_WAY = frozenset(
    {
        PipelineStatus.PENDING,
        PipelineStatus.RUNNING,
        PipelineStatus.PREPARING,
        PipelineStatus.WAITING_FOR_RESOURCE,
        PipelineStatus.WAITING_FOR_CALLBACK,
        PipelineStatus.CANCELING,
    }
)


def marked_pipelines(reading: ProjectReading, driver: RolloutDriver) -> list[tuple[Pipeline, RolloutMark]]:
    """The pipelines that carry a rollout of a driver, newest first."""
    marks = ((pipeline, read_mark(pipeline.name)) for pipeline in reading.pipelines)
    return [(pipeline, mark) for pipeline, mark in marks if mark is not None and mark.driver is driver]


async def pipeline_calls(session: Session, reading: ProjectReading, mark: RolloutMark) -> tuple[ApiCall, ApiCall]:
    """The calls that make the pipeline of a version, and name it by its mark."""
    policy = reading.policy.for_model(mark.model)
    ref = policy.deploy.ref or reading.project.default_branch
    inputs = await declared_inputs(session.transport, reading.project.ref, ref)
    values = {"model": mark.model, "version": mark.version, "environment": mark.environment, "intent": mark.id}
    arguments = pipeline_arguments(policy.deploy, mark.model in reading.policy.models, inputs, values)
    project = reading.project.ref
    return (
        create_call(project, ref, arguments.inputs, arguments.variables, "start the rollout's pipeline"),
        rename_call(project, mark.text),
    )


async def start_marked(sender: Sender, reading: ProjectReading, calls: tuple[ApiCall, ApiCall]) -> Performed:
    """Send what ``pipeline_calls`` made."""
    create, rename = calls
    pipeline = read_pipeline((await sender.send(create)).body, reading.project.ref)
    return await named(sender, reading, pipeline, rename)


async def named(sender: Sender, reading: ProjectReading, pipeline: Pipeline, rename: ApiCall) -> Performed:
    """Name a new pipeline by its rollout; FAILED where that is refused: nobody would find the rollout again.

    Nothing of such a pipeline may be played then.
    """
    followed: dict[str, JsonValue] = {"pipeline": pipeline.id, "project": reading.project.ref.id}
    try:
        await sender.send(rename.filled(pipeline=pipeline.id))
    except RemoteError as error:
        if may_have_happened(error):
            raise
        message = (
            f"Pipeline {pipeline.id} was started, but it could not be named: {error.why or error.what}. The rollout is "
            f"kept in that name, so no step was played: cancel pipeline {pipeline.id} in GitLab and start again"
        )
        return Performed(message, (pipeline.web_url,), followed, Outcome.FAILED)
    return Performed(f"Pipeline {pipeline.id} was started", (pipeline.web_url,), followed)


def renamed(reading: ProjectReading, sighting: Sighting, after: Progress) -> ApiCall:
    """The call that writes down how far a rollout is."""
    mark = sighting.mark_after(after)
    number = sighting.pipeline.id if sighting.pipeline else 0
    call = rename_call(reading.project.ref, mark.text).filled(pipeline=number)
    return replace(call, purpose="write down how far the rollout is")


def job_named(jobs: Sequence[Job], names: Sequence[str]) -> Job | None:
    """The newest job that has one of these names, the first name that any job has."""
    for name in names:
        found = [job for job in jobs if job.name.strip().lower() == name.lower()]
        if found:
            return max(found, key=lambda job: job.id)
    return None


def is_restored(reading: ProjectReading, mark: RolloutMark, progress: Progress, versions: set[str]) -> bool:
    """Whether another version was deployed in full since an abort began: the new one then serves nobody."""
    return progress.phase is Phase.ABORTING and any(
        item.environment == mark.environment
        and item.status is DeploymentStatus.SUCCESS
        and item.is_full
        and item.deployed is not None
        and item.deployed.model == mark.model
        and item.deployed.version not in versions
        and item.took_effect_at >= progress.since
        for item in reading.delivery.deployments
    )


def blocked_deployment(reading: ProjectReading, job: Job | None) -> Deployment | None:
    """The deployment that a job would make, where GitLab calls it blocked: it waits for approvals, or to be played."""
    blocked = (item for item in reading.delivery.deployments if item.status is DeploymentStatus.BLOCKED)
    return next((item for item in blocked if job is not None and item.job is not None and item.job.id == job.id), None)


def job_obstacles(job: Job | None) -> list[Obstacle]:
    """What became of a job that is to be played."""
    if job is None:
        return []
    found: list[Obstacle] = []
    if job.status is PipelineStatus.FAILED:
        why = f" ({job.failure_reason.replace('_', ' ')})" if job.failure_reason else ""
        found.append(Obstacle(Hindrance.FAILED, f"The job {job.name} failed{why}: see its log, or abort"))
    return found
