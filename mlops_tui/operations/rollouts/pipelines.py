"""Rollouts whose state stands in the name of a pipeline: what the drivers of jobs and of an ingress have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import Deployment, DeploymentStatus
from mlops_tui.domain.errors import RemoteError
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.pipelines import Pipeline, PipelineStatus
from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.domain.promotions import pipeline_arguments
from mlops_tui.domain.rollout_marks import UNKNOWN_VERSION, RolloutMark, read_mark
from mlops_tui.domain.rollout_states import Phase, Progress
from mlops_tui.domain.rollouts import Hindrance, Obstacle
from mlops_tui.gitlab.jobs import pipeline_jobs
from mlops_tui.gitlab.pipelines import cancel_later_call, create_call, declared_inputs, read_pipeline, rename_call
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


@dataclass(frozen=True, slots=True)
class PipelineStart:
    """How a rollout's pipeline begins: it is made, stopped where it has none of the jobs ``needed``, else named."""

    create: ApiCall
    stop: ApiCall
    name: ApiCall
    needed: tuple[str, ...]

    @property
    def calls(self) -> tuple[ApiCall, ...]:
        """The calls for the preview."""
        return (self.create, self.stop, self.name)


async def pipeline_start(
    session: Session, reading: ProjectReading, mark: RolloutMark, needed: tuple[str, ...]
) -> PipelineStart:
    """The calls that begin the pipeline of a version; ``needed`` are the names of a job, any of which will do."""
    policy = reading.policy.for_model(mark.model)
    ref = policy.deploy.ref or reading.project.default_branch
    inputs = await declared_inputs(session.transport, reading.project.ref, ref)
    values = {"model": mark.model, "version": mark.version, "environment": mark.environment, "intent": mark.id}
    arguments = pipeline_arguments(policy.deploy, mark.model in reading.policy.models, inputs, values)
    project = reading.project.ref
    condition = f"only if it has no job {' or '.join(needed)}: stop it, before it replaces what serves"
    return PipelineStart(
        create_call(project, ref, arguments.inputs, arguments.variables, "start the rollout's pipeline"),
        cancel_later_call(project, condition),
        rename_call(project, mark.text),
        needed,
    )


async def start_marked(
    session: Session, sender: Sender, reading: ProjectReading, start: PipelineStart, mark: RolloutMark, remedy: str
) -> Performed:
    """Make the pipeline and name it; FAILED where it has no job to move traffic by, and is stopped before it deploys.

    Without such a job it is a pipeline that deploys in full, over the version that serves; one whose jobs cannot be
    read may be such a one.
    """
    pipeline = read_pipeline((await sender.send(start.create)).body, reading.project.ref)
    try:
        jobs = await pipeline_jobs(session.transport, reading.project.ref, pipeline.id)
    except RemoteError as error:
        why = f"its jobs could not be read ({error.why or error.what})"
        return await _stopped(sender, pipeline, start.stop, why, "Start again once they can be read")
    if job_named(jobs, start.needed) is not None:
        return await _named(sender, reading, pipeline, start.name)
    served = "what serves there" if mark.control == UNKNOWN_VERSION else mark.control
    why = (
        f"it has no job {' or '.join(start.needed)} for {mark.environment}, so it would have deployed {mark.version} "
        f"over {served} at once"
    )
    return await _stopped(sender, pipeline, start.stop, why, remedy)


async def _stopped(sender: Sender, pipeline: Pipeline, stop: ApiCall, why: str, remedy: str) -> Performed:
    """Stop a new pipeline, which fails the start; where GitLab refuses that, a person has to do it."""
    message = f"Pipeline {pipeline.id} was stopped: {why}. {remedy}"
    try:
        await sender.send(stop.filled(pipeline=pipeline.id))
    except RemoteError as error:
        if may_have_happened(error):
            raise
        message = (
            f"Pipeline {pipeline.id} was to be stopped, since {why}, but that was refused: {error.why or error.what}. "
            f"It still runs: cancel pipeline {pipeline.id} in GitLab"
        )
    return Performed(message, (pipeline.web_url,), {"pipeline": pipeline.id}, Outcome.FAILED)


async def _named(sender: Sender, reading: ProjectReading, pipeline: Pipeline, rename: ApiCall) -> Performed:
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
