"""The routes of resource groups (GitLab: lib/api/ci/resource_groups.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_tui.sandbox import ci_entities, errors, statuses
from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.delivery_access import SIGNED_IN, open_project
from mlops_tui.sandbox.paging import PAGING, paginate
from mlops_tui.sandbox.parameters import optional
from mlops_tui.sandbox.resource_groups import PROCESS_MODES, entity
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context


def _find(context: Context) -> Row:
    project = open_project(context, Role.DEVELOPER)
    row = context.database.one(
        "SELECT * FROM resource_groups WHERE project_id = ? AND key = ?", (project.id, context.path["key"])
    )
    if row is None:
        raise errors.record_not_found()
    return row


async def list_resource_groups(context: Context) -> Response:
    """`GET /projects/:id/resource_groups`; Developer."""
    context.declare(*PAGING)
    project = open_project(context, Role.DEVELOPER)
    select = "SELECT * FROM resource_groups WHERE project_id = ?"
    return paginate(context, select, (project.id,), entity, order="id")


async def show(context: Context) -> Response:
    """`GET /projects/:id/resource_groups/:key`."""
    return context.json(entity(_find(context)))


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/resource_groups/:key`."""
    given = context.declare(optional("process_mode", values=PROCESS_MODES))
    row = _find(context)
    context.database.update("resource_groups", row["id"], {**given, "updated_at": context.timestamp()})
    return context.json(entity(_find(context)))


async def show_current_job(context: Context) -> Response:
    """`GET /projects/:id/resource_groups/:key/current_job`: the job that holds the resource, or null."""
    row = _find(context)
    marks = ", ".join("?" for _ in statuses.HOLDS_RESOURCE)
    job = context.database.one(
        f"SELECT * FROM ci_jobs WHERE resource_group_id = ? AND status IN ({marks}) LIMIT 1",  # noqa: S608 - only marks
        (row["id"], *statuses.HOLDS_RESOURCE),
    )
    return context.json(ci_entities.job_basic(context, job) if job else None)


async def list_upcoming_jobs(context: Context) -> Response:
    """`GET /projects/:id/resource_groups/:key/upcoming_jobs`: the jobs that wait for the resource."""
    context.declare(*PAGING)
    select = "SELECT * FROM ci_jobs WHERE resource_group_id = ? AND status = 'waiting_for_resource'"
    arguments = (_find(context)["id"],)
    return paginate(context, select, arguments, lambda job: ci_entities.job_basic(context, job), order="id")


_GROUPS = "/projects/{id}/resource_groups"
ROUTES = [
    route("GET", _GROUPS, list_resource_groups, SIGNED_IN),
    route("GET", f"{_GROUPS}/{{key}}", show, SIGNED_IN),
    route("PUT", f"{_GROUPS}/{{key}}", edit, SIGNED_IN),
    route("GET", f"{_GROUPS}/{{key}}/current_job", show_current_job, SIGNED_IN),
    route("GET", f"{_GROUPS}/{{key}}/upcoming_jobs", list_upcoming_jobs, SIGNED_IN),
]
