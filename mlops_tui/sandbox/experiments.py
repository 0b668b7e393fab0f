"""Experiments (GitLab: lib/api/ml/mlflow/experiments.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox import internal_ids
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.errors import message
from mlops_tui.sandbox.mlflow import (
    TAGS,
    Order,
    Search,
    already_exists,
    check_violation,
    does_not_exist,
    experiments_project,
    invalid_parameter,
    mlflow_route,
    page_of,
    pages,
    split_order,
)
from mlops_tui.sandbox.parameters import optional, required
from mlops_tui.sandbox.tags import duplicate_name, length_complaints, merged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

MODEL_PREFIX = "[model]"
_MAXIMUM_NAME = 255
_COLUMNS = {
    "name": "name",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "last_updated_timestamp": "updated_at",
    "id": "id",
}


class NameTakenError(Exception):
    """The project has an experiment of that name already, or the name is blank."""


class NameTooLongError(Exception):
    """The name is refused by the database."""


def create_experiment(
    database: Database,
    project_id: int,
    name: str,
    *,
    user_id: int | None,
    now: datetime,
    tags: Sequence[dict[str, str]] = (),
) -> int:
    """Insert an experiment and return its id.

    Raises:
        NameTakenError: if the name is blank or taken.
        NameTooLongError: above 255 characters.
    """
    if not name.strip() or find_by_name(database, project_id, name):
        raise NameTakenError(name)
    if len(name) > _MAXIMUM_NAME:
        raise NameTooLongError(name)
    return database.insert(
        "experiments",
        {
            "project_id": project_id,
            "iid": internal_ids.allocate(database, project_id, "experiments"),
            "name": name,
            "user_id": user_id,
            "tags": orjson.dumps(list(tags)).decode(),
            "created_at": timestamp(now),
            "updated_at": timestamp(now),
        },
    )


def find_by_iid(database: Database, project_id: int, iid: object) -> Row | None:
    """Find an experiment by the id that MLflow clients use."""
    text = str(iid)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    return database.one("SELECT * FROM experiments WHERE project_id = ? AND iid = ?", (project_id, int(text)))


def find_by_name(database: Database, project_id: int, name: str) -> Row | None:
    """Find an experiment by its exact name."""
    return database.one("SELECT * FROM experiments WHERE project_id = ? AND name = ?", (project_id, name))


def model_of(database: Database, experiment_id: int) -> Row | None:
    """Return the model that an experiment belongs to, or None for an ordinary one."""
    return database.one("SELECT * FROM models WHERE default_experiment_id = ?", (experiment_id,))


def _presented(row: Row) -> dict[str, Any]:
    return {
        "experiment_id": str(row["iid"]),
        "name": row["name"],
        "lifecycle_stage": "active",
        "artifact_location": "not_implemented",
        "tags": orjson.Fragment(row["tags"]),
    }


def _required(row: Row | None) -> Row:
    if row is None:
        raise does_not_exist()
    return row


async def get(context: Context) -> Response:
    """Show an experiment by its iid."""
    project = experiments_project(context)
    given = context.declare(optional("experiment_id", default=""))
    row = _required(find_by_iid(context.database, project.id, given["experiment_id"]))
    return context.json({"experiment": _presented(row)})


async def get_by_name(context: Context) -> Response:
    """Show an experiment by its name."""
    project = experiments_project(context)
    given = context.declare(optional("experiment_name", default=""))
    row = _required(find_by_name(context.database, project.id, given["experiment_name"] or ""))
    return context.json({"experiment": _presented(row)})


async def list_all(context: Context) -> Response:
    """List every experiment, without pages."""
    project = experiments_project(context)
    rows = context.database.all("SELECT * FROM experiments WHERE project_id = ? ORDER BY id", (project.id,))
    return context.json({"experiments": [_presented(row) for row in rows]})


async def search(context: Context) -> Response:
    """List a page of experiments; a filter is accepted and ignored."""
    project = experiments_project(context)
    given = context.declare(*pages("created_at DESC"), optional("filter"))
    column, direction = split_order(given["order_by"] or "")
    chosen = _COLUMNS.get(column, "id")
    orders = [Order(chosen, chosen, descending=direction == "desc")]
    if chosen != "id":
        orders.append(Order("id", "id", descending=True))
    statement = "SELECT * FROM experiments WHERE project_id = ?"
    rows, token = page_of(context, Search(statement, (project.id,), tuple(orders)), given)
    return context.json({"experiments": [_presented(row) for row in rows], "next_page_token": token})


async def create(context: Context) -> Response:
    """Create an experiment."""
    project = experiments_project(context)
    user = context.authenticate()
    given = context.declare(required("name"), TAGS, optional("artifact_location"))
    tags = merged([], given.get("tags") or [])
    if tags is None:
        raise check_violation("ml_experiment_metadata")
    try:
        with context.database.transaction():
            experiment_id = create_experiment(
                context.database, project.id, given["name"] or "", user_id=user.id, now=context.now(), tags=tags
            )
    except NameTakenError:
        raise already_exists() from None
    except NameTooLongError:
        raise check_violation("ml_experiments") from None
    iid = context.database.value("SELECT iid FROM experiments WHERE id = ?", (experiment_id,))
    return context.json({"experiment_id": str(iid)})


async def set_tag(context: Context) -> Response:
    """Set a tag that the experiment does not have yet."""
    project = experiments_project(context)
    given = context.declare(required("experiment_id"), required("key"), required("value"))
    row = _required(find_by_iid(context.database, project.id, given["experiment_id"]))
    complaints = [*length_complaints("Name", given["key"], 250), *length_complaints("Value", given["value"], 5000)]
    tags = orjson.loads(row["tags"])
    if any(tag["key"] == given["key"] for tag in tags):
        complaints.append(duplicate_name(given["key"]))
    if complaints:
        raise invalid_parameter(f"Validation failed: {', '.join(complaints)}")
    tags.append({"key": given["key"], "value": given["value"]})
    with context.database.transaction():
        changes = {"tags": orjson.dumps(tags).decode(), "updated_at": context.timestamp()}
        context.database.update("experiments", row["id"], changes)
    return context.json({})


async def delete(context: Context) -> Response:
    """Delete an experiment with all its runs, unless a model owns it."""
    project = experiments_project(context)
    given = context.declare(required("experiment_id"))
    row = _required(find_by_iid(context.database, project.id, given["experiment_id"]))
    if model_of(context.database, row["id"]):
        raise message(400, "Cannot delete an experiment associated to a model")
    with context.database.transaction():
        context.database.execute("DELETE FROM experiments WHERE id = ?", (row["id"],))
    return context.json({})


ROUTES = [
    mlflow_route("GET", "experiments/get", get),
    mlflow_route("GET", "experiments/get-by-name", get_by_name),
    mlflow_route("GET", "experiments/list", list_all),
    mlflow_route("POST", "experiments/search", search),
    mlflow_route("POST", "experiments/create", create),
    mlflow_route("POST", "experiments/set-experiment-tag", set_tag),
    mlflow_route("POST", "experiments/delete", delete),
]
