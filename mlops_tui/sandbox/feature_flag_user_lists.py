"""User lists of feature flags (GitLab: lib/api/feature_flags_user_lists.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, feature_flag_strategies, internal_ids
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.paging import PAGING, paginate
from mlops_tui.sandbox.parameters import Parameter, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context


def _entity(context: Context, project: Project, row: Row) -> dict[str, Any]:
    path = f"{context.settings.root_path}/{project.full_path}/-/feature_flags_user_lists/{row['iid']}"
    keys = ("id", "iid", "name", "user_xids", "project_id", "created_at", "updated_at")
    return {**{key: row[key] for key in keys}, "path": path, "edit_path": f"{path}/edit"}


def _declare(context: Context, *parameters: Parameter) -> dict[str, Any]:
    """Read parameters; these routes say what is wrong under `message`, unlike all others."""
    try:
        return context.declare(*parameters)
    except errors.ApiError as error:
        raise errors.message(error.status, error.body["error"]) from error


def _find(context: Context, project: Project) -> Row:
    row = context.database.one(
        "SELECT * FROM feature_flag_user_lists WHERE project_id = ? AND iid = ?", (project.id, context.number("iid"))
    )
    if row is None:
        raise errors.record_not_found()
    return row


def _check(context: Context, project: Project, given: Mapping[str, Any], own_id: int | None) -> None:
    found = []
    if "name" in given:
        if not given["name"]:
            found.append("Name can't be blank")
        taken = context.database.value(
            "SELECT id FROM feature_flag_user_lists WHERE project_id = ? AND name = ?", (project.id, given["name"])
        )
        if taken not in {None, own_id}:
            found.append("Name has already been taken")
    if "user_xids" in given:
        complaint = feature_flag_strategies.user_ids_complaint(given["user_xids"])
        if complaint:
            found.append(f"User xids {complaint}")
    if found:
        raise errors.validation(found)


async def list_user_lists(context: Context) -> Response:
    """`GET /projects/:id/feature_flags_user_lists`."""
    given = _declare(context, optional("search"), *PAGING)
    project = context.project(Role.DEVELOPER)
    select = "SELECT * FROM feature_flag_user_lists WHERE project_id = ? AND instr(lower(name), lower(?))"
    arguments = (project.id, given.get("search") or "")
    return paginate(context, select, arguments, lambda row: _entity(context, project, row), order="iid")


async def show(context: Context) -> Response:
    """`GET /projects/:id/feature_flags_user_lists/:iid`."""
    project = context.project(Role.DEVELOPER)
    return context.json(_entity(context, project, _find(context, project)))


async def create(context: Context) -> Response:
    """`POST /projects/:id/feature_flags_user_lists`."""
    given = _declare(context, required("name"), required("user_xids"))
    project = context.project(Role.DEVELOPER)
    _check(context, project, given, None)
    now = context.timestamp()
    with context.database.transaction():
        iid = internal_ids.allocate(context.database, project.id, "feature_flag_user_lists")
        times = {"created_at": now, "updated_at": now}
        new_id = context.database.insert(
            "feature_flag_user_lists", {"iid": iid, "project_id": project.id, **given, **times}
        )
    row = context.database.one("SELECT * FROM feature_flag_user_lists WHERE id = ?", (new_id,))
    if row is None:
        raise errors.record_not_found()
    return context.json(_entity(context, project, row), 201)


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/feature_flags_user_lists/:iid`."""
    given = _declare(context, optional("name"), optional("user_xids"))
    project = context.project(Role.DEVELOPER)
    row = _find(context, project)
    _check(context, project, given, row["id"])
    context.database.update("feature_flag_user_lists", row["id"], {**given, "updated_at": context.timestamp()})
    return context.json(_entity(context, project, _find(context, project)))


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/feature_flags_user_lists/:iid`; refused while a strategy uses the list."""
    project = context.project(Role.DEVELOPER)
    row = _find(context, project)
    used = context.database.value("SELECT 1 FROM feature_flag_strategies WHERE user_list_id = ?", (row["id"],))
    if used:
        raise errors.validation(["User list is associated with a strategy"], 409)
    context.database.execute("DELETE FROM feature_flag_user_lists WHERE id = ?", (row["id"],))
    return no_content()


_LISTS = "/projects/{id}/feature_flags_user_lists"
ROUTES = [
    route("GET", _LISTS, list_user_lists),
    route("POST", _LISTS, create),
    route("GET", f"{_LISTS}/{{iid}}", show),
    route("PUT", f"{_LISTS}/{{iid}}", edit),
    route("DELETE", f"{_LISTS}/{{iid}}", delete),
]
