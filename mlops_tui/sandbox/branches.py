"""Branches (GitLab: lib/api/branches.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.commits import readable_project, reference
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import optional
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context


def _entity(context: Context, project: Project, row: Row) -> dict[str, Any]:
    protected = bool(row["protected"])
    role = context.role(project)
    return {
        "name": row["name"],
        "commit": reference(context, project, row["sha"]),
        "merged": False,
        "protected": protected,
        "developers_can_push": False,
        "developers_can_merge": bool(row["developers_can_merge"]),
        "can_push": role >= (Role.MAINTAINER if protected else Role.DEVELOPER),
        "default": row["name"] == project.default_branch,
        "web_url": context.url(f"/{project.full_path}/-/tree/{row['name']}"),
    }


async def list_branches(context: Context) -> Response:
    """`GET /projects/:id/repository/branches`."""
    given = context.declare(optional("search"))
    project = readable_project(context)
    select = "SELECT * FROM branches WHERE project_id = ? AND instr(name, ?)"
    arguments = (project.id, given.get("search") or "")
    return paginate(context, select, arguments, lambda row: _entity(context, project, row), order="name")


async def show(context: Context) -> Response:
    """`GET /projects/:id/repository/branches/:branch`."""
    project = readable_project(context)
    row = context.database.one(
        "SELECT * FROM branches WHERE project_id = ? AND name = ?", (project.id, context.path["branch"])
    )
    if row is None:
        raise errors.not_found("Branch")
    return context.json(_entity(context, project, row))


_JOB = Policy(job_token=True)
ROUTES = [
    route("GET", "/projects/{id}/repository/branches", list_branches, _JOB),
    route("GET", "/projects/{id}/repository/branches/{branch}", show),
]
