"""The HTTP endpoint for alerts (GitLab: app/services/projects/alerting/notify_service.rb).

No token of GitLab's opens it; the credential is the integration's authorization key, which GitLab shows on a web page
once. `GET /-/sandbox/projects/:project_id/alerts` shows it here, with the alerts that came of it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, find_project
from mlops_tui.sandbox.authentication import Credentials, Policy
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.internal_ids import allocate
from mlops_tui.sandbox.routing import absolute_route, hook

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_OPEN = Policy(scopes=(), credentials=Credentials.NONE)
_NAME = "mlops"
_SEVERITIES = frozenset({"critical", "high", "medium", "low", "info", "unknown"})
_LARGEST = 1_048_576
_UNRESOLVED = "status != 'resolved'"
_NEW_TITLE = "New: Alert"


def integration(database: Database, project_id: int) -> Row:
    """Return a project's integration, made on first use."""
    values = (project_id, _NAME, secrets.token_hex(8), secrets.token_hex(16))
    statement = "INSERT OR IGNORE INTO alert_integrations (project_id, name, endpoint_identifier, token)"
    database.execute(f"{statement} VALUES (?, ?, ?, ?)", values)
    return database.all("SELECT * FROM alert_integrations WHERE project_id = ?", (project_id,))[0]


async def notify(context: Context) -> Response:
    """`POST /:namespace/:project/alerts/notify/:name/:endpoint_identifier.json`.

    The checks come in GitLab's order and answer without a body: size 400, integration 403, key 401.
    """
    project = find_project(context.database, context.path["project"])
    if project is None:
        raise errors.not_found("Project")
    if len(context.body) > _LARGEST:
        return Response(status_code=400)
    known = context.database.one("SELECT * FROM alert_integrations WHERE project_id = ?", (project.id,))
    identifier = context.path["identifier"].removesuffix(".json")
    if known is None or not known["active"] or identifier != known["endpoint_identifier"]:
        return Response(status_code=403)
    if not secrets.compare_digest(_presented(context).encode(), known["token"].encode()):
        return Response(status_code=401)
    with context.database.transaction():
        alert = _take(context, project, dict(context.params))
    return context.json([_entity(alert)])


def _presented(context: Context) -> str:
    scheme, _, key = context.request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _take(context: Context, project: Project, payload: dict[str, Any]) -> Row:
    """Make an alert, count one that is known, or resolve it: that is told by the fingerprint and an end time."""
    database = context.database
    given = payload.get("fingerprint")
    fingerprint = hashlib.sha1(str(given).encode(), usedforsecurity=False).hexdigest() if given else None
    ended = _moment(payload.get("end_time"))
    known = _unresolved(database, project, fingerprint)
    if known is None:
        known = _create(context, project, payload, fingerprint)
    elif ended is None:
        database.update("alerts", known["id"], {"events": known["events"] + 1})
    if ended is not None:
        database.update("alerts", known["id"], {"status": "resolved", "ended_at": ended})
    (row,) = database.all("SELECT * FROM alerts WHERE id = ?", (known["id"],))
    return row


def _unresolved(database: Database, project: Project, fingerprint: str | None) -> Row | None:
    if fingerprint is None:
        return None
    return database.one(
        f"SELECT * FROM alerts WHERE project_id = ? AND fingerprint = ? AND {_UNRESOLVED}",  # noqa: S608 - a literal
        (project.id, fingerprint),
    )


def _create(context: Context, project: Project, payload: dict[str, Any], fingerprint: str | None) -> Row:
    database = context.database
    severity = str(payload.get("severity") or "critical").lower()
    hosts = payload.get("hosts") or []
    values = {
        "project_id": project.id,
        "iid": allocate(database, project.id, "alerts"),
        "title": str(payload.get("title") or _NEW_TITLE)[:200],
        "description": _text(payload.get("description")),
        "severity": severity if severity in _SEVERITIES else "critical",
        "fingerprint": fingerprint,
        "monitoring_tool": _text(payload.get("monitoring_tool")),
        "service": _text(payload.get("service")),
        "hosts": json.dumps(hosts if isinstance(hosts, list) else [hosts]),
        "environment_id": _environment(database, project, payload.get("gitlab_environment_name")),
        "started_at": _moment(payload.get("start_time")) or context.timestamp(),
        "payload": json.dumps(payload),
    }
    alert_id = database.insert("alerts", values)
    (row,) = database.all("SELECT * FROM alerts WHERE id = ?", (alert_id,))
    return row


def _environment(database: Database, project: Project, name: object) -> int | None:
    if not isinstance(name, str):
        return None
    found = database.value("SELECT id FROM environments WHERE project_id = ? AND name = ?", (project.id, name))
    return None if found is None else int(found)


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:1_000]


def _moment(value: object) -> str | None:
    """A time as it is stored; what is no time counts as not given."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _entity(row: Row) -> dict[str, Any]:
    """GitLab: app/serializers/alert_management/alert_entity.rb."""
    return {"iid": row["iid"], "status": row["status"], "started_at": row["started_at"], "title": row["title"]}


async def show_integration(context: Context) -> Response:
    """`GET /-/sandbox/projects/:project_id/alerts`: the endpoint with its key, and every alert."""
    project = find_project(context.database, context.path["project_id"])
    if project is None:
        raise errors.not_found("Project")
    found = integration(context.database, project.id)
    path = f"/{project.full_path}/alerts/notify/{found['name']}/{found['endpoint_identifier']}.json"
    rows = context.database.all("SELECT * FROM alerts WHERE project_id = ? ORDER BY id", (project.id,))
    shown = ("iid", "title", "description", "severity", "status", "events", "started_at", "ended_at", "service")
    return context.json(
        {
            "url": context.url(path),
            "name": found["name"],
            "endpoint_identifier": found["endpoint_identifier"],
            "token": found["token"],
            "alerts": [
                {name: row[name] for name in shown} | {"environment": _environment_name(context.database, row)}
                for row in rows
            ],
        }
    )


def _environment_name(database: Database, row: Row) -> str | None:
    found = database.value("SELECT name FROM environments WHERE id = ?", (row["environment_id"],))
    return None if found is None else str(found)


ROUTES = [
    absolute_route("POST", "/{project:path}/alerts/notify/{name}/{identifier}", notify, _OPEN),
    hook("GET", "/projects/{project_id}/alerts", show_integration),
]
