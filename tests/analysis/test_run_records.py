"""Records made of columns at once are those made one by one."""

from __future__ import annotations

import math
from typing import Any

from mlops_tui.analysis.run_pages import RunColumnsBuilder
from mlops_tui.analysis.run_records import runs_of
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef

EXPERIMENT = Experiment(ProjectRef(7, "acme/fraud"), 3, "fraud", {})
ROWS: list[dict[str, Any]] = [
    {
        "info": {"run_id": "a", "run_name": "one", "status": "FINISHED", "start_time": 1_000, "user_id": "5"},
        "data": {
            "metrics": [{"key": "auc", "value": 0.5}, {"key": "loss", "value": None}],
            "params": [{"key": "lr", "value": "0.1"}],
        },
    },
    {"info": {"run_id": "b", "run_name": "", "status": "running", "user_id": ""}, "data": {}},
    {
        "info": {"run_id": "c", "run_name": "three", "status": "FAILED", "start_time": 9_000, "end_time": 10_000},
        "data": {"metrics": [{"key": "auc", "value": 0.7}], "tags": [{"key": "team", "value": "risk"}]},
    },
]


def test_all_at_once_are_what_they_are_one_by_one() -> None:
    builder = RunColumnsBuilder()
    builder.append_page(ROWS, EXPERIMENT)
    columns = builder.build()
    for rows in ([0, 1, 2], [2, 0], [1], []):
        assert [repr(run) for run in runs_of(columns, rows)] == [repr(columns.row(row).to_run()) for row in rows]
    assert math.isnan(runs_of(columns, [0])[0].metrics["loss"])


def test_a_table_without_metrics_has_records_too() -> None:
    builder = RunColumnsBuilder()
    builder.append_page([ROWS[1]], EXPERIMENT)
    (run,) = runs_of(builder.build(), [0])
    assert (run.id, run.metrics, run.params, run.tags) == ("b", {}, {}, {})
