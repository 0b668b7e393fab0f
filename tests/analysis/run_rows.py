"""Rows of ``runs/search`` for the tests, written from run records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_pages import RunColumnsBuilder
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.runs import Run

TREES = Experiment(ProjectRef(1, "acme/fraud"), 1, "trees")


def row_of(run: Run) -> dict[str, Any]:
    """A run as the server writes it."""
    info: dict[str, Any] = {"run_id": run.id, "run_name": run.name, "status": run.status.value, "user_id": ""}
    info["start_time"] = 0 if run.started_at is None else round(run.started_at.timestamp() * 1000)
    if run.ended_at is not None:
        info["end_time"] = round(run.ended_at.timestamp() * 1000)
    if run.user_id is not None:
        info["user_id"] = str(run.user_id)
    metrics = [{"key": name, "value": value, "timestamp": 1} for name, value in run.metrics.items()]
    return {"info": info, "data": {"metrics": metrics, "params": _pairs(run.params), "tags": _pairs(run.tags)}}


def _pairs(texts: Any) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]


def numbered(runs: Iterable[Run]) -> list[Run]:
    """The runs with ids of their own."""
    return [replace(run, id=f"run-{number}") for number, run in enumerate(runs)]


def columns_of(runs: Iterable[Run], page: int = 1000) -> RunColumns:
    """A table of these runs, read in pages."""
    rows = [row_of(run) for run in runs]
    builder = RunColumnsBuilder()
    for start in range(0, len(rows), page):
        builder.append_page(rows[start : start + page], TREES)
    return builder.build()
