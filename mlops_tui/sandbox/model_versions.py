"""Versions of registered models.

GitLab: lib/api/ml/mlflow/model_versions.rb, app/services/ml/create_model_version_service.rb.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox.clock import parse_timestamp, timestamp
from mlops_tui.sandbox.errors import ApiError
from mlops_tui.sandbox.mlflow import TAGS, does_not_exist, invalid_parameter, mlflow_route, registry_project
from mlops_tui.sandbox.packages import create_package
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.runs import create_run, find_by_eid
from mlops_tui.sandbox.semantic_versions import next_version, parse
from mlops_tui.sandbox.tags import created_tags

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_VERSION_TAG = "gitlab.version"
_MAXIMUM_VERSION = 255
_MAXIMUM_DESCRIPTION = 10_000
# Versions with their model's name and their run.
VERSIONS = (
    "SELECT model_versions.*, models.name AS name, runs.eid AS eid, runs.id AS run_id FROM model_versions"
    " JOIN models ON models.id = model_versions.model_id"
    " LEFT JOIN runs ON runs.model_version_id = model_versions.id WHERE "
)


class VersionRefusedError(Exception):
    """A version that cannot be made; `complaints` are full sentences."""

    def __init__(self, *complaints: str) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = list(complaints)


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a new version is to be.

    Without `version` it follows the latest; without `run` it gets a fresh one. `run_complaint` is what to answer
    when a run was named that does not exist.
    """

    version: str | None = None
    description: str | None = None
    tags: Sequence[dict[str, Any]] = field(default_factory=tuple)
    run: Row | None = None
    run_complaint: str | None = None


def epoch_seconds(stored: str) -> int:
    """Return a stored time as the registry shows it, in whole seconds."""
    return int(parse_timestamp(stored).timestamp())


def description_complaints(description: str | None) -> list[str]:
    """Return what is wrong with the card of a model or a version."""
    if len(description or "") > _MAXIMUM_DESCRIPTION:
        return [f"Description is too long (maximum is {_MAXIMUM_DESCRIPTION} characters)"]
    return []


def latest_version(database: Database, model_id: int) -> Row | None:
    """Return the version with the highest major, minor and patch; a prerelease suffix does not count."""
    return database.one(
        f"{VERSIONS} model_versions.model_id = ?"
        " ORDER BY model_versions.major DESC, model_versions.minor DESC, model_versions.patch DESC,"
        " model_versions.id DESC LIMIT 1",
        (model_id,),
    )


def find_version(database: Database, version_id: int) -> Row | None:
    """Find a version by its database id."""
    return database.one(f"{VERSIONS} model_versions.id = ?", (version_id,))


def find_by_name_and_version(database: Database, project_id: int, name: str, version: str) -> Row | None:
    """Find a version by its model's name and its semantic version."""
    return database.one(
        f"{VERSIONS} model_versions.project_id = ? AND models.name = ? AND model_versions.version = ?",
        (project_id, name, version),
    )


def create_version(
    database: Database, model: Row, new: NewVersion, *, user_id: int | None, now: datetime, job_id: int | None = None
) -> Row:
    """Insert a version with its package and its run, in one transaction.

    A run that was given moves into the model's experiment and brings its package along.

    Raises:
        VersionRefusedError: when anything does not pass; nothing is stored then.
    """
    latest = latest_version(database, model["id"])
    version = new.version if new.version is not None else next_version(latest["version"] if latest else None)
    parsed = _checked(database, model, version, new)
    tags, complaints = created_tags(new.tags)
    if complaints:
        raise VersionRefusedError(*complaints)
    with database.transaction():
        package_id = _package(database, model, version, new.run, user_id=user_id, now=now, job_id=job_id)
        version_id = database.insert(
            "model_versions",
            {
                "project_id": model["project_id"],
                "model_id": model["id"],
                "package_id": package_id,
                "version": version,
                "major": int(parsed["major"]),
                "minor": int(parsed["minor"]),
                "patch": int(parsed["patch"]),
                "prerelease": (parsed["prerelease"] or "")[1:] or None,
                "description": new.description,
                "tags": orjson.dumps(tags).decode(),
                "created_at": timestamp(now),
                "updated_at": timestamp(now),
            },
        )
        _attach_run(database, model, version_id, new.run, user_id=user_id, now=now)
        database.update("models", model["id"], {"updated_at": timestamp(now)})
    row = find_version(database, version_id)
    if row is None:
        raise VersionRefusedError("Model version not found")
    return row


def _checked(database: Database, model: Row, version: str, new: NewVersion) -> re.Match[str]:
    if new.run_complaint:
        raise VersionRefusedError(new.run_complaint)
    if new.run is not None and new.run["model_version_id"] is not None:
        raise VersionRefusedError("Run has already a model version")
    parsed = parse(version)
    if parsed is None:
        raise VersionRefusedError("Version must be semantic version")
    complaints = []
    if database.value("SELECT 1 FROM model_versions WHERE model_id = ? AND version = ?", (model["id"], version)):
        complaints.append("Version has already been taken")
    if len(version) > _MAXIMUM_VERSION:
        complaints.append(f"Version is too long (maximum is {_MAXIMUM_VERSION} characters)")
    complaints += description_complaints(new.description)
    if complaints:
        raise VersionRefusedError(*complaints)
    return parsed


