"""Runs as GitLab's MLflow-compatible API tells them, and as GraphQL does for tokens that may only read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Mapping
from typing import Any

from mlops_tui.domain.errors import NotFoundError
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.runs import Run, RunStatus
from mlops_tui.gitlab.experiments import mlflow
from mlops_tui.gitlab.payloads import Block, Name, Payload, moment_of, read
from mlops_tui.gitlab.transport import Transport

PAGE_SIZE = 1000
RunRow = dict[str, Any]
"""A run as ``runs/search`` answers it: ``{"info": {...}, "data": {"metrics": [], "params": [], "tags": []}}``."""

_CANDIDATES = """
query($experiment: MlExperimentID!, $after: String) {
  mlExperiment(id: $experiment) {
    candidates(first: 20, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        iid eid name status createdAt
        params { nodes { name value } }
        metrics { pageInfo { hasNextPage } nodes { name step value } }
        metadata { nodes { name value } }
      }
    }
  }
}
"""
_EXPERIMENTS = """
query($project: ID!, $after: String) {
  project(fullPath: $project) {
    mlExperiments(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { id path } }
  }
}
"""


class _Pair(Payload):
    key: Name
    value: Block


class _Metric(Payload):
    key: Name
    value: float | None = None


class _Data(Payload):
    metrics: tuple[_Metric, ...] = ()
    params: tuple[_Pair, ...] = ()
    tags: tuple[_Pair, ...] = ()


class _Info(Payload):
    run_id: Name
    experiment_id: int
    run_name: Name = ""
    status: Name = ""
    start_time: int | None = None
    end_time: int | None = None
    user_id: str = ""
    artifact_uri: str = ""


class _Run(Payload):
    info: _Info
    data: _Data = _Data()


async def run_pages(
    transport: Transport, experiment: Experiment, page_size: int = PAGE_SIZE
) -> AsyncIterator[list[RunRow]]:
    """The rows of an experiment, newest first, a page at a time, not yet cleaned.

    The search is a POST, so it needs the scope ``api`` and the role Developer; a token with less gets a NotAllowedError
    and can read ``candidate_pages``.
    """
    body = {"experiment_ids": [str(experiment.iid)], "max_results": page_size, "order_by": "created_at DESC"}
    async for answer in transport.token_pages(mlflow(experiment.project, "runs/search"), body):
        yield answer.get("runs", [])


async def get_run(transport: Transport, project: ProjectRef, run_id: str) -> Run:
    """One run by its UUID; NotFoundError when the project has none of that id."""
    return run_of(await run_row(transport, project, run_id), project)


async def run_row(transport: Transport, project: ProjectRef, run_id: str) -> RunRow:
    """One run as a raw row, for a table of columns."""
    answer = await transport.get(mlflow(project, "runs/get"), params={"run_id": run_id}, what=f"read the run {run_id}")
    return dict(answer.json().get("run") or {})


def run_of(row: object, project: ProjectRef, experiment: str = "") -> Run:
    """Read one row; raises UnreadableAnswerError when it has another shape."""
    payload = read(_Run, row, "the run")
    info = payload.info
    return Run(
        id=info.run_id,
        project=project,
        experiment_iid=info.experiment_id,
        experiment=experiment,
        name=info.run_name,
        status=RunStatus.parse(info.status),
        started_at=moment_of(info.start_time),
        ended_at=moment_of(info.end_time),
        user_id=int(info.user_id) if info.user_id.isdecimal() else None,
        metrics={metric.key: float("nan") if metric.value is None else metric.value for metric in payload.data.metrics},
        params={pair.key: pair.value for pair in payload.data.params},
        tags={pair.key: pair.value for pair in payload.data.tags},
        iid=candidate_iid(info.artifact_uri),
    )


def candidate_iid(artifact_uri: str) -> int | None:
    """GitLab's own number of a run, which only its artifact address tells ("...candidate:5/files/")."""
    _, found, rest = artifact_uri.partition("candidate:")
    number = rest.split("/", 1)[0]
    return int(number) if found and number.isdecimal() else None


async def candidate_pages(
    transport: Transport, experiment: Experiment, settled: Container[str] = ()
) -> AsyncIterator[list[RunRow]]:
    """The same rows for a token that may only read: a list by GraphQL, 20 a request, without start and end.

    GraphQL lists every value that was ever logged, at most a hundred of a run; a run with more is read by itself, for
    its latest values. Those of ``settled`` (run ids) are left out where that would be needed.
    """
    global_id = await experiment_global_id(transport, experiment.project, experiment.iid)
    after: str | None = None
    while True:
        data = await transport.graphql(_CANDIDATES, {"experiment": global_id, "after": after})
        candidates = (data.get("mlExperiment") or {}).get("candidates") or {}
        nodes = [node for node in candidates.get("nodes") or [] if _is_whole(node) or node.get("eid") not in settled]
        yield list(await asyncio.gather(*(_row_of(transport, experiment, node) for node in nodes)))
        page = candidates.get("pageInfo") or {}
        if not page.get("hasNextPage"):
            return
        after = page.get("endCursor")


async def experiment_global_id(transport: Transport, project: ProjectRef, iid: int) -> str:
    """The GraphQL id of an experiment; its iid stands only at the end of its path (GitLab: ml/experiment_type.rb)."""
    after: str | None = None
    while True:
        data = await transport.graphql(_EXPERIMENTS, {"project": project.path, "after": after})
        connection = (data.get("project") or {}).get("mlExperiments") or {}
        for node in connection.get("nodes") or []:
            if str(node.get("path", "")).rsplit("/", 1)[-1] == str(iid):
                return str(node["id"])
        page = connection.get("pageInfo") or {}
        if not page.get("hasNextPage"):
            raise NotFoundError(f"Experiment {iid} was not found in {project.path}", remedy="It may have been deleted")
        after = page.get("endCursor")


async def _row_of(transport: Transport, experiment: Experiment, node: Mapping[str, Any]) -> RunRow:
    if _is_whole(node):
        return _row_of_candidate(node, experiment.iid)
    return await run_row(transport, experiment.project, str(node.get("eid")))


def _is_whole(node: Mapping[str, Any]) -> bool:
    """Whether every logged value of a run came along, so that the latest ones are among them."""
    return not ((node.get("metrics") or {}).get("pageInfo") or {}).get("hasNextPage")


def _row_of_candidate(node: Mapping[str, Any], experiment_iid: int) -> RunRow:
    return {
        "info": {
            "run_id": node.get("eid"),
            "experiment_id": str(experiment_iid),
            "run_name": node.get("name"),
            "status": str(node.get("status", "")).upper(),
            "artifact_uri": f"candidate:{node.get('iid')}",
        },
        "data": {
            "metrics": _latest(_nodes(node, "metrics")),
            "params": [{"key": item["name"], "value": item["value"]} for item in _nodes(node, "params")],
            "tags": [{"key": item["name"], "value": item["value"]} for item in _nodes(node, "metadata")],
        },
    }


def _latest(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One value for each name: that of the highest step, since GraphQL does not promise the order of logging."""
    ordered = sorted(rows, key=lambda row: row.get("step") or 0)
    return [{"key": name, "value": value} for name, value in {row["name"]: row["value"] for row in ordered}.items()]


def _nodes(node: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return (node.get(name) or {}).get("nodes") or []
