"""Registered models (GitLab: lib/api/ml/mlflow/registered_models.rb, app/services/ml/create_model_service.rb)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.experiments import MODEL_PREFIX, NameTakenError, NameTooLongError, create_experiment
from mlops_tui.sandbox.mlflow import (
    TAGS,
    Order,
    Search,
    already_exists,
    does_not_exist,
    invalid_parameter,
    mlflow_route,
    page_of,
    pages,
    registry_project,
    split_order,
)
from mlops_tui.sandbox.model_versions import (
    VERSIONS,
    description_complaints,
    epoch_seconds,
    find_by_name_and_version,
    latest_version,
)
from mlops_tui.sandbox.model_versions import presented as presented_version
from mlops_tui.sandbox.packages import may_destroy
from mlops_tui.sandbox.parameters import optional, required
from mlops_tui.sandbox.tags import created_tags

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_MAXIMUM_NAME = 255
_NAME = re.compile(r"@?(?:[\w\-.+]*/)*[\w\-.]+@?(?:[\w\-.+]*/)*[\w\-.]*")
_FILTER = re.compile(r"name=(?P<quote>['\"]?)(?P<name>[^'\"\s]+)(?P=quote)")
_COLUMNS = {
    "name": "name",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "last_updated_timestamp": "updated_at",
    "id": "id",
}


class ModelRefusedError(Exception):
    """A model that does not pass its validations; `complaints` are full sentences."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = list(complaints)


def find_by_name(database: Database, project_id: int, name: str) -> Row | None:
    """Find a model by its exact name."""
    return database.one("SELECT * FROM models WHERE project_id = ? AND name = ?", (project_id, name))


def create_model(
    database: Database,
    project_id: int,
    name: str,
    *,
    user_id: int | None,
    now: datetime,
    description: str | None = None,
    tags: Sequence[dict[str, Any]] = (),
) -> Row:
    """Insert a model and its experiment `[model]<name>`, in transactions of its own.

    A name or description that is refused leaves the experiment behind; a refused tag leaves nothing.

    Raises:
        ModelRefusedError: when anything does not pass.
    """
    checked_tags, tag_complaints = created_tags(tags)
    complaints = _complaints(name, description)
    if tag_complaints and not complaints:
        raise ModelRefusedError(tag_complaints)
    with database.transaction():
        try:
            experiment_id = create_experiment(database, project_id, MODEL_PREFIX + name, user_id=user_id, now=now)
        except (NameTakenError, NameTooLongError):
            raise ModelRefusedError(complaints or ["Name has already been taken"]) from None
        if complaints:
            model_id = None
        else:
            model_id = database.insert(
                "models",
                {
                    "project_id": project_id,
                    "name": name,
                    "description": description,
                    "user_id": user_id,
                    "default_experiment_id": experiment_id,
                    "tags": orjson.dumps(checked_tags).decode(),
                    "created_at": timestamp(now),
                    "updated_at": timestamp(now),
                },
            )
    row = database.one("SELECT * FROM models WHERE id = ?", (model_id,))
    if row is None:
        raise ModelRefusedError(complaints)
    return row


def _complaints(name: str, description: str | None) -> list[str]:
    complaints = []
    if not name.strip():
        complaints.append("Name can't be blank")
    if not _NAME.fullmatch(name):
        complaints.append("Name is invalid")
    if len(name) > _MAXIMUM_NAME:
        complaints.append(f"Name is too long (maximum is {_MAXIMUM_NAME} characters)")
    return complaints + description_complaints(description)


def update_description(database: Database, model_id: int, description: str | None, now: datetime) -> list[str]:
    """Replace a model's card; return the complaints when it is refused."""
    complaints = description_complaints(description)
    if not complaints:
        with database.transaction():
            database.update("models", model_id, {"description": description, "updated_at": timestamp(now)})
    return complaints


def destroy_model(database: Database, model: Row, *, allowed: bool) -> bool:
    """Delete a model with its versions, their runs and its experiment; their packages wait for destruction.

    Returns False, without having changed anything, when there is a version whose package may not be destroyed.
    """
    if not allowed and database.value("SELECT 1 FROM model_versions WHERE model_id = ?", (model["id"],)):
        return False
    with database.transaction():
        database.execute(
            "UPDATE packages SET status = 'pending_destruction'"
            " WHERE id IN (SELECT package_id FROM model_versions WHERE model_id = ?)",
            (model["id"],),
        )
        database.execute("DELETE FROM models WHERE id = ?", (model["id"],))
        database.execute("DELETE FROM experiments WHERE id = ?", (model["default_experiment_id"],))
    return True


