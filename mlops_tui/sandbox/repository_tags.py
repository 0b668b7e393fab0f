"""Git tags (GitLab: lib/api/tags.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.commits import readable_project, reference
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import optional, required
from mlops_tui.sandbox.repository import resolve_ref
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_JOB = Policy(job_token=True)


def _entity(context: Context, project: Project, row: Row) -> dict[str, Any]:
    return {
        "name": row["name"],
        "message": row["message"],
        "target": row["sha"],
        "commit": reference(context, project, row["sha"]),
        "release": None,
        "protected": False,
        "created_at": row["created_at"] if row["message"] else None,
    }


def _find(context: Context, project: Project, name: str) -> Row | None:
    return context.database.one("SELECT * FROM repository_tags WHERE project_id = ? AND name = ?", (project.id, name))


async def list_tags(context: Context) -> Response:
    """`GET /projects/:id/repository/tags`."""
    given = context.declare(
        optional("search"),
        optional("order_by", default="updated", values=("name", "updated", "version")),
        optional("sort", default="desc", values=("asc", "desc")),
    )
    project = readable_project(context)
    select = "SELECT * FROM repository_tags WHERE project_id = ? AND instr(name, ?)"
    column = "created_at" if given["order_by"] == "updated" else "name"
    order = f"{column} {'DESC' if given['sort'] == 'desc' else 'ASC'}"
    arguments = (project.id, given.get("search") or "")
    return paginate(context, select, arguments, lambda row: _entity(context, project, row), order=order)


async def show(context: Context) -> Response:
    """`GET /projects/:id/repository/tags/:tag_name`."""
    project = readable_project(context)
    row = _find(context, project, context.path["tag_name"])
    if row is None:
        raise errors.not_found("Tag")
    return context.json(_entity(context, project, row))


async def create(context: Context) -> Response:
    """`POST /projects/:id/repository/tags`; Developer."""
    context.authenticate()
    given = context.declare(required("tag_name"), required("ref"), optional("message"))
    project = context.project(Role.DEVELOPER)
    if _find(context, project, given["tag_name"]):
        raise errors.bad_request(f"Tag {given['tag_name']} already exists")
    sha = resolve_ref(context.database, project.id, given["ref"])
    if sha is None:
        raise errors.bad_request(f"Target {given['ref']} is invalid")
    values = {"project_id": project.id, "name": given["tag_name"], "sha": sha, "message": given.get("message") or ""}
    with context.database.transaction():
        context.database.insert("repository_tags", {**values, "created_at": context.timestamp()})
    row = _find(context, project, given["tag_name"])
    if row is None:
        raise errors.not_found("Tag")
    return context.json(_entity(context, project, row), 201)


ROUTES = [
    route("GET", "/projects/{id}/repository/tags", list_tags, _JOB),
    route("POST", "/projects/{id}/repository/tags", create),
    route("GET", "/projects/{id}/repository/tags/{tag_name}", show, _JOB),
]
