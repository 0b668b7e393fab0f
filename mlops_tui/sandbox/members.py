"""Members of projects and groups (GitLab: lib/api/members.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role, group_ancestry
from mlops_tui.sandbox.authentication import Policy, find_user
from mlops_tui.sandbox.groups import find_group
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.users import basic, user_basic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_FILTERS = (optional("query"), optional("user_ids", Kind.COMMA_INTEGERS), optional("show_seat_info", Kind.BOOLEAN))
_LEVELS = tuple(int(role) for role in Role if Role.GUEST <= role <= Role.OWNER)
_ALL = Policy(limiter="project_members_api")


def _sources(database: Database, project: Project, *, inherited: bool) -> list[tuple[str, int]]:
    own = [("project", project.id)]
    return own + [("group", group) for group in group_ancestry(database, project.namespace_id)] if inherited else own


def _group_sources(database: Database, group_id: int, *, inherited: bool) -> list[tuple[str, int]]:
    return [("group", group) for group in (group_ancestry(database, group_id) if inherited else [group_id])]


def _select(sources: Sequence[tuple[str, int]]) -> str:
    """Return one row per user, the one with the highest level."""
    places = " OR ".join(f"(m.source_type = '{kind}' AND m.source_id = {number})" for kind, number in sources)
    return (
        "SELECT u.*, m.access_level, m.created_at AS member_since, m.created_by_id, m.expires_at,"  # noqa: S608 - ours
        " max(m.access_level) FROM members m JOIN users u ON u.id = m.user_id"
        f" WHERE ({places}) AND (m.expires_at IS NULL OR m.expires_at > ?) GROUP BY u.id"
    )


def _entity(context: Context, row: Row) -> dict[str, Any]:
    entity = {
        **basic(context, row),
        "access_level": row["access_level"],
        "created_at": row["member_since"],
        "expires_at": row["expires_at"],
    }
    if row["created_by_id"] is not None:
        entity["created_by"] = user_basic(context, row["created_by_id"])
    if context.settings.enterprise:
        entity |= {"membership_state": "active", "group_saml_identity": None, "group_scim_identity": None}
    return entity


def _list(context: Context, sources: Sequence[tuple[str, int]], given: dict[str, Any]) -> Response:
    select = _select(sources)
    conditions, arguments = ["1"], [context.timestamp()[:10]]
    if query := given.get("query"):
        conditions.append("(instr(lower(name), lower(?)) OR instr(lower(username), lower(?)))")
        arguments += [query, query]
    if user_ids := given.get("user_ids"):
        conditions.append(f"id IN ({', '.join(str(number) for number in user_ids)})")
    narrowed = f"SELECT * FROM ({select}) WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals and integers
    return paginate(context, narrowed, arguments, lambda row: _entity(context, row), order="id")


def _one(context: Context, sources: Sequence[tuple[str, int]]) -> Row:
    select = _select(sources)
    statement = f"SELECT * FROM ({select}) WHERE id = ?"  # noqa: S608 - our own SELECT
    row = context.database.one(statement, (context.timestamp()[:10], context.number("user_id")))
    if row is None:
        raise errors.record_not_found()
    return row


async def list_direct(context: Context) -> Response:
    """`GET /projects/:id/members`."""
    given = context.declare(*_FILTERS)
    return _list(context, _sources(context.database, context.project(), inherited=False), given)


async def list_all(context: Context) -> Response:
    """`GET /projects/:id/members/all`, with inherited members; the highest level counts."""
    given = context.declare(*_FILTERS)
    return _list(context, _sources(context.database, context.project(), inherited=True), given)


async def show_direct(context: Context) -> Response:
    """`GET /projects/:id/members/:user_id`."""
    sources = _sources(context.database, context.project(), inherited=False)
    return context.json(_entity(context, _one(context, sources)))


async def show_any(context: Context) -> Response:
    """`GET /projects/:id/members/all/:user_id`."""
    sources = _sources(context.database, context.project(), inherited=True)
    return context.json(_entity(context, _one(context, sources)))


async def list_group_direct(context: Context) -> Response:
    """`GET /groups/:id/members`."""
    given = context.declare(*_FILTERS)
    return _list(context, _group_sources(context.database, find_group(context)["id"], inherited=False), given)


async def list_group_all(context: Context) -> Response:
    """`GET /groups/:id/members/all`."""
    given = context.declare(*_FILTERS)
    return _list(context, _group_sources(context.database, find_group(context)["id"], inherited=True), given)


async def add(context: Context) -> Response:
    """`POST /projects/:id/members`; Maintainer, and no level above one's own."""
    context.authenticate()
    given = context.declare(
        required("user_id", Kind.INTEGER),
        required("access_level", Kind.INTEGER, values=_LEVELS),
        optional("expires_at", Kind.DATE),
    )
    project = context.project(Role.MAINTAINER)
    _check_level(context, project, given["access_level"])
    if find_user(context.database, given["user_id"]) is None:
        raise errors.not_found("User")
    place = ("project", project.id, given["user_id"])
    taken = "SELECT 1 FROM members WHERE source_type = ? AND source_id = ? AND user_id = ?"
    if context.database.value(taken, place):
        raise errors.conflict("Member already exists")
    values = {"source_type": "project", "source_id": project.id, **given}
    values |= {"created_at": context.timestamp(), "created_by_id": context.authenticate().id}
    with context.database.transaction():
        context.database.insert("members", values)
    context.path["user_id"] = str(given["user_id"])
    sources = _sources(context.database, project, inherited=False)
    return context.json(_entity(context, _one(context, sources)), 201)


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/members/:user_id`; Maintainer."""
    context.authenticate()
    given = context.declare(required("access_level", Kind.INTEGER, values=_LEVELS), optional("expires_at", Kind.DATE))
    project = context.project(Role.MAINTAINER)
    _check_level(context, project, given["access_level"])
    sources = _sources(context.database, project, inherited=False)
    user_id = _one(context, sources)["id"]
    with context.database.transaction():
        context.database.execute(
            "UPDATE members SET access_level = ?, expires_at = coalesce(?, expires_at)"
            " WHERE source_type = 'project' AND source_id = ? AND user_id = ?",
            (given["access_level"], given.get("expires_at"), project.id, user_id),
        )
    return context.json(_entity(context, _one(context, sources)))


async def remove(context: Context) -> Response:
    """`DELETE /projects/:id/members/:user_id`; Maintainer, or oneself."""
    user = context.authenticate()
    project = context.project()
    user_id = _one(context, _sources(context.database, project, inherited=False))["id"]
    if user_id != user.id:
        context.require(project, Role.MAINTAINER)
    with context.database.transaction():
        context.database.execute(
            "DELETE FROM members WHERE source_type = 'project' AND source_id = ? AND user_id = ?",
            (project.id, user_id),
        )
    return no_content()


def _check_level(context: Context, project: Project, level: int) -> None:
    if level > context.role(project):
        raise errors.forbidden()


ROUTES = [
    route("GET", "/projects/{id}/members", list_direct),
    route("GET", "/projects/{id}/members/all", list_all, _ALL),
    route("GET", "/projects/{id}/members/all/{user_id}", show_any, _ALL),
    route("GET", "/projects/{id}/members/{user_id}", show_direct),
    route("POST", "/projects/{id}/members", add),
    route("PUT", "/projects/{id}/members/{user_id}", edit),
    route("DELETE", "/projects/{id}/members/{user_id}", remove),
    route("GET", "/groups/{id}/members", list_group_direct),
    route("GET", "/groups/{id}/members/all", list_group_all),
]
