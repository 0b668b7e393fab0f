"""Environments (GitLab: lib/api/environments.rb, app/services/environments)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mlops_tui.sandbox import deployments, environment_records, errors, job_actions, projects, protection
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.clock import parse_timestamp, timestamp
from mlops_tui.sandbox.delivery_access import JOB_TOKEN, may_use, open_project
from mlops_tui.sandbox.environment_records import STATES, TIERS
from mlops_tui.sandbox.paging import PAGING, paginate
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_SHORTEST_SEARCH = 3
_STALE_AFTER = timedelta(days=7)
_STALE_AT_MOST = timedelta(days=3652)
_REVIEW_AGE = timedelta(days=30)
_WRITABLE = (
    optional("description", max_length=10_000),
    optional("external_url"),
    optional("tier", values=TIERS),
    optional("cluster_agent_id", Kind.INTEGER),
    optional("kubernetes_namespace"),
    optional("flux_resource_path"),
    optional("auto_stop_setting", values=("always", "with_action")),
)


def entity(context: Context, row: Row, project: Project | None = None) -> dict[str, Any]:
    """Return GitLab's Environment; with a project its details are shown too.

    The keys of cluster agents are absent, as the sandbox has none.
    """
    shown = {"project": projects.simple(context, project)} if project else {}
    return {
        **environment_records.basic(row),
        "tier": row["tier"],
        **shown,
        "state": row["state"],
        "auto_stop_at": row["auto_stop_at"],
        "description": row["description"],
        "auto_stop_setting": row["auto_stop_setting"],
    }


def _find(context: Context, project: Project) -> Row:
    row = context.database.one(
        "SELECT * FROM environments WHERE project_id = ? AND id = ?", (project.id, context.number("environment_id"))
    )
    if row is None:
        raise errors.record_not_found()
    return row


def _find_to_change(context: Context) -> tuple[Project, Row]:
    """Return the environment that the path names to one who may change it.

    Raises:
        ApiError: 404, or 403 below Developer or where a protection stands against it.
    """
    project = open_project(context)
    row = _find(context, project)
    protected = bool(protection.protections(context.services, row))
    context.require(project, Role.REPORTER if protected else Role.DEVELOPER)
    if not may_use(context, row):
        raise errors.forbidden()
    return project, row


async def list_environments(context: Context) -> Response:
    """`GET /projects/:id/environments`; without deployments."""
    given = context.declare(optional("name"), optional("search"), optional("states", values=STATES), *PAGING)
    if given.get("name") and given.get("search"):
        raise errors.parameter("name, search cannot be used together")
    project = open_project(context)
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])
    if search := given.get("search"):
        if len(search) < _SHORTEST_SEARCH:
            raise errors.bad_request("Search query is less than 3 characters")
        # A prefix of the name or of what follows its folder.
        conditions.append("(substr(name, 1, ?) = ? OR instr(name, '/' || ?))")
        arguments += [len(search), search, search]
    if given.get("name"):
        conditions.append("name = ?")
        arguments.append(given["name"])
    if given.get("states"):
        conditions.append("state = ?")
        arguments.append(given["states"])
    select = f"SELECT * FROM environments WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this module
    return paginate(context, select, arguments, lambda row: entity(context, row, project), order="id")


async def show(context: Context) -> Response:
    """`GET /projects/:id/environments/:environment_id`, with the last successful deployment."""
    project = open_project(context)
    row = _find(context, project)
    last = deployments.last_successful(context.database, row["id"])
    shown = deployments.entity(context, last) if last else None
    if shown is not None:
        del shown["environment"]
    return context.json({**entity(context, row), "last_deployment": shown})


async def create(context: Context) -> Response:
    """`POST /projects/:id/environments`."""
    if "slug" in context.params:
        raise errors.parameter("slug is automatically generated and cannot be changed")
    given = context.declare(required("name"), *_WRITABLE)
    project = open_project(context, Role.DEVELOPER)
    _check_agent(given)
    complaints = [f"Name {text}" for text in [environment_records.name_complaint(given["name"])] if text]
    if environment_records.find(context.database, project.id, given["name"]):
        complaints.append("Name has already been taken")
    complaints += [f"External url {text}" for text in _url_complaints(given)]
    if complaints:
        raise errors.validation(complaints)
    columns = {key: value for key, value in given.items() if key not in {"name", "cluster_agent_id"}}
    with context.database.transaction():
        new_id = environment_records.create(
            context.database, project.id, given["name"], context.timestamp(), **_stored(columns)
        )
    row = context.database.one("SELECT * FROM environments WHERE id = ?", (new_id,))
    if row is None:
        raise errors.record_not_found()
    return context.json(entity(context, row, project), 201)


def _stored(columns: dict[str, Any]) -> dict[str, Any]:
    """Return columns as they are stored: an empty address is none, a setting is never empty."""
    if "external_url" in columns:
        columns["external_url"] = columns["external_url"] or None
    if columns.get("auto_stop_setting") is None:
        columns.pop("auto_stop_setting", None)
    return columns


def _check_agent(given: Mapping[str, Any]) -> None:
    if given.get("cluster_agent_id") is not None:
        raise errors.bad_request("cluster agent doesn't exist or cannot be associated with this environment")


def _url_complaints(given: Mapping[str, Any]) -> list[str]:
    url = given.get("external_url")
    if not url:
        return []
    if len(url) > 255:
        return ["is too long (maximum is 255 characters)"]
    return [] if urlsplit(url).scheme in {"http", "https"} else ["is blocked: Only allowed schemes are http, https"]


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/environments/:environment_id`; the name stays."""
    if "slug" in context.params:
        raise errors.parameter("slug is automatically generated and cannot be changed")
    given = context.declare(*_WRITABLE)
    project, row = _find_to_change(context)
    _check_agent(given)
    complaints = _url_complaints(given)
    if complaints:
        raise errors.validation({"external_url": complaints})
    columns = _stored({key: value for key, value in given.items() if key != "cluster_agent_id"})
    if columns.get("tier", "") is None:
        columns["tier"] = environment_records.guess_tier(row["name"])
    with context.database.transaction():
        context.database.update("environments", row["id"], {**columns, "updated_at": context.timestamp()})
    return context.json(entity(context, _find(context, project), project))


