"""The metrics of runs over the MLflow-compatible API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlops_tui.sandbox.settings import Release
from tests.sandbox.tracking import Tracking

if TYPE_CHECKING:
    from tests.sandbox.factory import SandboxFactory

INVALID = "INVALID_PARAMETER_VALUE"


@pytest.fixture
def api(sandbox: SandboxFactory) -> Tracking:
    return Tracking(sandbox())


def test_a_run_shows_the_row_of_each_metric_that_was_logged_last(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    for value, step, at in ((0.9, 9, 900), (0.5, 1, 100)):
        assert api.post("runs/log-metric", run_id=run_id, key="loss", value=value, timestamp=at, step=step).json() == {}
    api.post("runs/log-metric", run_id=run_id, key="auc", value="0.25", timestamp="7")
    assert api.data(run_id)["metrics"] == [
        {"key": "auc", "value": 0.25, "timestamp": 7},
        {"key": "loss", "value": 0.5, "timestamp": 100, "step": 1},
    ]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "high", True, [1]])
def test_a_value_that_is_no_number_is_refused(api: Tracking, value: Any) -> None:
    answer = api.post("runs/log-metric", run_id=api.run()["run_id"], key="loss", value=value, timestamp=1)
    assert (answer.status_code, answer.json()) == (400, {"error": "value is invalid"})


def test_several_complaints_are_joined(api: Tracking) -> None:
    answer = api.post("runs/log-metric", run_id="x", key="loss")
    assert answer.json() == {"error": "value is missing, timestamp is missing"}


def test_metric_names(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    assert api.post("runs/log-metric", run_id=run_id, key="k" * 250, value=1, timestamp=1).status_code == 200
    refused = api.post("runs/log-metric", run_id=run_id, key="k" * 251, value=1, timestamp=1)
    assert (refused.status_code, refused.json()["error_code"]) == (400, INVALID)


def test_history_is_ordered_by_step_then_time_and_paged(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    rows = [(3, 30), (1, 20), (1, 10), (2, 5), (None, 1)]
    for number, (step, at) in enumerate(rows):
        api.post("runs/log-metric", run_id=run_id, key="loss", value=number, timestamp=at, step=step)
    first = api.get("metrics/get-history", run_id=run_id, metric_key="loss", max_results=3).json()
    rest = api.get("metrics/get-history", run_id=run_id, metric_key="loss", page_token=first["next_page_token"]).json()
    assert rest["next_page_token"] is None
    assert [metric["value"] for metric in first["metrics"] + rest["metrics"]] == [2.0, 1.0, 3.0, 0.0, 4.0]
    assert api.get("metrics/get-history", run_id=run_id, metric_key="none").json()["metrics"] == []
    assert api.get("metrics/get-history", run_id=run_id).json() == {"error": "metric_key is missing"}
    assert api.get("metrics/get-history", run_id="x", metric_key="loss").status_code == 404


def test_history_does_not_exist_before_19(sandbox: SandboxFactory) -> None:
    api = Tracking(sandbox(gitlab=Release.V18_9))
    answer = api.get("metrics/get-history", run_id=api.run()["run_id"], metric_key="loss")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})
