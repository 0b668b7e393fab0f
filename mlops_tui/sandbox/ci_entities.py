"""Pipelines and jobs as REST shows them (GitLab: lib/api/entities/ci)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import commits, statuses, users
from mlops_tui.sandbox.access import find_project
from mlops_tui.sandbox.clock import parse_timestamp, timestamp
from mlops_tui.sandbox.logs import trace
from mlops_tui.sandbox.transitions import pipeline_jobs, seconds_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_NO_SHA = "0" * 40
_HARMLESS_FAILURES = {"failed", "canceled"}


def project_path(database: Database, project_id: int) -> str:
    """Return a project's full path."""
    return str(database.value("SELECT full_path FROM projects WHERE id = ?", (project_id,)))


def pipeline_path(database: Database, pipeline: Row) -> str:
    """Return the path of a pipeline's web page."""
    return f"/{project_path(database, pipeline['project_id'])}/-/pipelines/{pipeline['id']}"


def job_path(database: Database, job: Row) -> str:
    """Return the path of a job's web page."""
    return f"/{project_path(database, job['project_id'])}/-/jobs/{job['id']}"


def pipeline_basic(context: Context, pipeline: Row) -> dict[str, Any]:
    """Return GitLab's PipelineBasic."""
    return {
        "id": pipeline["id"],
        "iid": pipeline["iid"],
        "project_id": pipeline["project_id"],
        "sha": pipeline["sha"],
        "ref": pipeline["ref"],
        "status": pipeline["status"],
        "source": pipeline["source"],
        "created_at": pipeline["created_at"],
        "updated_at": pipeline["updated_at"],
        "web_url": context.url(pipeline_path(context.database, pipeline)),
    }


def pipeline_full(context: Context, pipeline: Row) -> dict[str, Any]:
    """Return GitLab's Pipeline."""
    jobs = pipeline_jobs(context.database, pipeline["id"])
    return {
        **pipeline_basic(context, pipeline),
        "before_sha": _NO_SHA,
        "tag": bool(pipeline["tag"]),
        "yaml_errors": None,
        "user": users.user_basic(context, pipeline["user_id"]),
        "started_at": pipeline["started_at"],
        "finished_at": pipeline["finished_at"],
        "committed_at": None,
        "duration": pipeline_duration(jobs) if pipeline["finished_at"] else None,
        "queued_duration": _whole(seconds_between(pipeline["created_at"], pipeline["started_at"])),
        "coverage": None,
        "detailed_status": pipeline_detailed_status(context, pipeline, jobs),
        "archived": False,
    }


def pipeline_detailed_status(context: Context, pipeline: Row, jobs: Sequence[Row]) -> dict[str, Any]:
    """Return the `detailed_status` of a pipeline; `jobs` are its newest attempts."""
    label = statuses.pipeline_label(pipeline["status"], warnings=has_warnings(jobs))
    return statuses.detailed_status(label, context.settings.root_path + pipeline_path(context.database, pipeline))


def has_warnings(jobs: Sequence[Row]) -> bool:
    """Tell whether a job failed that was allowed to."""
    return any(job["allow_failure"] and job["status"] in _HARMLESS_FAILURES for job in jobs)


def pipeline_duration(jobs: Sequence[Row]) -> int | None:
    """Return the seconds in which at least one job ran."""
    periods = sorted(
        (parse_timestamp(job["started_at"]), parse_timestamp(job["finished_at"]))
        for job in jobs
        if job["started_at"] and job["finished_at"]
    )
    if not periods:
        return None
    total = 0.0
    reached = periods[0][0]
    for start, end in periods:
        total += max(0.0, (end - max(start, reached)).total_seconds())
        reached = max(reached, end)
    return round(total)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def job(context: Context, row: Row) -> dict[str, Any]:
    """Return GitLab's Job."""
    return {
        **job_basic(context, row),
        "artifacts": _artifacts(context, row),
        "runner": None,
        "runner_manager": None,
        "artifacts_expire_at": None,
        "archived": False,
        "tag_list": sorted(json.loads(row["tags"])),
    }


def job_basic(context: Context, row: Row) -> dict[str, Any]:
    """Return GitLab's JobBasic; `failure_reason` is there for failed jobs only."""
    database = context.database
    pipeline = database.one("SELECT * FROM ci_pipelines WHERE id = ?", (row["pipeline_id"],))
    project = find_project(database, str(row["project_id"]))
    if pipeline is None or project is None:
        raise LookupError(f"job {row['id']} without pipeline or project")
    reason = {"failure_reason": row["failure_reason"]} if row["status"] == "failed" else {}
    return {
        **_job_identity(row, pipeline),
        **job_times(context, row),
        "user": _user(context, row["user_id"]),
        "commit": commits.reference(context, project, pipeline["sha"]),
        "pipeline": pipeline_basic(context, pipeline),
        **reason,
        "web_url": context.url(job_path(database, row)),
        "project": {"ci_job_token_scope_enabled": project.attribute("ci_job_token_scope_enabled", default=False)},
    }


def _job_identity(row: Row, pipeline: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": row["status"],
        "stage": row["stage"],
        "name": row["name"],
        "ref": pipeline["ref"],
        "tag": bool(pipeline["tag"]),
        "coverage": None,
        "allow_failure": bool(row["allow_failure"]),
        "created_at": row["created_at"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "erased_at": row["erased_at"],
    }


def job_times(context: Context, row: Row) -> dict[str, float | None]:
    """Return how long a job has run and waited, in seconds; both go on while it does."""
    now = timestamp(context.now())
    queued_until = row["started_at"] or row["finished_at"] or now
    return {
        "duration": seconds_between(row["started_at"], row["finished_at"] or now),
        "queued_duration": seconds_between(row["queued_at"], queued_until),
    }


def _user(context: Context, user_id: int) -> dict[str, Any] | None:
    row = context.database.one("SELECT * FROM users WHERE id = ?", (user_id,))
    return users.public(context, row) if row else None


def _artifacts(context: Context, row: Row) -> list[dict[str, Any]]:
    """Return the archived log, the only artifact a job of the sandbox has."""
    if row["finished_at"] is None or row["erased_at"] is not None:
        return []
    size = len(trace(row, context.now()).encode())
    if not size:
        return []
    return [{"file_type": "trace", "size": size, "filename": "job.log", "file_format": None}]
