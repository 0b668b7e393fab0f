"""What follows when a job changes its status: its deployment, its environment and its pipeline.

GitLab: app/models/concerns/ci/deployable.rb, app/models/deployment.rb, app/models/ci/pipeline.rb.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import statuses
from mlops_tui.sandbox.authentication import issue_job_token, revoke_job_token
from mlops_tui.sandbox.clock import parse_timestamp, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlops_tui.sandbox.database import Database, Row

FINISHED_DEPLOYMENT = frozenset({"success", "failed", "canceled"})


def find_job(database: Database, job_id: int) -> Row:
    """Return a job that is known to exist."""
    row = database.one("SELECT * FROM ci_jobs WHERE id = ?", (job_id,))
    if row is None:
        raise LookupError(f"no job {job_id}")
    return row


def later(moment: str, seconds: float) -> str:
    """Return a stored time moved on by some seconds."""
    return timestamp(parse_timestamp(moment) + timedelta(seconds=seconds))


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Return the seconds between two stored times, or None when either is missing."""
    if start is None or end is None:
        return None
    return round((parse_timestamp(end) - parse_timestamp(start)).total_seconds(), 3)


def change_job(database: Database, job_id: int, status: str, at: str, **changes: Any) -> None:
    """Give a job a status at a time, with other columns, and carry it to its deployment and pipeline."""
    job = find_job(database, job_id)
    values: dict[str, Any] = {"status": status, "due_at": None, **changes}
    if status == "running":
        values["started_at"] = at
        issue_job_token(database, job_id, job["project_id"], job["user_id"])
    if status in statuses.COMPLETED:
        values["finished_at"] = at if status != "skipped" else None
        revoke_job_token(database, job_id)
    database.update("ci_jobs", job_id, values)
    _follow_deployment(database, job, status, at)
    if status == "success" and job["environment_action"] == "stop":
        database.execute(
            "UPDATE environments SET state = 'stopped', updated_at = ? WHERE id = ?", (at, job["environment_id"])
        )
    refresh_pipeline(database, job["pipeline_id"], at)


def _follow_deployment(database: Database, job: Row, status: str, at: str) -> None:
    deployment = database.one("SELECT * FROM deployments WHERE job_id = ?", (job["id"],))
    if deployment is None:
        return
    copied = {"manual": "blocked"}.get(status, status)
    startable = deployment["status"] in {"created", "blocked"}
    if copied in {"blocked", "running"} and not startable:
        return
    if copied not in {"blocked", "running", "skipped", *FINISHED_DEPLOYMENT}:
        return
    change_deployment(database, deployment, copied, at)
    if copied == "success" and job["environment_url"]:
        database.execute(
            "UPDATE environments SET external_url = ? WHERE id = ?", (job["environment_url"], job["environment_id"])
        )


def change_deployment(database: Database, deployment: Row, status: str, at: str) -> None:
    """Give a deployment a status; a successful one makes its environment available again."""
    values = {"status": status, "updated_at": at}
    if status in FINISHED_DEPLOYMENT:
        values["finished_at"] = at
    database.update("deployments", deployment["id"], values)
    if status == "success":
        database.execute(
            "UPDATE environments SET state = 'available', updated_at = ? WHERE id = ?",
            (at, deployment["environment_id"]),
        )


def pipeline_jobs(database: Database, pipeline_id: int) -> list[Row]:
    """Return the newest attempt of every job of a pipeline, in order."""
    return database.all(
        "SELECT * FROM ci_jobs WHERE pipeline_id = ? AND retried = 0 ORDER BY stage_index, id", (pipeline_id,)
    )


def combined(jobs: Sequence[Row], *, dag: bool = False) -> str:
    """Add up the statuses of jobs."""
    return statuses.combined([(job["status"], bool(job["allow_failure"])) for job in jobs], dag=dag)


def refresh_pipeline(database: Database, pipeline_id: int, at: str) -> None:
    """Work out a pipeline's status from its jobs'."""
    pipeline = database.one("SELECT * FROM ci_pipelines WHERE id = ?", (pipeline_id,))
    jobs = pipeline_jobs(database, pipeline_id)
    if pipeline is None or not jobs:
        return
    status = combined(jobs)
    if status == pipeline["status"]:
        return
    values = {"status": status, "updated_at": at, "finished_at": None}
    if status == "running" and pipeline["started_at"] is None:
        values["started_at"] = at
    if status in statuses.COMPLETED and status != "skipped":
        values["finished_at"] = at
    database.update("ci_pipelines", pipeline_id, values)
