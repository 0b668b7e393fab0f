"""Feature flags (GitLab: lib/api/feature_flags.rb, app/services/feature_flags)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox import errors, feature_flag_strategies
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.feature_flag_entities import VERSION, entity
from mlops_tui.sandbox.paging import PAGING, paginate
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.settings import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

# An enterprise build without a licence stands for the free plan of gitlab.com, which allows fewest.
_LIMITS = {Tier.CE: 200, Tier.FREE: 50, Tier.PREMIUM: 150, Tier.ULTIMATE: 200}
_NAME = re.compile(r"[a-z](?:[a-z0-9_-]*[a-z0-9])?")
_NEW_SCOPE = (required("environment_scope"),)
_NEW_STRATEGY = (
    required("name"),
    required("parameters", Kind.ANY),
    optional("user_list_id", Kind.INTEGER),
    optional("scopes", Kind.HASHES, children=_NEW_SCOPE),
)
_CHANGED_SCOPE = (
    optional("id", Kind.INTEGER),
    optional("environment_scope"),
    optional("_destroy", Kind.BOOLEAN),
)
_CHANGED_STRATEGY = (
    optional("id", Kind.INTEGER),
    optional("name"),
    optional("parameters", Kind.ANY),
    optional("user_list_id", Kind.INTEGER),
    optional("_destroy", Kind.BOOLEAN),
    optional("scopes", Kind.HASHES, children=_CHANGED_SCOPE),
)


def _find(context: Context, project: Project, name: str) -> Row:
    row = context.database.one("SELECT * FROM feature_flags WHERE project_id = ? AND name = ?", (project.id, name))
    if row is None:
        raise errors.record_not_found()
    return row


async def list_flags(context: Context) -> Response:
    """`GET /projects/:id/feature_flags`, by name."""
    given = context.declare(optional("scope", values=("enabled", "disabled")), *PAGING)
    project = context.project(Role.DEVELOPER)
    condition = {"enabled": " AND active", "disabled": " AND NOT active"}.get(given.get("scope") or "", "")
    select = f"SELECT * FROM feature_flags WHERE project_id = ?{condition}"  # noqa: S608 - literals above
    return paginate(context, select, (project.id,), lambda row: entity(context.database, row), order="name")


async def show(context: Context) -> Response:
    """`GET /projects/:id/feature_flags/:feature_flag_name`."""
    project = context.project(Role.DEVELOPER)
    return context.json(entity(context.database, _find(context, project, context.path["name"])))


async def create(context: Context) -> Response:
    """`POST /projects/:id/feature_flags`."""
    given = context.declare(
        required("name"),
        optional("version"),
        optional("description"),
        optional("active", Kind.BOOLEAN, default=True),
        optional("strategies", Kind.HASHES, children=_NEW_STRATEGY),
    )
    project = context.project(Role.DEVELOPER)
    if given.get("version") not in {None, VERSION}:
        raise errors.message(400, "Version is invalid")
    strategies = [_read(strategy) for strategy in given.get("strategies") or ()]
    found = [*_limit_complaints(context, project), *_complaints(context, project, given, None)]
    for strategy in strategies:
        found += _strategy_complaints(context, project, strategy)
    if found:
        raise errors.validation(list(dict.fromkeys(found)))
    now = context.timestamp()
    with context.database.transaction():
        columns = {"name": given["name"], "description": given.get("description"), "active": int(given["active"])}
        flag_id = context.database.insert(
            "feature_flags", {"project_id": project.id, **columns, "created_at": now, "updated_at": now}
        )
        for strategy in strategies:
            _insert_strategy(context.database, flag_id, strategy)
    return context.json(entity(context.database, _find(context, project, given["name"])), 201)


def _read(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """Decode parameters that came as JSON text, as forms send them."""
    decoded = dict(strategy)
    if isinstance(decoded.get("parameters"), str):
        try:
            decoded["parameters"] = orjson.loads(decoded["parameters"])
        except orjson.JSONDecodeError:
            raise errors.parameter("strategies[parameters] is invalid") from None
    return decoded


def _limit_complaints(context: Context, project: Project) -> list[str]:
    limit = _LIMITS[context.settings.tier]
    count = context.database.value("SELECT count(*) FROM feature_flags WHERE project_id = ?", (project.id,))
    return [f"Maximum number of project feature flags ({limit}) exceeded"] if count >= limit else []


def _complaints(context: Context, project: Project, given: Mapping[str, Any], own_id: int | None) -> list[str]:
    found = []
    if "name" in given:
        name = given["name"] or ""
        if len(name) < 2:
            found.append("Name is too short (minimum is 2 characters)")
        if len(name) > 63:
            found.append("Name is too long (maximum is 63 characters)")
        if not _NAME.fullmatch(name):
            found.append(
                "Name can contain only lowercase letters, digits, '_' and '-'. "
                "Must start with a letter, and cannot end with '-' or '_'"
            )
        taken = context.database.value(
            "SELECT id FROM feature_flags WHERE project_id = ? AND name = ?", (project.id, name)
        )
        if taken not in {None, own_id}:
            found.append("Name has already been taken")
    if len(given.get("description") or "") > 255:
        found.append("Description is too long (maximum is 255 characters)")
    return found


def _strategy_complaints(context: Context, project: Project, strategy: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a whole strategy.

    Raises:
        ApiError: 404 for a user list of another project.
    """
    list_id = strategy.get("user_list_id")
    if list_id is not None:
        owner = context.database.value("SELECT project_id FROM feature_flag_user_lists WHERE id = ?", (list_id,))
        if owner != project.id:
            raise errors.message(404, "Not Found")
    found = feature_flag_strategies.complaints(
        strategy["name"], strategy["parameters"], has_user_list=list_id is not None
    )
    for scope in strategy.get("scopes") or ():
        found += feature_flag_strategies.scope_complaints(scope.get("environment_scope") or "")
    return found


