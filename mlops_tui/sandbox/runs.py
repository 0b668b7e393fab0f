"""Runs, which GitLab calls candidates (GitLab: lib/api/ml/mlflow/runs.rb)."""

from __future__ import annotations

import random
import uuid
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox import errors, internal_ids
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.experiments import find_by_iid
from mlops_tui.sandbox.mlflow import (
    TAGS,
    Order,
    Search,
    check_violation,
    does_not_exist,
    experiments_project,
    mlflow_route,
    page_of,
    pages,
    split_order,
)
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.run_tags import add_tags

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_NAME_TAG = "mlflow.runName"
_MAXIMUM_NAME = 255
_ANIMALS = (
    "badger", "bison", "crane", "dingo", "eagle", "ferret", "gecko", "heron", "ibis", "jackal", "koala", "lemur",
    "marten", "newt", "otter", "puffin", "quail", "raven", "stoat", "tapir", "urchin", "viper", "wombat", "yak",
)  # fmt: skip
# Runs with what their `artifact_uri` depends on.
RUNS = (
    "SELECT runs.*, experiments.iid AS experiment_iid, packages.version AS package_version,"
    " packages.package_type AS package_type{columns} FROM runs"
    " JOIN experiments ON experiments.id = runs.experiment_id"
    " LEFT JOIN packages ON packages.id = runs.package_id{joins} WHERE "
)
_PLAIN = RUNS.format(columns="", joins="")


class Status(IntEnum):
    """The states of a run as they are stored; any may follow any."""

    RUNNING = 0
    SCHEDULED = 1
    FINISHED = 2
    FAILED = 3
    KILLED = 4


def find_by_eid(database: Database, project_id: int, eid: str) -> Row | None:
    """Find a run by the UUID that MLflow clients use."""
    return database.one(f"{_PLAIN} runs.project_id = ? AND runs.eid = ?", (project_id, eid.lower()))


def find_by_iid_in_project(database: Database, project_id: int, iid: str) -> Row | None:
    """Find a run by its number in the project, which package routes and web pages use."""
    if not (iid.isascii() and iid.isdigit() and len(iid) <= 18):
        return None
    return database.one(f"{_PLAIN} runs.project_id = ? AND runs.iid = ?", (project_id, int(iid)))


def random_name() -> str:
    """Return a name for a run that was given none."""
    animals = "-".join(random.choice(_ANIMALS) for _ in range(3))  # noqa: S311 - a nickname
    return f"{animals}-{random.randrange(1000, 10_000)}"  # noqa: S311 - a nickname


def create_run(
    database: Database,
    experiment: Row,
    *,
    now: datetime,
    user_id: int | None,
    name: str | None = None,
    start_time: int = 0,
    model_version_id: int | None = None,
) -> int:
    """Insert a run and return its database id."""
    return database.insert(
        "runs",
        {
            "project_id": experiment["project_id"],
            "experiment_id": experiment["id"],
            "iid": internal_ids.allocate(database, experiment["project_id"], "runs"),
            "eid": str(uuid.uuid4()),
            "name": name or random_name(),
            "start_time": start_time,
            "user_id": user_id,
            "model_version_id": model_version_id,
            "created_at": timestamp(now),
            "updated_at": timestamp(now),
        },
    )


def required_run(context: Context, project: Project, run_id: str | None) -> Row:
    """Return a run of the project by its UUID.

    Raises:
        ApiError: 404 RESOURCE_DOES_NOT_EXIST.
    """
    row = find_by_eid(context.database, project.id, run_id or "")
    if row is None:
        raise does_not_exist()
    return row


def artifact_uri(context: Context, row: Row) -> str:
    """Return where a run's artifacts are; it changes with the first upload and with the promotion to a version."""
    project = context.api_url(f"/projects/{row['project_id']}/packages")
    if row["package_type"] == "generic":
        return f"{project}/generic/ml_experiment_{row['experiment_iid']}/{row['iid']}/"
    if row["model_version_id"] is not None:
        return f"{project}/ml_models/{row['model_version_id']}/files/"
    if str(row["package_version"] or "").startswith("candidate_"):
        return f"mlflow-artifacts:/candidate:{row['iid']}"
    return f"{project}/ml_models/candidate:{row['iid']}/files/"


def presented_info(context: Context, row: Row) -> dict[str, Any]:
    """Return a run's `info`."""
    info = {
        "run_id": row["eid"],
        "run_uuid": row["eid"],
        "experiment_id": str(row["experiment_iid"]),
        "start_time": row["start_time"],
        "end_time": row["end_time"],
        "run_name": row["name"],
        "status": Status(row["status"]).name,
        "artifact_uri": artifact_uri(context, row),
        "lifecycle_stage": "active",
        "user_id": "" if row["user_id"] is None else str(row["user_id"]),
    }
    return {name: value for name, value in info.items() if value is not None}


def presented(context: Context, row: Row) -> dict[str, Any]:
    """Return a run with the last value of every metric, its params and its tags."""
    data = {name: orjson.Fragment(row[name]) for name in ("metrics", "params", "tags")}
    return {"info": presented_info(context, row), "data": data}


