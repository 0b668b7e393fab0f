"""Deploy freezes (GitLab: lib/api/freeze_periods.rb, app/models/ci/freeze_period.rb)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.cron import Cron
from mlops_tui.sandbox.paging import PAGING, paginate
from mlops_tui.sandbox.parameters import optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context


@dataclass(frozen=True, slots=True)
class Window:
    """When a freeze holds, or holds next."""

    is_active: bool
    start: datetime | None
    end: datetime | None


def window(row: Row, now: datetime) -> Window:
    """Return the present time of a freeze, else the next one."""
    zone = ZoneInfo(row["cron_timezone"])
    starts, ends = Cron.parse(row["freeze_start"]), Cron.parse(row["freeze_end"])
    began, ended = starts.previous(now, zone), ends.previous(now, zone)
    if began is not None and (ended is None or began > ended):
        return Window(True, began, ends.following(now, zone))
    start = starts.following(now, zone)
    return Window(False, start, ends.following(start, zone) if start else None)


def is_frozen(database: Database, project_id: int, now: datetime) -> bool:
    """Tell whether any freeze of a project holds."""
    rows = database.all("SELECT * FROM freeze_periods WHERE project_id = ?", (project_id,))
    return any(window(row, now).is_active for row in rows)


def _entity(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in ("id", "freeze_start", "freeze_end", "cron_timezone", "created_at", "updated_at")}


def _find(context: Context, project_id: int) -> Row:
    row = context.database.one(
        "SELECT * FROM freeze_periods WHERE project_id = ? AND id = ?", (project_id, context.path["freeze_id"])
    )
    if row is None:
        raise errors.message(404, "404 Freeze Period Not Found")
    return row


def _refuse_wrong(given: Mapping[str, Any]) -> None:
    found: dict[str, list[str]] = {}
    for name in ("freeze_start", "freeze_end"):
        if name in given:
            try:
                Cron.parse(given[name] or "")
            except ValueError:
                found[name] = ["is invalid syntax"]
    if "cron_timezone" in given:
        try:
            ZoneInfo(given["cron_timezone"])
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            found["cron_timezone"] = ["is invalid syntax"]
    if found:
        raise errors.validation(found)


async def list_periods(context: Context) -> Response:
    """`GET /projects/:id/freeze_periods`, the oldest first."""
    context.declare(*PAGING)
    project = context.project(Role.REPORTER)
    select = "SELECT * FROM freeze_periods WHERE project_id = ?"
    return paginate(context, select, (project.id,), _entity, order="id")


async def show(context: Context) -> Response:
    """`GET /projects/:id/freeze_periods/:freeze_period_id`."""
    return context.json(_entity(_find(context, context.project(Role.REPORTER).id)))


async def create(context: Context) -> Response:
    """`POST /projects/:id/freeze_periods`; Maintainer."""
    given = context.declare(required("freeze_start"), required("freeze_end"), optional("cron_timezone"))
    project = context.project(Role.MAINTAINER)
    values = {key: value for key, value in given.items() if value is not None}
    _refuse_wrong(values)
    now = context.timestamp()
    period = context.database.insert(
        "freeze_periods", {"project_id": project.id, **values, "created_at": now, "updated_at": now}
    )
    row = context.database.one("SELECT * FROM freeze_periods WHERE id = ?", (period,))
    assert row is not None  # noqa: S101 - it was inserted above
    return context.json(_entity(row), 201)


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/freeze_periods/:freeze_period_id`; Maintainer."""
    given = context.declare(optional("freeze_start"), optional("freeze_end"), optional("cron_timezone"))
    project = context.project(Role.MAINTAINER)
    row = _find(context, project.id)
    values = {key: value for key, value in given.items() if value is not None}
    _refuse_wrong(values)
    context.database.update("freeze_periods", row["id"], {**values, "updated_at": context.timestamp()})
    return context.json(_entity(_find(context, project.id)))


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/freeze_periods/:freeze_period_id`; Maintainer."""
    project = context.project(Role.MAINTAINER)
    row = _find(context, project.id)
    context.database.execute("DELETE FROM freeze_periods WHERE id = ?", (row["id"],))
    return no_content()


_PERIODS = "/projects/{id}/freeze_periods"
ROUTES = [
    route("GET", _PERIODS, list_periods),
    route("POST", _PERIODS, create),
    route("GET", f"{_PERIODS}/{{freeze_id:int}}", show),
    route("PUT", f"{_PERIODS}/{{freeze_id:int}}", edit),
    route("DELETE", f"{_PERIODS}/{{freeze_id:int}}", delete),
]
