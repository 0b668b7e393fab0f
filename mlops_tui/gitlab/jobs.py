"""Jobs: reading them, their logs, and the calls that play and retry them."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.errors import NotAllowedError, NotFoundError, RemoteError
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.pipelines import PipelineStatus
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.payloads import Moment, Name, Payload, read, read_all
from mlops_tui.gitlab.transport import Transport

_RETRYABLE = """
query($project: ID!, $job: JobID!) {
  project(fullPath: $project) { job(id: $job) { retryable } }
}
"""
_PLAYABLE = """query($project: ID!, $job: JobID!) { project(fullPath: $project) { job(id: $job) {
playable canPlayJob } } }"""


class _User(Payload):
    username: Name = ""


class _Pipeline(Payload):
    id: int = 0
    sha: Name = ""
    status: Name = ""


class JobPayload(Payload):
    """A job wherever GitLab shows one: on its own, in a list, or as a deployment's ``deployable``."""

    id: int
    name: Name
    stage: Name = ""
    ref: Name = ""
    tag: bool = False
    status: Name
    created_at: Moment | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    user: _User | None = None
    pipeline: _Pipeline | None = None
    failure_reason: Name = ""
    web_url: Name = ""

    def record(self, project: ProjectRef) -> Job:
        """The job as a record."""
        return Job(
            id=self.id,
            project=project,
            name=self.name,
            stage=self.stage,
            ref=self.ref,
            status=PipelineStatus.parse(self.status),
            pipeline_id=self.pipeline.id if self.pipeline else 0,
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            username=self.user.username if self.user else "",
            failure_reason=self.failure_reason,
            web_url=self.web_url,
            sha=self.pipeline.sha if self.pipeline else "",
        )


async def get_job(transport: Transport, project: ProjectRef, job_id: int) -> Job:
    """One job by its global id."""
    answer = await transport.get(f"/api/v4/projects/{project.id}/jobs/{job_id}")
    return read(JobPayload, answer.json(), "the job").record(project)


async def pipeline_jobs(transport: Transport, project: ProjectRef, pipeline_id: int) -> list[Job]:
    """The jobs of a pipeline in the order they were made, without those that were retried."""
    jobs: list[Job] = []
    async for rows in transport.pages(f"/api/v4/projects/{project.id}/pipelines/{pipeline_id}/jobs"):
        jobs += [row.record(project) for row in read_all(JobPayload, rows, "the jobs")]
    return sorted(jobs, key=lambda job: job.id)


async def gating_jobs(transport: Transport, project: ProjectRef) -> list[Job]:
    """The newest manual jobs that a whole pipeline waits for; an optional one holds up nothing and is left out."""
    path = f"/api/v4/projects/{project.id}/jobs"
    try:
        answer = await transport.get(path, {"scope[]": PipelineStatus.MANUAL.value, "per_page": 100})
    except (NotAllowedError, NotFoundError):
        return []
    rows = read_all(JobPayload, answer.json(), "the manual jobs")
    waits = PipelineStatus.MANUAL.value
    return [row.record(project) for row in rows if row.pipeline is not None and row.pipeline.status == waits]


async def playable_by_me(transport: Transport, project: ProjectRef, job_ids: Sequence[int]) -> dict[int, bool]:
    """Whether the token's own user may start each manual job; jobs that nobody tells about are left out."""
    queries = [(_PLAYABLE, {"project": project.path, "job": f"gid://gitlab/Ci::Build/{number}"}) for number in job_ids]
    results = await transport.graphql_many(queries, what="read who may start the jobs") if queries else []
    found: dict[int, bool] = {}
    for number, result in zip(job_ids, results, strict=True):
        job = (result.get("project") or {}).get("job") if isinstance(result, dict) else None
        if isinstance(job, dict):
            found[number] = job.get("playable") is True and job.get("canPlayJob") is True
    return found


async def job_log(transport: Transport, project: ProjectRef, job_id: int) -> str:
    """The whole log so far, as it is: GitLab has no way to ask for a part. It must be cleaned before it is drawn."""
    return (await transport.get(f"/api/v4/projects/{project.id}/jobs/{job_id}/trace")).text


async def is_retryable(transport: Transport, project: ProjectRef, job_id: int) -> bool:
    """Whether GitLab would run the job again; True when it cannot be asked, since the call itself will tell.

    Archived, rejected, outdated and already retried jobs are not (GitLab: app/models/ci/processable.rb).
    """
    variables = {"project": project.path, "job": f"gid://gitlab/Ci::Build/{job_id}"}
    try:
        data = await transport.graphql(_RETRYABLE, variables)
    except RemoteError:
        return True
    job = (data.get("project") or {}).get("job") or {}
    return job.get("retryable") is not False


def play_call(project: ProjectRef, job_id: int, job_name: str) -> ApiCall:
    """Start a manual job."""
    return ApiCall(
        Method.POST, f"/api/v4/projects/{project.id}/jobs/{job_id}/play", purpose=f"start the job {job_name}"
    )


def play_later_call(project: ProjectRef, job_name: str) -> ApiCall:
    """Start a job of a pipeline that an earlier call makes; its path waits for ``filled(job=ID)``."""
    return ApiCall(Method.POST, f"/api/v4/projects/{project.id}/jobs/{{job}}/play", purpose=f"start the job {job_name}")


def cancel_job_call(project: ProjectRef, job_id: int, job_name: str) -> ApiCall:
    """Stop a job that runs, or that a timer would start; one that has ended stays as it is."""
    return ApiCall(Method.POST, f"/api/v4/projects/{project.id}/jobs/{job_id}/cancel", purpose=f"stop {job_name}")


def retry_call(project: ProjectRef, job_id: int, job_name: str) -> ApiCall:
    """Run a job again, which makes a new job and, for a deployment job, a new deployment."""
    path = f"/api/v4/projects/{project.id}/jobs/{job_id}/retry"
    return ApiCall(Method.POST, path, purpose=f"run the job {job_name} again")


def read_job(body: object, project: ProjectRef) -> Job:
    """The job in the answer of ``play`` or ``retry``."""
    return read(JobPayload, body, "the job").record(project)
