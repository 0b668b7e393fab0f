"""Groups and the projects in them (GitLab: lib/api/groups.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import group_role, is_visible
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import Kind, optional
from mlops_tui.sandbox.projects import FILTERS, answer_list
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_BELOW = (
    "WITH RECURSIVE below (id) AS (SELECT id FROM namespaces WHERE id = ? UNION ALL"
    " SELECT n.id FROM namespaces n JOIN below ON n.parent_id = below.id) SELECT id FROM below"
)


def find_group(context: Context) -> Row:
    """Return the group that the path names by id or full path.

    Raises:
        ApiError: 404 when missing or not visible.
    """
    reference = context.path["id"]
    column = "id" if reference.isdigit() else "full_path"
    row = context.database.one(
        f"SELECT * FROM namespaces WHERE kind = 'group' AND {column} = ?",  # noqa: S608 - two literals
        (reference,),
    )
    if row is None:
        raise errors.not_found("Group")
    if not is_visible(row["visibility"], context.user, group_role(context.database, context.user, row["id"])):
        raise errors.not_found("Group")
    return row


def _entity(context: Context, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "web_url": context.url(f"/groups/{row['full_path']}"),
        "name": row["name"],
        "path": row["path"],
        "description": "",
        "visibility": row["visibility"],
        "avatar_url": None,
        "full_name": row["name"],
        "full_path": row["full_path"],
        "created_at": row["created_at"],
        "parent_id": row["parent_id"],
        "archived": False,
    }


async def show(context: Context) -> Response:
    """`GET /groups/:id`."""
    return context.json(_entity(context, find_group(context)))


async def list_groups(context: Context) -> Response:
    """`GET /groups`: the groups the caller belongs to, and public ones."""
    given = context.declare(optional("search"))
    user_id = context.user.id if context.user else 0
    everything = int(context.user.admin) if context.user else 0
    select = (
        "SELECT * FROM namespaces WHERE kind = 'group' AND instr(lower(full_path), lower(?)) AND (? OR"
        " visibility = 'public' OR id IN (SELECT source_id FROM members WHERE source_type = 'group' AND user_id = ?))"
    )
    arguments = (given.get("search") or "", everything, user_id)
    return paginate(context, select, arguments, lambda row: _entity(context, row), order="name, id")


async def list_projects(context: Context) -> Response:
    """`GET /groups/:id/projects`."""
    given = context.declare(*FILTERS, optional("include_subgroups", Kind.BOOLEAN, default=False))
    group = find_group(context)
    condition = f"namespace_id IN ({_BELOW})" if given["include_subgroups"] else "namespace_id = ?"
    return answer_list(context, given, condition, [group["id"]])


ROUTES = [
    route("GET", "/groups", list_groups),
    route("GET", "/groups/{id}", show),
    route("GET", "/groups/{id}/projects", list_projects, Policy(limiter="group_projects_api")),
]
