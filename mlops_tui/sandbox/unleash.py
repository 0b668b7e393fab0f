"""What Unleash clients poll: a project's feature flags for one environment (GitLab: lib/api/unleash.rb).

No GitLab token is looked at; the credential is the project's instance id, which GitLab shows on a web page only.
`GET /-/sandbox/projects/:project_id/unleash` shows it here.
"""

from __future__ import annotations

import json
import secrets
import string
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.authentication import Credentials, Policy
from mlops_tui.sandbox.feature_flag_entities import scopes
from mlops_tui.sandbox.feature_flag_strategies import USER_LIST, matches_scope
from mlops_tui.sandbox.routing import hook, route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_OPEN = Policy(scopes=(), credentials=Credentials.NONE)
_ALPHABET = string.ascii_letters + string.digits


def instance_id(database: Database, project_id: int) -> str:
    """Return a project's instance id, made on first use."""
    found = database.value("SELECT instance_id FROM feature_flag_clients WHERE project_id = ?", (project_id,))
    if found is not None:
        return str(found)
    made = "glffct-" + "".join(secrets.choice(_ALPHABET) for _ in range(20))
    database.insert("feature_flag_clients", {"project_id": project_id, "instance_id": made})
    return made


def _authorize(context: Context) -> int:
    """Return the project of the path.

    Raises:
        ApiError: 401 for a wrong or missing instance id, and for a project that does not exist.
    """
    given = context.request.headers.get("unleash-instanceid") or context.params.get("instance_id")
    reference = context.path["project_id"]
    known = None
    if reference.isascii() and reference.isdigit():
        known = context.database.value(
            "SELECT instance_id FROM feature_flag_clients WHERE project_id = ?", (int(reference),)
        )
    if not given or known is None or not secrets.compare_digest(str(given).encode(), known.encode()):
        raise errors.unauthorized()
    return int(reference)


async def ping(context: Context) -> Response:
    """`GET /feature_flags/unleash/:project_id`: only tells whether the instance id is right."""
    _authorize(context)
    return context.json({})


async def list_features(context: Context) -> Response:
    """`GET .../client/features`: the flags that have a strategy for the caller's environment."""
    project_id = _authorize(context)
    environment = context.request.headers.get("unleash-appname") or context.params.get("app_name")
    features = []
    if environment:
        rows = context.database.all("SELECT * FROM feature_flags WHERE project_id = ? ORDER BY id", (project_id,))
        found = [(row, _strategies(context.database, row["id"], str(environment))) for row in rows]
        features = [_feature(row, strategies) for row, strategies in found if strategies]
    return context.json({"version": 1, "features": features})


def _feature(row: Row, strategies: list[dict[str, Any]]) -> dict[str, Any]:
    described = {} if row["description"] is None else {"description": row["description"]}
    return {"name": row["name"], **described, "enabled": bool(row["active"]), "strategies": strategies}


def _strategies(database: Database, flag_id: int, environment: str) -> list[dict[str, Any]]:
    """Return every strategy with a scope that fits; a specific scope does not override a wider one."""
    rows = database.all("SELECT * FROM feature_flag_strategies WHERE feature_flag_id = ? ORDER BY id", (flag_id,))
    return [
        _strategy(database, row)
        for row in rows
        if any(matches_scope(scope["environment_scope"], environment) for scope in scopes(database, row["id"]))
    ]


def _strategy(database: Database, row: Row) -> dict[str, Any]:
    if row["name"] == USER_LIST:
        listed = database.value("SELECT user_xids FROM feature_flag_user_lists WHERE id = ?", (row["user_list_id"],))
        return {"name": "userWithId", "parameters": {"userIds": listed}}
    return {"name": row["name"], "parameters": json.loads(row["parameters"])}


async def accept(context: Context) -> Response:
    """`POST .../client/register` and `.../client/metrics`: nothing is stored."""
    _authorize(context)
    return context.json({})


async def show_instance(context: Context) -> Response:
    """`GET /-/sandbox/projects/:project_id/unleash`: what to configure an Unleash client with."""
    project_id = context.number("project_id")
    if context.database.value("SELECT 1 FROM projects WHERE id = ?", (project_id,)) is None:
        raise errors.not_found("Project")
    url = context.api_url(f"/feature_flags/unleash/{project_id}")
    return context.json({"url": url, "instance_id": instance_id(context.database, project_id)})


_ONE = "/feature_flags/unleash/{project_id}"
ROUTES = [
    route("GET", _ONE, ping, _OPEN),
    route("GET", f"{_ONE}/features", list_features, _OPEN),
    route("GET", f"{_ONE}/client/features", list_features, _OPEN),
    route("POST", f"{_ONE}/client/register", accept, _OPEN),
    route("POST", f"{_ONE}/client/metrics", accept, _OPEN),
    hook("GET", "/projects/{project_id}/unleash", show_instance),
]
