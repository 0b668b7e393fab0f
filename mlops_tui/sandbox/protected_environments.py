"""Protected environments of projects and groups (GitLab: ee/lib/api/protected_environments.rb).

An enterprise build without a licence serves these routes, too, but what they store has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, protection
from mlops_tui.sandbox.access import Project, Role, group_ancestry, group_role, project_role
from mlops_tui.sandbox.authentication import find_user
from mlops_tui.sandbox.delivery_access import SIGNED_IN
from mlops_tui.sandbox.environment_records import TIERS
from mlops_tui.sandbox.groups import find_group
from mlops_tui.sandbox.paging import PAGING, paginate
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_SUBJECT = (
    optional("access_level", Kind.INTEGER, values=(20, 30, 40, 60)),
    optional("user_id", Kind.INTEGER),
    optional("group_id", Kind.INTEGER),
    optional("group_inheritance_type", Kind.INTEGER, values=(0, 1)),
)
_COUNT = optional("required_approvals", Kind.INTEGER, minimum=1, maximum=5)
_CHANGE = (optional("id", Kind.INTEGER), optional("_destroy", Kind.BOOLEAN))
_NEW = (
    optional("required_approval_count", Kind.INTEGER),
    required("deploy_access_levels", Kind.HASHES, children=_SUBJECT),
    optional("approval_rules", Kind.HASHES, children=(*_SUBJECT, _COUNT)),
)
_CHANGED = (
    optional("required_approval_count", Kind.INTEGER),
    optional("deploy_access_levels", Kind.HASHES, children=(*_SUBJECT, *_CHANGE)),
    optional("approval_rules", Kind.HASHES, children=(*_SUBJECT, _COUNT, *_CHANGE)),
)
_SUBJECTS = ("access_level", "user_id", "group_id")


@dataclass(frozen=True, slots=True)
class _Owner:
    """The project or the group whose environments are protected."""

    column: str
    id: int
    project: Project | None

    def taken(self, name: str) -> str:
        """Say that a name is protected already."""
        if self.project is not None:
            return f"Environment '{name}' is already protected"
        return f"Protected environment '{name}' already exists"

    def suits(self, database: Database, entry: Mapping[str, Any]) -> bool:
        """Tell whether GitLab would keep an entry; it drops unsuitable users and groups without a word.

        The sandbox has no invitations of groups; the groups above the project count as invited.
        """
        if entry.get("user_id") is not None:
            return self._suits_user(database, entry["user_id"])
        if entry.get("group_id") is None:
            return entry.get("access_level") is not None
        namespace = self.project.namespace_id if self.project else self.id
        above = group_ancestry(database, namespace)
        return entry["group_id"] in above or self.id in group_ancestry(database, entry["group_id"])

    def _suits_user(self, database: Database, user_id: int) -> bool:
        user = find_user(database, user_id)
        if user is None:
            return False
        if self.project is not None:
            return project_role(database, user, self.project) >= Role.DEVELOPER
        return group_role(database, user, self.id) >= Role.MAINTAINER


def _owner(context: Context) -> _Owner:
    """Return whose protections the path is about.

    Raises:
        ApiError: 404 on the community build, 403 below Maintainer of the project or Owner of the group.
    """
    if not context.settings.enterprise:
        raise errors.unknown_route()
    if "/groups/" in context.request.url.path:
        group = find_group(context)
        if group_role(context.database, context.user, group["id"]) < Role.OWNER:
            raise errors.forbidden()
        return _Owner("group_id", group["id"], None)
    project = context.project(Role.MAINTAINER)
    return _Owner("project_id", project.id, project)


def _entity(database: Database, row: Row) -> dict[str, Any]:
    return {
        "name": row["name"],
        "deploy_access_levels": [
            protection.level_entity(database, entry) for entry in _entries(database, "deploy_access_levels", row["id"])
        ],
        "required_approval_count": 0,
        "approval_rules": [
            protection.rule_entity(database, rule) for rule in _entries(database, "approval_rules", row["id"])
        ],
    }


def _entries(database: Database, table: str, protected_environment_id: int) -> list[Row]:
    return database.all(
        f"SELECT * FROM {table} WHERE protected_environment_id = ? ORDER BY id",  # noqa: S608 - a literal of this module
        (protected_environment_id,),
    )


def _find(context: Context, owner: _Owner, name: str) -> Row | None:
    return context.database.one(
        f"SELECT * FROM protected_environments WHERE {owner.column} = ? AND name = ?",  # noqa: S608 - a literal of this module
        (owner.id, name),
    )


def _found(context: Context, owner: _Owner) -> Row:
    row = _find(context, owner, context.path["name"])
    if row is None:
        raise errors.record_not_found()
    return row


async def list_protected(context: Context) -> Response:
    """`GET .../protected_environments`, by name."""
    context.declare(*PAGING)
    owner = _owner(context)
    select = f"SELECT * FROM protected_environments WHERE {owner.column} = ?"  # noqa: S608 - a literal of this module
    return paginate(context, select, (owner.id,), lambda row: _entity(context.database, row), order="name")


async def show(context: Context) -> Response:
    """`GET .../protected_environments/:name`."""
    return context.json(_entity(context.database, _found(context, _owner(context))))


async def create(context: Context) -> Response:
    """`POST .../protected_environments`."""
    tier = "/groups/" in context.request.url.path
    given = context.declare(required("name", values=TIERS if tier else None), *_NEW)
    _refuse_count(given)
    _require_subject(given)
    owner = _owner(context)
    if _find(context, owner, given["name"]):
        raise errors.conflict(owner.taken(given["name"]))
    with context.database.transaction():
        values = {owner.column: owner.id, "name": given["name"], "created_at": context.timestamp()}
        new_id = context.database.insert("protected_environments", values)
        for table in ("deploy_access_levels", "approval_rules"):
            _change(context.database, owner, table, new_id, given.get(table) or ())
        _require_deployer(context.database, new_id)
    row = _find(context, owner, given["name"])
    if row is None:
        raise errors.record_not_found()
    return context.json(_entity(context.database, row), 201)


def _refuse_count(given: Mapping[str, Any]) -> None:
    if (given.get("required_approval_count") or 0) > 0:
        raise errors.unprocessable(
            "Parameter 'required_approval_count' is deprecated and shouldn't be used. "
            "See https://gitlab.com/groups/gitlab-org/-/epics/9662"
        )


def _require_subject(given: Mapping[str, Any]) -> None:
    """Refuse a new rule that names no level, user or group."""
    for place, rule in enumerate(given.get("approval_rules") or ()):
        if rule.get("id") is None and not any(rule.get(key) is not None for key in _SUBJECTS):
            names = ", ".join(f"approval_rules[{place}][{key}]" for key in _SUBJECTS)
            raise errors.parameter(f"{names} are missing, at least one parameter must be provided")


def _change(
    database: Database, owner: _Owner, table: str, protected_environment_id: int, entries: Sequence[Mapping[str, Any]]
) -> None:
    """Add entries, change those with an id and delete those marked so; others stay.

    Raises:
        ApiError: 404 for an id that belongs to something else.
    """
    for entry in entries:
        columns = {key: value for key, value in entry.items() if key not in {"id", "_destroy"} and value is not None}
        if entry.get("id") is None:
            if owner.suits(database, entry):
                database.insert(table, {"protected_environment_id": protected_environment_id, **columns})
            continue
        known = {row["id"] for row in _entries(database, table, protected_environment_id)}
        if entry["id"] not in known:
            raise errors.record_not_found()
        if entry.get("_destroy"):
            database.execute(f"DELETE FROM {table} WHERE id = ?", (entry["id"],))  # noqa: S608 - a literal of this module
        else:
            database.update(table, entry["id"], columns)


def _require_deployer(database: Database, protected_environment_id: int) -> None:
    if not _entries(database, "deploy_access_levels", protected_environment_id):
        raise errors.unprocessable(["Deploy access levels is too short (minimum is 1 character)"])


async def edit(context: Context) -> Response:
    """`PUT .../protected_environments/:name`."""
    given = context.declare(*_CHANGED)
    _refuse_count(given)
    _require_subject(given)
    owner = _owner(context)
    row = _found(context, owner)
    with context.database.transaction():
        for table in ("deploy_access_levels", "approval_rules"):
            _change(context.database, owner, table, row["id"], given.get(table) or ())
        _require_deployer(context.database, row["id"])
    return context.json(_entity(context.database, row))


async def delete(context: Context) -> Response:
    """`DELETE .../protected_environments/:name`."""
    row = _found(context, _owner(context))
    context.database.execute("DELETE FROM protected_environments WHERE id = ?", (row["id"],))
    return no_content()


ROUTES = [
    made
    for owner in ("projects", "groups")
    for made in (
        route("GET", f"/{owner}/{{id}}/protected_environments", list_protected, SIGNED_IN),
        route("POST", f"/{owner}/{{id}}/protected_environments", create, SIGNED_IN),
        route("GET", f"/{owner}/{{id}}/protected_environments/{{name}}", show, SIGNED_IN),
        route("PUT", f"/{owner}/{{id}}/protected_environments/{{name}}", edit, SIGNED_IN),
        route("DELETE", f"/{owner}/{{id}}/protected_environments/{{name}}", delete, SIGNED_IN),
    )
]
