"""The history of a run's metric: its own route on newer servers, GraphQL on older ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import NotFoundError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.runs import MetricHistory, MetricPoint, Run
from mlops_tui.gitlab.experiments import mlflow
from mlops_tui.gitlab.payloads import Payload, moment_of, read_all
from mlops_tui.gitlab.runs import experiment_global_id
from mlops_tui.gitlab.transport import Transport

_PAGES_OF_CANDIDATES = 50
_FIND = """
query($experiment: MlExperimentID!, $after: String) {
  mlExperiment(id: $experiment) {
    candidates(first: 100, after: $after) { pageInfo { hasNextPage endCursor } edges { cursor node { eid } } }
  }
}
"""
_HISTORY = """
query($experiment: MlExperimentID!, $before: String, $after: String) {
  mlExperiment(id: $experiment) {
    candidates(first: 1, after: $before) {
      nodes { eid metrics(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { name step value } } }
    }
  }
}
"""


class _Point(Payload):
    key: str = ""
    name: str = ""
    value: float | None = None
    step: int | None = None
    timestamp: int | None = None


async def metric_history(transport: Transport, run: Run, metric: str) -> MetricHistory:
    """Every logged value of one metric, in step order.

    Servers up to 18.9 have no route for it; there the rows come from GraphQL, without time stamps, and when the run
    cannot be found within the first 5,000 of its experiment only the latest value is left and the history says so.
    """
    try:
        points = await _from_route(transport, run.project, run.id, metric)
    except NotFoundError:
        rows = await _from_graphql(transport, run)
        if rows is None:
            return _latest_only(run, metric)
        points = read_all(_Point, [row for row in rows if row.get("name") == metric], "the metric's history")
    return MetricHistory(run.id, metric, tuple(sorted(map(_record, points), key=lambda point: point.step)))


def log_metrics_call(project: ProjectRef, run_id: str, values: Mapping[str, float], step: int, at: datetime) -> ApiCall:
    """Log a value of each metric at one step and moment.

    Values are appended: the same call twice leaves each value there twice. One request logs all or nothing
    (GitLab: lib/api/ml/mlflow/runs.rb), and no token of a CI job may send it.
    """
    milliseconds = round(at.timestamp() * 1000)
    rows: list[JsonValue] = [
        {"key": name, "value": value, "timestamp": milliseconds, "step": step} for name, value in values.items()
    ]
    body: dict[str, JsonValue] = {"run_id": run_id, "metrics": rows}
    purpose = f"log {len(rows)} metrics with the run of the version"
    return ApiCall(Method.POST, mlflow(project, "runs/log-batch"), body, purpose)


async def _from_route(transport: Transport, project: ProjectRef, run_id: str, metric: str) -> list[_Point]:
    points: list[_Point] = []
    params = {"run_id": run_id, "metric_key": metric, "max_results": "1000"}
    while True:
        answer = (await transport.get(mlflow(project, "metrics/get-history"), params=params)).json()
        points += read_all(_Point, answer.get("metrics", []), "the metric's history")
        token = answer.get("next_page_token")
        if not token:
            return points
        params = {**params, "page_token": str(token)}


async def _from_graphql(transport: Transport, run: Run) -> list[dict[str, Any]] | None:
    experiment = await experiment_global_id(transport, run.project, run.experiment_iid)
    found = await _cursor_before(transport, experiment, run.id)
    if found is None:
        return None
    rows: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        variables = {"experiment": experiment, "before": found or None, "after": after}
        data = await transport.graphql(_HISTORY, variables)
        nodes = data["mlExperiment"]["candidates"]["nodes"]
        if not nodes or nodes[0]["eid"] != run.id:
            return None
        rows += nodes[0]["metrics"]["nodes"]
        page = nodes[0]["metrics"]["pageInfo"]
        if not page["hasNextPage"]:
            return rows
        after = page["endCursor"]


async def _cursor_before(transport: Transport, experiment: str, run_id: str) -> str | None:
    """The cursor just before a run, "" when it is the first; None when it is too far down."""
    after: str | None = None
    previous = ""
    for _ in range(_PAGES_OF_CANDIDATES):
        data = await transport.graphql(_FIND, {"experiment": experiment, "after": after})
        candidates = (data.get("mlExperiment") or {}).get("candidates") or {}
        for edge in candidates.get("edges") or []:
            if edge["node"]["eid"] == run_id:
                return previous
            previous = edge["cursor"]
        page = candidates.get("pageInfo") or {}
        if not page.get("hasNextPage"):
            return None
        after = page["endCursor"]
    return None


def _record(point: _Point) -> MetricPoint:
    value = float("nan") if point.value is None else point.value
    return MetricPoint(point.step or 0, value, moment_of(point.timestamp))


def _latest_only(run: Run, metric: str) -> MetricHistory:
    value = run.metrics.get(metric)
    points = () if value is None else (MetricPoint(0, value, None),)
    return MetricHistory(run.id, metric, points, is_complete=False)
