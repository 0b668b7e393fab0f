"""Follow what an action started until it ends, waits for a person, or shows why it failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.domain.deployments import LiveVersion, live_version
from mlops_tui.domain.errors import RemoteError, UnreachableError, UsageError
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.pipelines import Pipeline, PipelineStatus
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.text import clean_log
from mlops_tui.gitlab.jobs import get_job, job_log, pipeline_jobs
from mlops_tui.gitlab.pipelines import get_pipeline
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.session import Session

_INTERVAL = 2.0
_LOG_TAIL = 20


class FollowState(StrEnum):
    """Where a followed pipeline or job stands."""

    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens without a person."""
        return self is not FollowState.RUNNING

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens at all."""
        return self in {FollowState.SUCCEEDED, FollowState.FAILED}


@dataclass(frozen=True, slots=True)
class Progress:
    """One look: the jobs, a sentence, and the end of the log of the job that failed."""

    state: FollowState
    message: str
    pipeline: Pipeline
    jobs: tuple[Job, ...]
    log_tail: tuple[str, ...] = ()
    error: RemoteError | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """One look at what an action started; ``live`` is what serves there, asked once everything has ended well."""

    progress: Progress
    live: LiveVersion | None = None


async def look(session: Session, receipt: Receipt) -> Snapshot[Followed]:
    """Look once; raises UsageError for a receipt that started no pipeline."""
    if "pipeline" not in receipt.followed:
        raise UsageError("This action started no pipeline", remedy="Its outcome is in the journal")
    progress = await _look(session, *_places(receipt))
    subject = receipt.intent.subject
    live = None
    if progress.state is FollowState.SUCCEEDED:
        delivery = await read_delivery(session, await session.directory.project(subject.project))
        live = live_version(delivery.deployments, subject.model, subject.environment)
    return session.snapshot(Followed(progress, live))


async def follow(session: Session, receipt: Receipt, interval: float = _INTERVAL) -> AsyncIterator[Progress]:
    """Look again every ``interval`` seconds until the end; a lost connection is waited out and told in ``error``.

    Yields nothing for a receipt that started no pipeline.
    """
    if receipt.outcome is not Outcome.DONE or "pipeline" not in receipt.followed:
        return
    project, pipeline_id, job_id = _places(receipt)
    last: Progress | None = None
    while True:
        try:
            last = await _look(session, project, pipeline_id, job_id)
            yield last
        except UnreachableError as error:
            if last is not None:
                yield Progress(last.state, last.message, last.pipeline, last.jobs, error=error)
        if last is not None and last.state.is_final:
            return
        await session.clock.sleep(interval)


def _places(receipt: Receipt) -> tuple[ProjectRef, int, int | None]:
    followed = receipt.followed
    project = ProjectRef(int(str(followed["project"])), receipt.intent.subject.project)
    job_id = int(str(followed["job"])) if "job" in followed else None
    return project, int(str(followed["pipeline"])), job_id


async def _look(session: Session, project: ProjectRef, pipeline_id: int, job_id: int | None) -> Progress:
    pipeline = await get_pipeline(session.transport, project, pipeline_id)
    if job_id is not None:
        job = await get_job(session.transport, project, job_id)
        return await _progress(session, pipeline, (job,), job.status)
    jobs = tuple(await pipeline_jobs(session.transport, project, pipeline_id))
    return await _progress(session, pipeline, jobs, pipeline.status)


async def _progress(session: Session, pipeline: Pipeline, jobs: tuple[Job, ...], status: PipelineStatus) -> Progress:
    if status is PipelineStatus.SUCCESS:
        return Progress(FollowState.SUCCEEDED, "Every job ended well", pipeline, jobs)
    if status.waits_for_a_person:
        names = ", ".join(job.name for job in jobs if job.status.waits_for_a_person)
        return Progress(FollowState.WAITING, f"Waits for a person to start {names}", pipeline, jobs)
    if status.is_finished:
        failed = next((job for job in jobs if job.status is PipelineStatus.FAILED), None)
        message, tail = await _why(session, failed, status)
        return Progress(FollowState.FAILED, message, pipeline, jobs, tail)
    running = next((job.name for job in jobs if job.status is PipelineStatus.RUNNING), "")
    message = f"The job {running} is running" if running else f"The pipeline is {status.value.replace('_', ' ')}"
    return Progress(FollowState.RUNNING, message, pipeline, jobs)


async def _why(session: Session, failed: Job | None, status: PipelineStatus) -> tuple[str, tuple[str, ...]]:
    if failed is None:
        return f"The pipeline was {status.value}", ()
    reason = failed.failure_reason.replace("_", " ") or "no reason given"
    try:
        text = await job_log(session.transport, failed.project, failed.id)
    except RemoteError as error:
        return f"The job {failed.name} failed ({reason}); its log cannot be read: {error.why}", ()
    return f"The job {failed.name} failed ({reason})", clean_log(text).lines[-_LOG_TAIL:]
