"""Play, retry, cancel and erase, for REST and GraphQL alike.

GitLab: app/services/ci/{play_build,retry_job,cancel}_service.rb, lib/api/ci/jobs.rb.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import approvals, deployments, errors, scheduler
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.delivery_access import require_job
from mlops_tui.sandbox.statuses import COMPLETED, RETRYABLE
from mlops_tui.sandbox.transitions import find_job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context, Services

REJECTED = "deployment_rejected"
_OVERRIDE_ROLES = {"developer": Role.DEVELOPER, "maintainer": Role.MAINTAINER, "owner": Role.OWNER}
# What a new attempt takes over from the one before.
_CLONED = (
    "project_id", "pipeline_id", "name", "stage", "stage_index", "run_when", "allow_failure", "needs", "script",
    "variables", "tags", "start_in", "manual_confirmation", "environment_id", "environment_action", "environment_url",
    "on_stop", "resource_group_id",
)  # fmt: skip


def is_manual(job: Row) -> bool:
    """Tell whether a job is started by hand or by a timer."""
    return job["run_when"] in {"manual", "delayed"}


def is_retryable(job: Row) -> bool:
    """Tell whether a job may get a new attempt."""
    return job["status"] in RETRYABLE and not job["retried"] and job["failure_reason"] != REJECTED


def is_playable(services: Services, job: Row) -> bool:
    """Tell whether `play` would do something; false while approvals are missing."""
    if not is_manual(job) or approvals.is_waiting(services, job):
        return False
    return job["status"] in {"manual", "scheduled"} or is_retryable(job)


def may_set_variables(context: Context, project: Project) -> bool:
    """Tell whether the caller may give variables to pipelines and jobs of a project."""
    wanted = project.attribute("ci_pipeline_variables_minimum_override_role", "developer")
    minimum = _OVERRIDE_ROLES.get(wanted)
    return minimum is not None and context.role(project) >= minimum


def play(context: Context, project: Project, job: Row, variables: Mapping[str, str]) -> Row:
    """Start a manual job; one that has ended is cloned, and the clone is returned.

    Raises:
        ApiError: 403 without the right, 400 for a job that cannot be played.
    """
    require_job(context, project, job)
    if variables and not may_set_variables(context, project):
        raise errors.forbidden()
    if not is_playable(context.services, job):
        raise errors.bad_request("Unplayable Job")
    with context.database.transaction():
        if job["status"] in COMPLETED:
            return restart(context.services, job, context.authenticate().id, context.timestamp())
        if variables:
            merged = {**json.loads(job["variables"]), **variables}
            context.database.update("ci_jobs", job["id"], {"variables": json.dumps(merged)})
        start_manual(context.services, job, context.authenticate().id, context.timestamp())
    return find_job(context.database, job["id"])


def start_manual(services: Services, job: Row, user_id: int, now: str) -> None:
    """Hand a waiting manual job to the runners in the name of a user."""
    services.database.update("ci_jobs", job["id"], {"user_id": user_id})
    scheduler.enqueue(services, find_job(services.database, job["id"]), now)
    scheduler.process(services, job["pipeline_id"], now)


def retry(context: Context, project: Project, job: Row) -> Row:
    """Run a job that has ended once more, as a new job with a new deployment, which is returned.

    Raises:
        ApiError: 403 without the right or for a job that cannot be retried.
    """
    require_job(context, project, job)
    if not is_retryable(job):
        raise errors.forbidden("Job is not retryable")
    with context.database.transaction():
        return restart(context.services, job, context.authenticate().id, context.timestamp())


def restart(services: Services, job: Row, user_id: int, now: str) -> Row:
    """Make and queue a new attempt of a job that has ended, and return it."""
    fresh = clone(services.database, job, user_id, now)
    scheduler.revive_followers(services.database, fresh)
    if is_manual(fresh):
        scheduler.enqueue(services, fresh, now)
    scheduler.process(services, job["pipeline_id"], now)
    return find_job(services.database, fresh["id"])


def clone(database: Database, job: Row, user_id: int, now: str) -> Row:
    """Insert a new attempt of a job, with a deployment of its own, and return it."""
    values: dict[str, Any] = {column: job[column] for column in _CLONED}
    new_id = database.insert("ci_jobs", {**values, "user_id": user_id, "status": "created", "created_at": now})
    database.update("ci_jobs", job["id"], {"retried": 1})
    _redeploy(database, job, new_id, user_id, now)
    return find_job(database, new_id)


def _redeploy(database: Database, job: Row, new_id: int, user_id: int, now: str) -> None:
    before = database.one("SELECT * FROM deployments WHERE job_id = ?", (job["id"],))
    environment = database.one("SELECT * FROM environments WHERE id = ?", (job["environment_id"],))
    if before is None or environment is None:
        return
    kept = {column: before[column] for column in ("ref", "tag", "sha", "on_stop")}
    deployments.insert(database, environment, now, **kept, user_id=user_id, job_id=new_id, status="created")


def retry_pipeline(context: Context, project: Project, pipeline: Row) -> None:
    """Give every failed or canceled job of a pipeline a new attempt; does nothing when there is none."""
    jobs = context.database.all(
        "SELECT * FROM ci_jobs WHERE pipeline_id = ? AND retried = 0 AND status IN ('failed', 'canceled') ORDER BY id",
        (pipeline["id"],),
    )
    for job in jobs:
        require_job(context, project, job)
    with context.database.transaction():
        for job in jobs:
            if is_retryable(job):
                fresh = clone(context.database, job, context.authenticate().id, context.timestamp())
                scheduler.revive_followers(context.database, fresh)
        scheduler.process(context.services, pipeline["id"], context.timestamp())


def cancel(context: Context, project: Project, job: Row, *, force: bool = False) -> Row:
    """Cancel a job; one that cannot be canceled stays as it is.

    Raises:
        ApiError: 403 without the right; `force` takes Maintainer.
    """
    require_job(context, project, job)
    if force:
        context.require(project, Role.MAINTAINER)
    with context.database.transaction():
        if force and job["status"] == "canceling":
            scheduler.end_job(context.services, job, "canceled", context.timestamp())
        else:
            scheduler.cancel(context.services, job, context.timestamp())
    return find_job(context.database, job["id"])


def erase(context: Context, project: Project, job: Row) -> Row:
    """Erase a job's log; Maintainer, or the one who started the job.

    Raises:
        ApiError: 403 without the right or for a job without a log to erase.
    """
    user = context.authenticate()
    if context.role(project) < Role.MAINTAINER and job["user_id"] != user.id:
        raise errors.forbidden()
    if job["status"] not in COMPLETED or job["timeline"] is None or job["erased_at"] is not None:
        raise errors.forbidden("Job is not erasable!")
    context.database.update("ci_jobs", job["id"], {"erased_at": context.timestamp()})
    return find_job(context.database, job["id"])
