"""Project labels and what carries them (GitLab: lib/api/helpers/label_helpers.rb, lib/api/entities/label.rb)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import Kind, at_least_one, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

DEFAULT_COLOR = "#6699cc"
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_NAMED_COLORS = {"red": "#ff0000", "green": "#008000", "blue": "#0000ff", "orange": "#ffa500", "purple": "#800080"}


def _text_color(color: str) -> str:
    digits = color[1:] if len(color) == 7 else "".join(digit * 2 for digit in color[1:])
    red, green, blue = (int(digits[start : start + 2], 16) for start in (0, 2, 4))
    return "#1F1E24" if (red * 299 + green * 587 + blue * 114) / 1000 > 150 else "#FFFFFF"


def entity(row: Row) -> dict[str, Any]:
    """Return GitLab's Label as `with_labels_details` shows it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "description_html": row["description"] or "",
        "text_color": _text_color(row["color"]),
        "color": row["color"],
    }


def _project_entity(context: Context, row: Row, *, with_counts: bool = False) -> dict[str, Any]:
    shown = entity(row) | {"subscribed": False, "priority": row["priority"], "is_project_label": True}
    if not with_counts:
        return shown
    count = (
        "SELECT count(*) FROM label_links l JOIN {table} t ON t.id = l.target_id AND t.state = '{state}'"
        " WHERE l.target_type = '{kind}' AND l.label_id = ?"
    )
    places = {
        "open_issues_count": {"table": "issues", "state": "opened", "kind": "Issue"},
        "closed_issues_count": {"table": "issues", "state": "closed", "kind": "Issue"},
        "open_merge_requests_count": {"table": "merge_requests", "state": "opened", "kind": "MergeRequest"},
    }
    counts = {name: context.database.value(count.format(**place), (row["id"],)) for name, place in places.items()}
    return shown | counts


def labels_of(database: Database, target_type: str, target_id: int) -> list[Row]:
    """Return the labels of an issue or merge request, by name."""
    return database.all(
        "SELECT b.* FROM labels b JOIN label_links l ON l.label_id = b.id"
        " WHERE l.target_type = ? AND l.target_id = ? ORDER BY b.name",
        (target_type, target_id),
    )


def find_or_create(context: Context, project: Project, names: Iterable[str]) -> list[int]:
    """Return the ids of labels by name; unknown ones are made when the caller may, else dropped."""
    found = []
    for name in dict.fromkeys(names):
        label_id = context.database.value("SELECT id FROM labels WHERE project_id = ? AND name = ?", (project.id, name))
        if label_id is None and context.role(project) >= Role.PLANNER:
            values = {"project_id": project.id, "name": name, "color": DEFAULT_COLOR}
            label_id = context.database.insert("labels", {**values, "created_at": context.timestamp()})
        if label_id is not None:
            found.append(int(label_id))
    return found


def replace_links(context: Context, target_type: str, target_id: int, label_ids: Sequence[int]) -> None:
    """Set the labels of an issue or merge request; on Premium, scoped labels (`key::value`) exclude each other."""
    database = context.database
    database.execute("DELETE FROM label_links WHERE target_type = ? AND target_id = ?", (target_type, target_id))
    chosen = label_ids if not context.settings.premium else _last_of_each_scope(database, label_ids)
    for label_id in dict.fromkeys(chosen):
        values = {"target_type": target_type, "target_id": target_id, "label_id": label_id}
        database.insert("label_links", values)


def _last_of_each_scope(database: Database, label_ids: Sequence[int]) -> list[int]:
    kept: dict[str, int] = {}
    for label_id in label_ids:
        name = str(database.value("SELECT name FROM labels WHERE id = ?", (label_id,)))
        scope, separator, _ = name.rpartition("::")
        kept[f"{scope}::" if separator else f"={name}"] = label_id
    return list(kept.values())


def _find(context: Context, project: Project) -> Row:
    reference = context.path["name"]
    column = "id" if reference.isdigit() else "name"
    row = context.database.one(
        f"SELECT * FROM labels WHERE project_id = ? AND {column} = ?",  # noqa: S608 - two literals
        (project.id, reference),
    )
    if row is None:
        raise errors.not_found("Label")
    return row


def _color(given: dict[str, Any]) -> str | None:
    color = given.get("color")
    if color is None:
        return None
    hexadecimal = _NAMED_COLORS.get(color, color)
    if not _COLOR.fullmatch(hexadecimal):
        raise errors.validation({"color": ["must be a valid color code"]})
    return str(hexadecimal)


async def list_labels(context: Context) -> Response:
    """`GET /projects/:id/labels`."""
    given = context.declare(optional("search"), optional("with_counts", Kind.BOOLEAN, default=False))
    project = context.project()
    select = "SELECT * FROM labels WHERE project_id = ? AND instr(lower(name), lower(?))"
    arguments = (project.id, given.get("search") or "")

    def render(row: Row) -> dict[str, Any]:
        return _project_entity(context, row, with_counts=given["with_counts"])

    return paginate(context, select, arguments, render, order="name, id")


async def show(context: Context) -> Response:
    """`GET /projects/:id/labels/:name`; the id works as well."""
    return context.json(_project_entity(context, _find(context, context.project())))


async def create(context: Context) -> Response:
    """`POST /projects/:id/labels`; Planner or Reporter and above."""
    context.authenticate()
    given = context.declare(
        required("name"), required("color"), optional("description"), optional("priority", Kind.INTEGER)
    )
    project = context.project(Role.PLANNER)
    color = _color(given)
    taken = "SELECT 1 FROM labels WHERE project_id = ? AND name = ?"
    if context.database.value(taken, (project.id, given["name"])):
        raise errors.conflict("Label already exists")
    with context.database.transaction():
        values = {**given, "project_id": project.id, "color": color, "created_at": context.timestamp()}
        label_id = context.database.insert("labels", values)
    row = context.database.all("SELECT * FROM labels WHERE id = ?", (label_id,))[0]
    return context.json(_project_entity(context, row), 201)


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/labels/:name`."""
    context.authenticate()
    given = context.declare(
        optional("new_name"), optional("color"), optional("description"), optional("priority", Kind.INTEGER)
    )
    at_least_one(given, ("new_name", "color", "description", "priority"))
    project = context.project(Role.PLANNER)
    row = _find(context, project)
    changes = {name: value for name, value in given.items() if name in ("description", "priority")}
    if color := _color(given):
        changes["color"] = color
    if given.get("new_name"):
        changes["name"] = given["new_name"]
    with context.database.transaction():
        context.database.update("labels", row["id"], changes)
    changed = context.database.all("SELECT * FROM labels WHERE id = ?", (row["id"],))[0]
    return context.json(_project_entity(context, changed))


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/labels/:name`."""
    context.authenticate()
    row = _find(context, context.project(Role.PLANNER))
    with context.database.transaction():
        context.database.execute("DELETE FROM labels WHERE id = ?", (row["id"],))
    return no_content()


ROUTES = [
    route("GET", "/projects/{id}/labels", list_labels),
    route("POST", "/projects/{id}/labels", create),
    route("GET", "/projects/{id}/labels/{name}", show),
    route("PUT", "/projects/{id}/labels/{name}", edit),
    route("DELETE", "/projects/{id}/labels/{name}", delete),
]
