"""What is logged to a run once: params and tags, one by one or in batches together with metrics.

GitLab: lib/api/ml/mlflow/runs.rb, app/services/ml/experiment_tracking/candidate_repository.rb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox.metrics import METRIC, Metric, append, storable
from mlops_tui.sandbox.mlflow import check_violation, experiments_project, invalid_parameter, mlflow_route
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.run_tags import add_tags, link_job
from mlops_tui.sandbox.runs import required_run
from mlops_tui.sandbox.tags import duplicate_name, length_complaints, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

MAXIMUM_LENGTH = 250
_PARAM = (required("key"), required("value"))


async def log_parameter(context: Context) -> Response:
    """Set a param that the run does not have yet."""
    project = experiments_project(context)
    given = context.declare(required("run_id"), *_PARAM)
    run = required_run(context, project, given["run_id"])
    param = {"key": given["key"], "value": given["value"]}
    params = orjson.loads(run["params"])
    complaints = [
        *length_complaints("Name", param["key"], MAXIMUM_LENGTH),
        *length_complaints("Value", param["value"], MAXIMUM_LENGTH),
    ]
    if any(present["key"] == param["key"] for present in params):
        complaints.append("Name has already been taken")
    if complaints:
        raise invalid_parameter(f"Validation failed: {', '.join(complaints)}")
    with context.database.transaction():
        context.database.update("runs", run["id"], {"params": orjson.dumps([*params, param]).decode()})
    return context.json({})


async def set_tag(context: Context) -> Response:
    """Set a tag that the run does not have yet."""
    project = experiments_project(context)
    given = context.declare(required("run_id"), required("key"), required("value"))
    run = required_run(context, project, given["run_id"])
    tag = {"key": given["key"], "value": given["value"]}
    with context.database.transaction():
        # The job is linked even when the tag itself is refused.
        link_job(context.database, run["id"], [tag])
    complaints = [*length_complaints("Name", given["key"], 250), *length_complaints("Value", given["value"], 5000)]
    tags = orjson.loads(run["tags"])
    if any(present["key"] == tag["key"] for present in tags):
        complaints.append(duplicate_name(tag["key"]))
    if complaints:
        raise invalid_parameter(f"Validation failed: {', '.join(complaints)}")
    with context.database.transaction():
        context.database.update("runs", run["id"], {"tags": orjson.dumps([*tags, tag]).decode()})
    return context.json({})


async def log_batch(context: Context) -> Response:
    """Store metrics, params and tags, in this order and each list as a whole; duplicates are left out silently."""
    project = experiments_project(context)
    given = context.declare(
        required("run_id"),
        optional("metrics", Kind.HASHES, children=METRIC),
        optional("params", Kind.HASHES, children=_PARAM),
    )
    run = required_run(context, project, given["run_id"])
    with context.database.transaction():
        _add_metrics(context, run, given.get("metrics") or [])
    with context.database.transaction():
        _add_params(context, run, given.get("params") or [])
    with context.database.transaction():
        add_tags(context, run, context.params.get("tags"))
    return context.json({})


def _add_metrics(context: Context, run: Row, given: Sequence[dict[str, Any]]) -> None:
    if not all(map(storable, given)):
        raise check_violation("ml_candidate_metrics")
    if given:
        append(context.database, run["id"], [Metric.from_params(metric) for metric in given])


def _add_params(context: Context, run: Row, given: Sequence[dict[str, Any]]) -> None:
    if not given:
        return
    params = merged(orjson.loads(run["params"]), given, maximum_name=MAXIMUM_LENGTH, maximum_value=MAXIMUM_LENGTH)
    if params is None:
        raise check_violation("ml_candidate_params")
    context.database.update("runs", run["id"], {"params": orjson.dumps(params).decode()})


ROUTES = [
    mlflow_route("POST", "runs/log-parameter", log_parameter),
    mlflow_route("POST", "runs/set-tag", set_tag),
    mlflow_route("POST", "runs/log-batch", log_batch),
]
