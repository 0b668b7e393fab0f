"""The driver of a canary ingress: GitLab itself moves the weight, where its clusters are still connected so.

That needs a cluster connected by certificate, which GitLab has deprecated and switched off nearly everywhere; the first
call of a rollout finds out, and says so before anything else is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.errors import InvalidRequestError, RefusedError
from mlops_tui.domain.pipelines import Pipeline, PipelineStatus
from mlops_tui.domain.policy import RolloutDriver, RolloutPolicy
from mlops_tui.domain.rollout_marks import RolloutMark
from mlops_tui.domain.rollout_states import Phase, Progress
from mlops_tui.domain.rollouts import Hindrance, Obstacle
from mlops_tui.gitlab.canary_ingress import refusal, weight_call
from mlops_tui.gitlab.jobs import play_call
from mlops_tui.operations.actions import Performed, Sender
from mlops_tui.operations.rollouts.pipelines import (
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

_CANARY = ("canary", "deploy_canary", "deploy canary")
_REMEDY = "Add the job to .gitlab-ci.yml, or use driver: flag in the plan"
_SWITCHED_OFF = "This GitLab does not move the weight of a canary ingress"


class IngressDriver:
    """Moves traffic by the weight of a canary ingress."""

    def sightings(self, reading: ProjectReading) -> tuple[Sighting, ...]:
        """Every rollout whose mark stands in a pipeline's name."""
        return tuple(_sighting(reading, *found) for found in marked_pipelines(reading, RolloutDriver.INGRESS))

    async def start(
        self, session: Session, reading: ProjectReading, _plan: RolloutPolicy, marks: Sequence[RolloutMark]
    ) -> Move:
        """Ask whether the weight can be moved at all, then make the pipeline that deploys the canary.

        One without a canary's job deploys the new version over the one that serves: it is stopped, and nothing begins.
        """
        probe = weight_call(_environment_id(reading, marks[0].environment), 0)
        start = await pipeline_start(session, reading, marks[0], _CANARY)

        async def perform(sender: Sender) -> Performed:
            failed = await _weigh(sender, probe)
            if failed is not None:
                return failed
            return await start_marked(session, sender, reading, start, marks[0], _REMEDY)

        return Move((probe, *start.calls), perform)

    def step(self, reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy, after: Progress) -> Move:
        """Set the weight of a step; before the first one the canary has to be deployed, so its job is played."""
        job = job_named(sighting.jobs, _CANARY)
        if job is not None and sighting.progress.step == 0 and job.status is not PipelineStatus.SUCCESS:
            if job.status is PipelineStatus.CREATED:
                raise RefusedError(f"The job {job.name} waits for earlier stages", remedy="Wait for their end")
            said = f"the job {job.name} deploys {sighting.mark.version} as the canary"
            call = play_call(reading.project.ref, job.id, job.name)
            return replace(sent_in_order((call,), f"Started: {said}"), prepares=said)
        if job is None and sighting.progress.step == 0:
            raise RefusedError(
                f"Pipeline {sighting.pipeline.id if sighting.pipeline else 0} has no job canary",
                why="nothing would deploy the new version beside the one that serves",
                remedy="Abort the rollout, and add the job to .gitlab-ci.yml",
            )
        weight = plan.steps[after.step - 1].weight
        environment = _environment_id(reading, sighting.mark.environment)
        said = f"{weight} % of the traffic go to the new version"
        return _weighing(weight_call(environment, weight), renamed(reading, sighting, after), said)

    def full(self, _reading: ProjectReading, _sighting: Sighting, _plan: RolloutPolicy) -> Move | None:
        """None: an ingress deploys nothing, so a promotion does."""
        return None

    def note(self, reading: ProjectReading, sighting: Sighting, after: Progress, said: str) -> Move:
        """Write down how far it is."""
        return sent_in_order((renamed(reading, sighting, after),), said)

    def withdraw(self, reading: ProjectReading, sighting: Sighting, after: Progress, said: str) -> Move:
        """Take the canary's weight to zero."""
        environment = _environment_id(reading, sighting.mark.environment)
        return _weighing(weight_call(environment, 0), renamed(reading, sighting, after), said)


def _sighting(reading: ProjectReading, pipeline: Pipeline, mark: RolloutMark) -> Sighting:
    plan, jobs = reading.plan(mark.model), reading.jobs.get(pipeline.id, ())
    progress = mark.progress
    if is_restored(reading, mark, progress, {mark.version}) or (
        pipeline.id not in reading.jobs and not progress.phase.is_over
    ):
        progress = replace(progress, phase=Phase.ABORTED)
    arm = plan.treatments[0] if plan else "canary"
    steps = plan.steps if plan else ()
    is_serving = progress.phase in {Phase.RUNNING, Phase.HELD, Phase.PROMOTING} and 0 < progress.step <= len(steps)
    canary = job_named(jobs, _CANARY)
    running = canary if canary is not None and canary.status in UNDER_WAY else None
    is_awaited = progress.step == 0 and progress.phase in {Phase.RUNNING, Phase.HELD}
    found = job_obstacles(canary) if is_awaited else []
    if not progress.phase.is_over and reading.delivery.environment(mark.environment) is None:
        found.append(Obstacle(Hindrance.FAILED, f"GitLab has no environment {mark.environment} any more"))
    return Sighting(
        driver=RolloutDriver.INGRESS,
        mark=mark,
        progress=progress,
        versions={arm: mark.version},
        weights={arm: float(steps[progress.step - 1].weight) if is_serving else 0.0},
        is_changing=running is not None and not progress.phase.is_over,
        state={
            f"pipeline {pipeline.id}": pipeline.name,
            f"canary job of {pipeline.id}": canary.status.value if canary else None,
        },
        obstacles=tuple(found),
        links=(pipeline.web_url,) if pipeline.web_url else (),
        pipeline=pipeline,
        jobs=jobs,
        blocked=blocked_deployment(reading, canary) if is_awaited else None,
        running=running,
    )


def _environment_id(reading: ProjectReading, name: str) -> int:
    place = reading.delivery.environment(name)
    if place is None:
        raise RefusedError(f"GitLab has no environment {name}", remedy="Deploy something to it first")
    return place.id


async def _weigh(sender: Sender, call: ApiCall) -> Performed | None:
    """Send the mutation; what to tell where GitLab says that it did nothing, else None."""
    try:
        words = refusal((await sender.send(call)).body)
    except InvalidRequestError as error:
        words = error.why
    if not words:
        return None
    message = f"{_SWITCHED_OFF}: {words}. Use driver: flag or driver: jobs in the plan, which work everywhere"
    return Performed(message, outcome=Outcome.FAILED)


def _weighing(call: ApiCall, note: ApiCall, said: str) -> Move:
    """The weight first: what is written down of it must never be ahead of it."""

    async def perform(sender: Sender) -> Performed:
        failed = await _weigh(sender, call)
        if failed is not None:
            return failed
        await sender.send(note)
        return Performed(said)

    return Move((call, note), perform)