def presented(context: Context, project: Project, row: Row) -> dict[str, Any]:
    """Return a model with all its versions."""
    versions = context.database.all(f"{VERSIONS} model_versions.model_id = ? ORDER BY model_versions.id", (row["id"],))
    return {
        "name": row["name"],
        "creation_timestamp": epoch_seconds(row["created_at"]),
        "last_updated_timestamp": epoch_seconds(row["updated_at"]),
        "description": row["description"] or "",
        "user_id": str(row["user_id"] or ""),
        "tags": orjson.Fragment(row["tags"]),
        "latest_versions": [presented_version(context, project, version) for version in versions],
    }


def _required(context: Context, project: Project, name: str | None) -> Row:
    row = find_by_name(context.database, project.id, name or "")
    if row is None:
        raise does_not_exist()
    return row


async def create(context: Context) -> Response:
    """Register a model; every refusal has the same answer."""
    project = registry_project(context, writes=True)
    user = context.authenticate()
    given = context.declare(required("name"), optional("description"), TAGS)
    try:
        row = create_model(
            context.database,
            project.id,
            given["name"] or "",
            user_id=user.id,
            now=context.now(),
            description=given.get("description"),
            tags=given.get("tags") or [],
        )
    except ModelRefusedError:
        raise already_exists() from None
    return context.json({"registered_model": presented(context, project, row)})


async def get(context: Context) -> Response:
    """Show a model."""
    project = registry_project(context)
    given = context.declare(optional("name", default=""))
    return context.json({"registered_model": presented(context, project, _required(context, project, given["name"]))})


async def update(context: Context) -> Response:
    """Replace a model's description; without one it is emptied."""
    project = registry_project(context, writes=True)
    given = context.declare(optional("name", default=""), optional("description"))
    row = _required(context, project, given["name"])
    complaints = update_description(context.database, row["id"], given.get("description"), context.now())
    if complaints:
        raise invalid_parameter(f"Validation failed: {', '.join(complaints)}")
    return context.json({"registered_model": presented(context, project, _required(context, project, row["name"]))})


async def get_latest_versions(context: Context) -> Response:
    """Show the one version that counts as the latest; a model without any is answered with a null in the list."""
    project = registry_project(context)
    given = context.declare(optional("name", default=""))
    row = _required(context, project, given["name"])
    version = latest_version(context.database, row["id"])
    shown = presented_version(context, project, version) if version else None
    return context.json({"model_versions": [shown]})


async def delete(context: Context) -> Response:
    """Delete a model and all its versions."""
    project = registry_project(context, writes=True)
    given = context.declare(optional("name", default=""))
    row = _required(context, project, given["name"])
    if not destroy_model(context.database, row, allowed=may_destroy(context.role(project))):
        raise errors.message(400, "Model could not be deleted")
    return context.json({})


async def search(context: Context) -> Response:
    """List a page of models; the only filter is `name='part of it'`."""
    project = registry_project(context)
    given = context.declare(*pages("name ASC"), optional("filter"))
    statement = "SELECT * FROM models WHERE project_id = ?"
    arguments: list[Any] = [project.id]
    if given.get("filter") is not None:
        statement += " AND instr(name, ?) > 0"
        arguments.append(_filtered_name(given["filter"]))
    column, direction = split_order(given["order_by"] or "")
    chosen = _COLUMNS.get(column, "created_at")
    orders = [Order(chosen, chosen, descending=direction == "desc")]
    if chosen != "id":
        orders.append(Order("id", "id", descending=True))
    rows, token = page_of(context, Search(statement, tuple(arguments), tuple(orders)), given)
    models = [presented(context, project, row) for row in rows]
    return context.json({"registered_models": models, "next_page_token": token})


def _filtered_name(text: str) -> str:
    found = _FILTER.fullmatch(text)
    if found is None:
        raise invalid_parameter("Invalid attribute key specified. Valid keys are '{'name'}'")
    return found["name"]


async def alias(context: Context) -> Response:
    """Show the version an alias stands for; the only alias of a version is its semantic version."""
    project = registry_project(context)
    given = context.declare(optional("name", default=""), optional("alias", default=""))
    version = find_by_name_and_version(context.database, project.id, given["name"] or "", given["alias"] or "")
    if version is None:
        raise does_not_exist()
    return context.json({"model_version": presented_version(context, project, version)})


ROUTES = [
    mlflow_route("POST", "registered-models/create", create),
    mlflow_route("GET", "registered-models/get", get),
    mlflow_route("PATCH", "registered-models/update", update),
    mlflow_route("POST", "registered-models/get-latest-versions", get_latest_versions),
    mlflow_route("DELETE", "registered-models/delete", delete),
    mlflow_route("GET", "registered-models/search", search),
    mlflow_route("GET", "registered-models/alias", alias),
]