async def stop(context: Context) -> Response:
    """`POST /projects/:id/environments/:environment_id/stop`: runs the stop job if there is one."""
    given = context.declare(optional("force", Kind.BOOLEAN, default=False))
    project, row = _find_to_change(context)
    with context.database.transaction():
        if row["state"] == "available":
            _stop(context, row, force=given["force"])
    return context.json(entity(context, _find(context, project), project))


def _stop(context: Context, row: Row, *, force: bool) -> None:
    stop_job = None if force else _stop_job(context, row)
    if stop_job is None and not force and row["auto_stop_setting"] == "with_action":
        raise errors.bad_request("Attempted to stop the environment but failed to change the status")
    state = "stopped" if stop_job is None else "stopping"
    context.database.update("environments", row["id"], {"state": state, "updated_at": context.timestamp()})
    if stop_job is not None:
        job_actions.start_manual(context.services, stop_job, context.authenticate().id, context.timestamp())


def _stop_job(context: Context, row: Row) -> Row | None:
    """Return the manual job that stops what was last deployed."""
    return context.database.one(
        "SELECT stopping.* FROM deployments d JOIN ci_jobs j ON j.id = d.job_id JOIN ci_jobs stopping"
        " ON stopping.pipeline_id = j.pipeline_id AND stopping.name = d.on_stop AND stopping.retried = 0"
        " WHERE d.environment_id = ? AND d.status = 'success' AND stopping.environment_action = 'stop'"
        " AND stopping.status = 'manual' ORDER BY d.finished_at DESC, d.id DESC LIMIT 1",
        (row["id"],),
    )


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/environments/:environment_id`; only once stopped."""
    _, row = _find_to_change(context)
    if row["state"] != "stopped":
        raise errors.forbidden()
    with context.database.transaction():
        context.database.execute("DELETE FROM environments WHERE id = ?", (row["id"],))
    return no_content()


async def stop_stale(context: Context) -> Response:
    """`POST /projects/:id/environments/stop_stale`: stop what nobody has touched since a date."""
    given = context.declare(required("before", Kind.TIME))
    project = open_project(context, Role.DEVELOPER)
    age = context.now() - parse_timestamp(given["before"])
    if not _STALE_AFTER <= age <= _STALE_AT_MOST:
        raise errors.bad_request("Invalid Date")
    with context.database.transaction():
        for row in context.database.all(
            "SELECT * FROM environments WHERE project_id = ? AND state = 'available' AND updated_at < ?",
            (project.id, given["before"]),
        ):
            if not protection.protections(context.services, row):
                _stop(context, row, force=False)
    return context.json({"message": "Successfully requested stop for all stale environments"})


async def delete_review_apps(context: Context) -> Response:
    """`DELETE /projects/:id/environments/review_apps`: only shows what it would delete unless told otherwise."""
    given = context.declare(
        optional("before", Kind.TIME),
        optional("limit", Kind.INTEGER, default=100, minimum=1, maximum=1000),
        optional("dry_run", Kind.BOOLEAN, default=True),
    )
    project = open_project(context, Role.DEVELOPER)
    before = given.get("before") or timestamp(context.now() - _REVIEW_AGE)
    rows = context.database.all(
        "SELECT * FROM environments WHERE project_id = ? AND state = 'stopped' AND name GLOB 'review/*'"
        " AND created_at < ? ORDER BY id LIMIT ?",
        (project.id, before, given["limit"]),
    )
    entries = [environment_records.basic(row) for row in rows]
    if not given["dry_run"]:
        with context.database.transaction():
            context.database.connection.executemany(
                "DELETE FROM environments WHERE id = ?", [(row["id"],) for row in rows]
            )
    return context.json({"scheduled_entries": entries, "unprocessable_entries": []})


_ENVIRONMENTS = "/projects/{id}/environments"
_ONE = f"{_ENVIRONMENTS}/{{environment_id}}"
ROUTES = [
    route("GET", _ENVIRONMENTS, list_environments, JOB_TOKEN),
    route("POST", _ENVIRONMENTS, create, JOB_TOKEN),
    route("POST", f"{_ENVIRONMENTS}/stop_stale", stop_stale, JOB_TOKEN),
    route("DELETE", f"{_ENVIRONMENTS}/review_apps", delete_review_apps, JOB_TOKEN),
    route("GET", _ONE, show, JOB_TOKEN),
    route("PUT", _ONE, edit, JOB_TOKEN),
    route("DELETE", _ONE, delete, JOB_TOKEN),
    route("POST", f"{_ONE}/stop", stop, JOB_TOKEN),
]