def _package(
    database: Database,
    model: Row,
    version: str,
    run: Row | None,
    *,
    user_id: int | None,
    now: datetime,
    job_id: int | None,
) -> int:
    """Return the package of a new version: the run's, renamed, or a new one."""
    if run is not None and run["package_id"] is not None:
        package_id = int(run["package_id"])
        database.update("packages", package_id, {"name": model["name"], "version": version})
        return package_id
    return create_package(
        database, model["project_id"], model["name"], version, creator_id=user_id, now=now, job_id=job_id
    )


def _attach_run(
    database: Database, model: Row, version_id: int, run: Row | None, *, user_id: int | None, now: datetime
) -> None:
    if run is not None:
        changes = {"model_version_id": version_id, "experiment_id": model["default_experiment_id"]}
        database.update("runs", run["id"], changes)
        return
    experiment = database.one("SELECT * FROM experiments WHERE id = ?", (model["default_experiment_id"],))
    if experiment is None:
        raise VersionRefusedError("Model not found")
    create_run(database, experiment, now=now, user_id=user_id, model_version_id=version_id)


def update_description(database: Database, version: Row, description: str, now: datetime) -> list[str]:
    """Replace a version's card; return the complaints when it is refused."""
    complaints = description_complaints(description)
    if not complaints:
        with database.transaction():
            changes = {"description": description, "updated_at": timestamp(now)}
            database.update("model_versions", version["id"], changes)
    return complaints


def destroy_version(database: Database, version: Row) -> None:
    """Delete a version and its run; its package waits for destruction."""
    with database.transaction():
        if version["package_id"] is not None:
            database.update("packages", version["package_id"], {"status": "pending_destruction"})
        database.execute("DELETE FROM runs WHERE model_version_id = ?", (version["id"],))
        database.execute("DELETE FROM model_versions WHERE id = ?", (version["id"],))


def presented(context: Context, project: Project, row: Row) -> dict[str, Any]:
    """Return a version; `version` is the database id and the only alias the semantic version."""
    return {
        "name": row["name"],
        "version": str(row["id"]),
        "creation_timestamp": epoch_seconds(row["created_at"]),
        "last_updated_timestamp": epoch_seconds(row["updated_at"]),
        "user_id": None,
        "current_stage": "development",
        "description": row["description"] or "",
        "source": context.url(f"/{project.full_path}/-/ml/models/{row['model_id']}/versions/{row['id']}"),
        "run_id": row["eid"],
        "status": "READY",
        "status_message": "",
        "tags": orjson.Fragment(row["tags"]),
        "run_link": "",
        "aliases": [row["version"]],
    }


async def create(context: Context) -> Response:
    """Create a version, from a run when one is named."""
    project = registry_project(context, writes=True)
    user = context.authenticate()
    given = context.declare(optional("name", default=""), optional("description"), optional("run_id"), TAGS)
    model = context.database.one(
        "SELECT * FROM models WHERE project_id = ? AND name = ?", (project.id, given["name"] or "")
    )
    if model is None:
        raise does_not_exist()
    tags = given.get("tags") or []
    run = find_by_eid(context.database, project.id, given["run_id"]) if given.get("run_id") else None
    new = NewVersion(
        version=next((tag["value"] for tag in tags if tag["key"] == _VERSION_TAG), None),
        description=given.get("description"),
        tags=tags,
        run=run,
        run_complaint="Run with eid not found" if given.get("run_id") and run is None else None,
    )
    try:
        row = create_version(context.database, model, new, user_id=user.id, now=context.now())
    except VersionRefusedError as refused:
        raise invalid_parameter(refused.complaints) from None
    return context.json({"model_version": presented(context, project, row)})


async def get(context: Context) -> Response:
    """Show a version by its semantic version."""
    project = registry_project(context)
    given = context.declare(required("name"), required("version"))
    row = find_by_name_and_version(context.database, project.id, given["name"] or "", given["version"] or "")
    if row is None:
        raise does_not_exist()
    return context.json({"model_version": presented(context, project, row)})


async def update(context: Context) -> Response:
    """Replace a version's description; a version that is not there is a failed update, too."""
    project = registry_project(context, writes=True)
    given = context.declare(optional("name"), optional("version"), optional("description"))
    if any(given.get(name) is None for name in ("name", "version", "description")):
        raise invalid_parameter(None)
    row = find_by_name_and_version(context.database, project.id, given["name"], given["version"])
    if row is None or update_description(context.database, row, given["description"], context.now()):
        raise ApiError(400, {"error_code": "UPDATE_FAILED"})
    updated = find_version(context.database, row["id"])
    return context.json({"model_version": presented(context, project, updated or row)})


async def get_download_uri(context: Context) -> Response:
    """Say where the artifacts of a version are; the id is echoed unchecked."""
    registry_project(context)
    given = context.declare(required("name"), required("version", Kind.INTEGER))
    return context.json({"artifact_uri": f"mlflow-artifacts:/{given['version']}"})


ROUTES = [
    mlflow_route("POST", "model-versions/create", create),
    mlflow_route("GET", "model-versions/get", get),
    mlflow_route("PATCH", "model-versions/update", update),
    mlflow_route("GET", "model-versions/get-download-uri", get_download_uri),
]
