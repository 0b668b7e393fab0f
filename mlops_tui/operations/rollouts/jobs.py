"""The driver of pipeline jobs: each step is a manual or timed job, named as Auto DevOps names it or as the plan says.

What the jobs did is the truth of how far a rollout is; the pipeline's name adds which rollout it is, and whether it is
held or aborted (GitLab: lib/gitlab/ci/templates/Jobs/Deploy.gitlab-ci.yml).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.deployments import DeploymentStatus
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.pipelines import Pipeline, PipelineStatus
from mlops_tui.domain.policy import RolloutDriver, RolloutPolicy
from mlops_tui.domain.rollout_marks import RolloutMark
from mlops_tui.domain.rollout_states import Phase, Progress
from mlops_tui.domain.rollouts import Hindrance, Obstacle
from mlops_tui.gitlab.jobs import cancel_job_call, pipeline_jobs, play_call, play_later_call, read_job
from mlops_tui.operations.actions import Performed, Sender
from mlops_tui.operations.rollouts.pipelines import (
    PLAYABLE,
    UNDER_WAY,
    blocked_deployment,
    is_restored,
    job_named,
    job_obstacles,
    marked_pipelines,
    pipeline_start,
    renamed,
    start_marked,
)
from mlops_tui.operations.rollouts.sightings import Move, ProjectReading, Sighting, sent_in_order
from mlops_tui.operations.session import Session

_FULL_JOBS = ("rollout 100%", "timed rollout 100%", "production", "production_manual")
_CANARY_WEIGHT = 50
_LOOKS = 6
_REMEDY = "Add the jobs of the steps to .gitlab-ci.yml for it, or deploy it in full with `mlops-tui models promote`"


class JobsDriver:
    """Moves traffic by playing the jobs of a pipeline."""

    def sightings(self, reading: ProjectReading) -> tuple[Sighting, ...]:
        """Every rollout whose mark stands in a pipeline's name."""
        return tuple(_sighting(reading, *found) for found in marked_pipelines(reading, RolloutDriver.JOBS))

    async def start(
        self, session: Session, reading: ProjectReading, plan: RolloutPolicy, marks: Sequence[RolloutMark]
    ) -> Move:
        """Make the pipeline; its first step is played at once where no earlier stage has to end first.

        One without the first step's job deploys the new version in full: it is stopped, and nothing begins.
        """
        names = step_jobs(plan, 1)
        start = await pipeline_start(session, reading, marks[0], names)
        play = play_later_call(reading.project.ref, f"{' or '.join(names)}, once earlier stages have ended")

        async def perform(sender: Sender) -> Performed:
            performed = await start_marked(session, sender, reading, start, marks[0], _REMEDY)
            if performed.outcome is Outcome.FAILED:
                return performed
            job = await _ready_job(session, reading, _number(performed), names)
            if job is None or job.status not in PLAYABLE:
                waits = f"{performed.message}. The job {job.name if job else names[0]} waits for earlier stages"
                return replace(performed, message=waits)
            played = await _play(sender, reading, play.filled(job=job.id))
            return replace(performed, message=f"{performed.message}. {played.message}")

        return Move((*start.calls, play), perform)

    def step(self, reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy, after: Progress) -> Move:
        """Play the job of a step; one that has ended is run once more."""
        names = step_jobs(plan, after.step)
        return _playing(reading, _found(sighting, names), renamed(reading, sighting, after))

    def full(self, reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy) -> Move | None:
        """Play the pipeline's own job that deploys in full; None where it has none."""
        last = step_jobs(plan, len(plan.steps)) if plan.steps[-1].weight == 100 else ()
        job = job_named(sighting.jobs, (*last, *_FULL_JOBS))
        is_ready = job is not None and job.status is not PipelineStatus.CREATED
        return _playing(reading, job, None) if job is not None and is_ready else None

    def note(self, reading: ProjectReading, sighting: Sighting, after: Progress, said: str) -> Move:
        """Write down how far it is; when it is to stay, timed jobs are kept from starting by themselves."""
        timed = [job for job in sighting.jobs if job.status is PipelineStatus.SCHEDULED]
        stops = [cancel_job_call(reading.project.ref, job.id, job.name) for job in timed]
        calls = (*(stops if after.phase is Phase.HELD else ()), renamed(reading, sighting, after))
        return sent_in_order(calls, said)

    def withdraw(self, reading: ProjectReading, sighting: Sighting, after: Progress, said: str) -> Move:
        """Stop what runs or would start by itself; the traffic comes back when the version before is deployed."""
        running = [job for job in sighting.jobs if job.status in UNDER_WAY | {PipelineStatus.SCHEDULED}]
        stops = [cancel_job_call(reading.project.ref, job.id, job.name) for job in running]
        return sent_in_order((*stops, renamed(reading, sighting, after)), said)


