"""The metrics of runs: an append-only history and, per run, the last row of each key.

GitLab: lib/api/ml/mlflow/runs.rb, lib/api/ml/mlflow/metrics.rb.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.mlflow import (
    Order,
    Search,
    check_violation,
    experiments_project,
    invalid_parameter,
    mlflow_route,
    page_of,
    pages,
)
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.runs import required_run
from mlops_tui.sandbox.settings import Release
from mlops_tui.sandbox.tags import length_complaints

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

MAXIMUM_NAME = 250
METRIC = (
    required("key"),
    required("value", Kind.FLOAT),
    required("timestamp", Kind.INTEGER),
    optional("step", Kind.INTEGER),
)
# A row without a step sorts last, as in PostgreSQL.
_STEP = "coalesce(step, 9223372036854775807)"


@dataclass(frozen=True, slots=True)
class Metric:
    """One logged value; `timestamp` in milliseconds. JSON has no not-a-number: it is shown as null."""

    key: str
    value: float
    timestamp: int
    step: int | None

    @classmethod
    def from_params(cls, given: Mapping[str, Any]) -> Metric:
        """Read a declared metric."""
        return cls(given["key"], given["value"], given["timestamp"], given.get("step"))

    def presented(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        shown = {"key": self.key, "value": self.value, "timestamp": self.timestamp, "step": self.step}
        if self.step is None:
            del shown["step"]
        return shown


def latest(present: str, added: Iterable[Metric]) -> str:
    """Return the prepared list of the last row of each key, ordered by key."""
    rows = {row["key"]: row for row in orjson.loads(present)}
    for metric in added:
        rows[metric.key] = metric.presented()
    return orjson.dumps([rows[key] for key in sorted(rows)]).decode()


def append(database: Database, run_id: int, metrics: Sequence[Metric]) -> None:
    """Add rows to a run's history."""
    database.connection.executemany(
        "INSERT INTO metrics (run_id, name, value, tracked_at, step) VALUES (?, ?, ?, ?, ?)",
        [(run_id, metric.key, metric.value, metric.timestamp, metric.step) for metric in metrics],
    )
    present = database.value("SELECT metrics FROM runs WHERE id = ?", (run_id,))
    database.update("runs", run_id, {"metrics": latest(present, metrics)})


def storable(given: Mapping[str, Any]) -> bool:
    """Tell whether the database takes a declared metric that no model validated."""
    filled = all(given.get(name) is not None for name in ("key", "value", "timestamp"))
    return filled and len(given["key"]) <= MAXIMUM_NAME


async def log_metric(context: Context) -> Response:
    """Append one value."""
    project = experiments_project(context)
    given = context.declare(required("run_id"), *METRIC)
    run = required_run(context, project, given["run_id"])
    complaints = length_complaints("Name", given["key"], MAXIMUM_NAME)
    if complaints:
        raise invalid_parameter(f"Validation failed: {', '.join(complaints)}")
    if not storable(given):
        raise check_violation("ml_candidate_metrics")
    with context.database.transaction():
        append(context.database, run["id"], [Metric.from_params(given)])
    return context.json({})


async def get_history(context: Context) -> Response:
    """List every row of one metric of a run by step, then time; releases up to 18.9 have no such route."""
    if context.settings.gitlab is Release.V18_9:
        raise errors.unknown_route()
    project = experiments_project(context)
    given = context.declare(required("run_id"), required("metric_key"), *pages("", size=1000))
    run = required_run(context, project, given["run_id"])
    statement = f"SELECT *, {_STEP} AS ordered_step FROM metrics WHERE run_id = ? AND name = ?"  # noqa: S608 - literals
    orders = (
        Order("ordered_step", _STEP, descending=False),
        Order("tracked_at", "tracked_at", descending=False),
        Order("id", "id", descending=False),
    )
    rows, token = page_of(context, Search(statement, (run["id"], given["metric_key"]), orders), given)
    return context.json({"metrics": [_from_row(row).presented() for row in rows], "next_page_token": token})


def _from_row(row: Row) -> Metric:
    value = float("nan") if row["value"] is None else row["value"]
    return Metric(row["name"], value, row["tracked_at"], row["step"])


ROUTES = [
    mlflow_route("POST", "runs/log-metric", log_metric),
    mlflow_route("GET", "metrics/get-history", get_history),
]
