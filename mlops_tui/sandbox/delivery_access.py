"""What reading and running pipelines, jobs, environments and deployments takes.

GitLab: app/policies/project_policy.rb, app/policies/ci/build_policy.rb, ee/app/policies/ee/ci/deployable_policy.rb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_tui.sandbox import errors, protection, scheduler
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

JOB_TOKEN = Policy(authenticated=True, job_token=True)
SIGNED_IN = Policy(authenticated=True)


def open_project(context: Context, minimum: Role | None = None, *, private: Role = Role.REPORTER) -> Project:
    """Return the project of the path, brought up to now.

    Args:
        context: The request.
        minimum: The role it takes in any case.
        private: The role it takes where the project is not public.

    Raises:
        ApiError: 404 when the project is missing or not visible, 403 below the role.
    """
    scheduler.advance(context.services)
    project = context.project(minimum)
    if minimum is None and project.visibility == "private":
        context.require(project, private)
    return project


def open_pipeline_project(context: Context) -> Project:
    """Return the project of the path to one who may read its pipelines, jobs and logs."""
    project = open_project(context, private=Role.GUEST)
    guests_read = bool(project.attribute("public_jobs", default=True))
    if not guests_read:
        context.require(project, Role.REPORTER)
    return project


def environment_of(context: Context, job: Row) -> Row | None:
    """Return the environment a job is for."""
    return context.database.one("SELECT * FROM environments WHERE id = ?", (job["environment_id"],))


def may_use(context: Context, environment: Row) -> bool:
    """Tell whether the caller may deploy to an environment as far as its protection goes."""
    user = context.authenticate()
    return protection.may_deploy(context.services, user.id, environment)


def require_job(context: Context, project: Project, job: Row) -> None:
    """Refuse one who may not play, retry or cancel a job.

    It takes Developer, and where the environment is protected the right to deploy to it, for which Reporter is enough.

    Raises:
        ApiError: 403, also for a deployment that a newer one has overtaken.
    """
    environment = environment_of(context, job)
    protected = environment is not None and bool(protection.protections(context.services, environment))
    role = context.role(project)
    if role < (Role.REPORTER if protected else Role.DEVELOPER):
        raise errors.forbidden()
    if environment is not None and protected and not may_use(context, environment):
        raise errors.forbidden()
    if scheduler.is_outdated(context.database, job):
        unfinished = job["finished_at"] is None
        rollback = bool(project.attribute("ci_forward_deployment_rollback_allowed", default=True))
        if unfinished or not rollback:
            raise errors.forbidden()