def _insert_strategy(database: Database, flag_id: int, strategy: Mapping[str, Any]) -> None:
    columns = {"name": strategy["name"], "parameters": json.dumps(strategy["parameters"])}
    strategy_id = database.insert(
        "feature_flag_strategies",
        {"feature_flag_id": flag_id, **columns, "user_list_id": strategy.get("user_list_id")},
    )
    for scope in strategy.get("scopes") or ():
        _insert_scope(database, strategy_id, scope["environment_scope"])


def _insert_scope(database: Database, strategy_id: int, environment_scope: str) -> None:
    values = {"strategy_id": strategy_id, "environment_scope": environment_scope}
    if database.value(
        "SELECT 1 FROM feature_flag_scopes WHERE strategy_id = ? AND environment_scope = ?", (*values.values(),)
    ):
        raise errors.validation([f"Strategies scopes environment scope ({environment_scope}) has already been taken"])
    database.insert("feature_flag_scopes", values)


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/feature_flags/:feature_flag_name`: strategies not named stay, new ones are added."""
    given = context.declare(
        optional("name"),
        optional("description"),
        optional("active", Kind.BOOLEAN),
        optional("strategies", Kind.HASHES, children=_CHANGED_STRATEGY),
    )
    project = context.project(Role.DEVELOPER)
    row = _find(context, project, context.path["name"])
    changes = {key: value for key, value in given.items() if key != "strategies"}
    found = _complaints(context, project, changes, row["id"])
    if found:
        raise errors.validation(found)
    if "active" in changes:
        changes["active"] = int(bool(changes["active"]))
    with context.database.transaction():
        for strategy in given.get("strategies") or ():
            _change_strategy(context, project, row["id"], _read(strategy))
        context.database.update("feature_flags", row["id"], {**changes, "updated_at": context.timestamp()})
    return context.json(entity(context.database, _find(context, project, changes.get("name") or row["name"])))


def _change_strategy(context: Context, project: Project, flag_id: int, change: Mapping[str, Any]) -> None:
    """Add, change or delete one strategy.

    Raises:
        ApiError: 404 for a strategy the flag does not have, 400 for one that would be invalid.
    """
    database = context.database
    if change.get("id") is None:
        whole = {"name": "", "parameters": {}, **change}
        _refuse(_strategy_complaints(context, project, whole))
        _insert_strategy(database, flag_id, whole)
        return
    row = database.one(
        "SELECT * FROM feature_flag_strategies WHERE id = ? AND feature_flag_id = ?", (change["id"], flag_id)
    )
    if row is None:
        raise errors.record_not_found()
    if change.get("_destroy"):
        database.execute("DELETE FROM feature_flag_strategies WHERE id = ?", (row["id"],))
        return
    kept = {"name": row["name"], "parameters": json.loads(row["parameters"]), "user_list_id": row["user_list_id"]}
    whole = {**kept, **change}
    remaining = [scope for scope in change.get("scopes") or () if not scope.get("_destroy") and not scope.get("id")]
    _refuse(_strategy_complaints(context, project, {**whole, "scopes": remaining}))
    columns = {"name": whole["name"], "parameters": json.dumps(whole["parameters"])}
    database.update("feature_flag_strategies", row["id"], {**columns, "user_list_id": whole["user_list_id"]})
    for scope in change.get("scopes") or ():
        _change_scope(database, row["id"], scope)


def _change_scope(database: Database, strategy_id: int, change: Mapping[str, Any]) -> None:
    if change.get("id") is None:
        _insert_scope(database, strategy_id, change["environment_scope"])
        return
    row = database.one(
        "SELECT * FROM feature_flag_scopes WHERE id = ? AND strategy_id = ?", (change["id"], strategy_id)
    )
    if row is None:
        raise errors.record_not_found()
    if change.get("_destroy"):
        database.execute("DELETE FROM feature_flag_scopes WHERE id = ?", (row["id"],))
    elif change.get("environment_scope"):
        _refuse(feature_flag_strategies.scope_complaints(change["environment_scope"]))
        database.update("feature_flag_scopes", row["id"], {"environment_scope": change["environment_scope"]})


def _refuse(found: Sequence[str]) -> None:
    if found:
        raise errors.validation(found)


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/feature_flags/:feature_flag_name`: answers the flag, with 200."""
    project = context.project(Role.DEVELOPER)
    row = _find(context, project, context.path["name"])
    shown = entity(context.database, row)
    context.database.execute("DELETE FROM feature_flags WHERE id = ?", (row["id"],))
    return context.json(shown)


_FLAGS = "/projects/{id}/feature_flags"
ROUTES = [
    route("GET", _FLAGS, list_flags),
    route("POST", _FLAGS, create),
    route("GET", f"{_FLAGS}/{{name}}", show),
    route("PUT", f"{_FLAGS}/{{name}}", edit),
    route("DELETE", f"{_FLAGS}/{{name}}", delete),
]