async def create(context: Context) -> Response:
    """Start a run."""
    project = experiments_project(context)
    user = context.authenticate()
    given = context.declare(
        required("experiment_id", Kind.INTEGER),
        optional("start_time", Kind.INTEGER, default=0),
        optional("user_id"),
        optional("run_name"),
        TAGS,
    )
    experiment = find_by_iid(context.database, project.id, given["experiment_id"])
    if experiment is None:
        raise does_not_exist()
    tags = given.get("tags") or []
    name = given.get("run_name") or next((tag["value"] for tag in tags if tag["key"] == _NAME_TAG), None)
    if len(name or "") > _MAXIMUM_NAME:
        raise check_violation("ml_candidates")
    with context.database.transaction():
        run_id = create_run(
            context.database,
            experiment,
            now=context.now(),
            user_id=user.id,
            name=name,
            start_time=given["start_time"] or 0,
        )
    run = _reread(context, run_id)
    with context.database.transaction():
        add_tags(context, run, tags)
    return context.json({"run": presented(context, _reread(context, run_id))})


def _reread(context: Context, run_id: int) -> Row:
    row = context.database.one(f"{_PLAIN} runs.id = ?", (run_id,))
    if row is None:
        raise does_not_exist()
    return row


async def get(context: Context) -> Response:
    """Show a run."""
    project = experiments_project(context)
    given = context.declare(required("run_id"), optional("run_uuid"))
    return context.json({"run": presented(context, required_run(context, project, given["run_id"]))})


async def search(context: Context) -> Response:
    """List a page of the runs of one experiment; filters and further experiments are ignored."""
    project = experiments_project(context)
    given = context.declare(required("experiment_ids", Kind.TEXTS), *pages("created_at DESC"))
    first = next(iter(given["experiment_ids"] or ()), "")
    experiment = find_by_iid(context.database, project.id, first)
    if experiment is None:
        raise does_not_exist()
    rows, token = page_of(context, _ordered(experiment["id"], given["order_by"] or ""), given)
    return context.json({"runs": [presented(context, row) for row in rows], "next_page_token": token})


def _ordered(experiment_id: int, order_by: str) -> Search:
    """Return the search in the wanted order; what cannot be sorted by silently becomes the time of creation."""
    column, direction = split_order(order_by)
    descending = direction != "asc"
    by_id = Order("id", "runs.id", descending=True)
    if column.startswith("metrics."):
        return _ordered_by_metric(experiment_id, column.split(".")[1], descending=descending)
    if column == "id":
        orders: tuple[Order, ...] = (Order("id", "runs.id", descending),)
    else:
        chosen = column if column == "name" else "created_at"
        orders = (Order(chosen, f"runs.{chosen}", descending), by_id)
    return Search(f"{_PLAIN} runs.experiment_id = ?", (experiment_id,), orders)


def _ordered_by_metric(experiment_id: int, metric: str, *, descending: bool) -> Search:
    """Sort by the last row of a metric, leaving out runs without it; no number counts as the highest."""
    latest = "(SELECT max(id) FROM metrics WHERE metrics.run_id = runs.id AND metrics.name = ?)"
    value = "coalesce(latest.value, 9e999)"
    statement = RUNS.format(columns=f", {value} AS metric_value", joins=f" JOIN metrics latest ON latest.id = {latest}")
    orders = (Order("metric_value", value, descending), Order("id", "runs.id", descending=True))
    return Search(f"{statement} runs.experiment_id = ?", (metric, experiment_id), orders)


async def update(context: Context) -> Response:
    """Change a run's status and end time; other fields are ignored."""
    project = experiments_project(context)
    given = context.declare(
        required("run_id"),
        optional("status", values=tuple(status.name for status in Status)),
        optional("end_time", Kind.INTEGER),
    )
    run = required_run(context, project, given["run_id"])
    changes: dict[str, Any] = {"updated_at": context.timestamp()}
    if given.get("status"):
        changes["status"] = int(Status[given["status"]])
    if given.get("end_time") is not None:
        changes["end_time"] = given["end_time"]
    with context.database.transaction():
        context.database.update("runs", run["id"], changes)
    return context.json({"run_info": presented_info(context, _reread(context, run["id"]))})


async def delete(context: Context) -> Response:
    """Delete a run for good, unless a model version stands on it."""
    project = experiments_project(context)
    given = context.declare(required("run_id"))
    run = required_run(context, project, given["run_id"])
    if run["model_version_id"] is not None:
        raise errors.message(400, "Cannot delete a candidate associated to a model version")
    with context.database.transaction():
        context.database.execute("DELETE FROM runs WHERE id = ?", (run["id"],))
    return context.json({})


ROUTES = [
    mlflow_route("POST", "runs/create", create),
    mlflow_route("GET", "runs/get", get),
    mlflow_route("POST", "runs/search", search),
    mlflow_route("POST", "runs/update", update),
    mlflow_route("POST", "runs/delete", delete),
]
