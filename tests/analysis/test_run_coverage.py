"""Which metrics and parameters say most about a set of runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_coverage import telling_metrics, telling_params
from mlops_tui.analysis.run_pages import RunColumnsBuilder
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef


def table(*runs: dict[str, dict[str, Any]]) -> RunColumns:
    builder = RunColumnsBuilder()
    rows = [
        {
            "info": {"run_id": str(number)},
            "data": {
                kind: [{"key": key, "value": value} for key, value in run.get(kind, {}).items()]
                for kind in ("metrics", "params")
            },
        }
        for number, run in enumerate(runs)
    ]
    builder.append_page(rows, Experiment(ProjectRef(1, "acme/fraud"), 1, "fraud", {}))
    return builder.build()


def test_what_most_runs_logged_comes_first() -> None:
    columns = table(
        {"metrics": {"rare": 1.0, "auc": 0.5, "epoch": 3, "zeta": 1.0}},
        {"metrics": {"auc": 0.6, "epoch": 3, "zeta": 2.0}},
    )
    found = telling_metrics(columns, np.array([0, 1], np.int32))
    assert [(item.field.name, item.share) for item in found] == [
        ("auc", 1.0),
        ("zeta", 1.0),
        ("epoch", 1.0),
        ("rare", 0.5),
    ]


def test_only_the_chosen_rows_count() -> None:
    columns = table({"metrics": {"auc": 0.5}}, {"metrics": {"rmse": 2.0}, "params": {"lr": "1"}})
    assert [str(item.field) for item in telling_metrics(columns, np.array([1], np.int32))] == ["metrics.rmse"]
    assert telling_params(columns, np.array([], np.int32)) == ()


def test_parameters_that_never_vary_say_nothing() -> None:
    columns = table({"params": {"lr": "0.1", "seed": "7"}}, {"params": {"lr": "0.2", "seed": "7"}})
    assert [str(item.field) for item in telling_params(columns, np.array([0, 1], np.int32))] == ["params.lr"]