def step_jobs(plan: RolloutPolicy, number: int) -> tuple[str, ...]:
    """The names a step's job may have, the first that exists counts."""
    if plan.jobs:
        return (plan.jobs[number - 1],)
    weight = plan.steps[number - 1].weight
    return (f"rollout {weight}%", f"timed rollout {weight}%", *(("canary",) if weight == _CANARY_WEIGHT else ()))


def _sighting(reading: ProjectReading, pipeline: Pipeline, mark: RolloutMark) -> Sighting:
    plan, jobs = reading.plan(mark.model), reading.jobs.get(pipeline.id, ())
    progress = _progress(reading, plan, pipeline, mark)
    moving = (*_all_step_jobs(plan, jobs), *(job for job in jobs if job.name.strip().lower() in _FULL_JOBS))
    # Once an abort has begun, what would move it forward is no business of its end.
    goes_on = not progress.phase.is_over and not progress.phase.is_abort
    running = next((job for job in moving if job.status in UNDER_WAY), None)
    return Sighting(
        driver=RolloutDriver.JOBS,
        mark=mark,
        progress=progress,
        versions={_arm(plan): mark.version},
        weights={_arm(plan): _weight(plan, progress)},
        is_changing=running is not None and not progress.phase.is_over,
        state={
            f"pipeline {pipeline.id}": pipeline.name,
            f"jobs of {pipeline.id}": {job.name: job.status.value for job in _all_step_jobs(plan, jobs)},
        },
        obstacles=tuple(_obstacles(plan, progress, mark, jobs)) if goes_on else (),
        links=(pipeline.web_url,) if pipeline.web_url else (),
        pipeline=pipeline,
        jobs=jobs,
        blocked=blocked_deployment(reading, _next_job(plan, progress, jobs)) if goes_on else None,
        running=running,
    )


def _progress(reading: ProjectReading, plan: RolloutPolicy | None, pipeline: Pipeline, mark: RolloutMark) -> Progress:
    """How far it is by its jobs: the step whose job ended well last; a job that deploys in full ends it."""
    jobs, progress = reading.jobs.get(pipeline.id, ()), mark.progress
    if progress.phase.is_over:
        return progress
    if is_restored(reading, mark, progress, {mark.version}):
        return replace(progress, phase=Phase.ABORTED)
    ended = [item for item in reading.delivery.deployments if item.pipeline_id == pipeline.id]
    full = [item for item in ended if item.is_full and item.status is DeploymentStatus.SUCCESS]
    if full and progress.phase is not Phase.ABORTING:
        return Progress(Phase.DONE, len(plan.steps) if plan else progress.step, full[-1].took_effect_at)
    if pipeline.id not in reading.jobs:
        return replace(progress, phase=Phase.ABORTED)
    reached = [
        (job.finished_at, number)
        for number in range(1, len(plan.steps) + 1 if plan else 1)
        if plan is not None
        and (job := job_named(jobs, step_jobs(plan, number))) is not None
        and job.status is PipelineStatus.SUCCESS
        and job.finished_at is not None
    ]
    if progress.phase is Phase.ABORTING:
        return progress
    if not reached:
        # The mark says what was played. Where the pipeline has none of the steps' jobs, nothing tells more than it.
        is_told = progress.phase in {Phase.RUNNING, Phase.HELD} and bool(_all_step_jobs(plan, jobs))
        return replace(progress, step=0) if is_told else progress
    at, number = max(reached)
    return Progress(progress.phase, number, at)


def _all_step_jobs(plan: RolloutPolicy | None, jobs: Sequence[Job]) -> list[Job]:
    numbers = range(1, len(plan.steps) + 1) if plan else ()
    named = (job_named(jobs, step_jobs(plan, number)) for number in numbers) if plan else ()
    return [job for job in named if job is not None]


def _arm(plan: RolloutPolicy | None) -> str:
    return plan.treatments[0] if plan else "canary"


def _weight(plan: RolloutPolicy | None, progress: Progress) -> float:
    match progress.phase:
        case Phase.DONE:
            return 100.0
        case Phase.ABORTED:
            return 0.0
        case _ if plan is None or not 0 < progress.step <= len(plan.steps):
            return 0.0
        case _:
            return float(plan.steps[progress.step - 1].weight)


def _next_job(plan: RolloutPolicy | None, progress: Progress, jobs: Sequence[Job]) -> Job | None:
    has_next = plan is not None and progress.step < len(plan.steps)
    return job_named(jobs, step_jobs(plan, progress.step + 1)) if plan is not None and has_next else None


def _obstacles(
    plan: RolloutPolicy | None, progress: Progress, mark: RolloutMark, jobs: Sequence[Job]
) -> list[Obstacle]:
    if plan is None or progress.step >= len(plan.steps):
        return []
    job = _next_job(plan, progress, jobs)
    if job is None:
        names = " or ".join(step_jobs(plan, progress.step + 1))
        return [Obstacle(Hindrance.FAILED, f"The pipeline has no job {names}, which the next step is played by")]
    found = job_obstacles(job)
    # A timed job that a hold kept from starting was never played: that is no obstacle.
    was_played = job.started_at is not None or mark.progress.step > progress.step
    if job.status is PipelineStatus.CANCELED and was_played:
        found.append(Obstacle(Hindrance.FAILED, f"The job {job.name} was cancelled: run it again, or abort"))
    if job.status is PipelineStatus.SCHEDULED:
        found.append(
            Obstacle(Hindrance.IN_FLIGHT, f"The timed job {job.name} starts by itself, whatever is measured", False)
        )
    return found


def _playing(reading: ProjectReading, job: Job, note: ApiCall | None) -> Move:
    call = play_call(reading.project.ref, job.id, job.name)

    async def perform(sender: Sender) -> Performed:
        performed = await _play(sender, reading, call)
        if note is not None:
            await sender.send(note)
        return performed

    return Move((call, *((note,) if note else ())), perform)


async def _play(sender: Sender, reading: ProjectReading, call: ApiCall) -> Performed:
    answer = await sender.send(call)
    job = read_job(answer.body, reading.project.ref)
    followed = {"job": job.id, "pipeline": job.pipeline_id, "project": reading.project.ref.id}
    return Performed(f"Job {job.name} runs as {job.id}", (job.web_url,), followed)


async def _ready_job(session: Session, reading: ProjectReading, pipeline_id: int, names: Sequence[str]) -> Job | None:
    """The job of a step, waited for as long as GitLab needs to make a pipeline ready; None where there is none."""
    job: Job | None = None
    for _ in range(_LOOKS):
        job = job_named(await pipeline_jobs(session.transport, reading.project.ref, pipeline_id), names)
        if job is not None and job.status is not PipelineStatus.CREATED:
            break
        await session.clock.sleep(1.0)
    return job


def _number(performed: Performed) -> int:
    return int(str(performed.followed["pipeline"]))


def _found(sighting: Sighting, names: Sequence[str]) -> Job:
    job = job_named(sighting.jobs, names)
    number = sighting.pipeline.id if sighting.pipeline else 0
    if job is None:
        raise RefusedError(
            f"Pipeline {number} has no job {' or '.join(names)}",
            why="the step is played by it",
            remedy="Name the steps' jobs in the plan under jobs, or add the job to .gitlab-ci.yml",
        )
    if job.status is PipelineStatus.CREATED:
        raise RefusedError(f"The job {job.name} waits for earlier stages of pipeline {number}")
    return job
