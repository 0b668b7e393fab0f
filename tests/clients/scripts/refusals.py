"""Tries with the MLflow client what GitLab refuses or lacks; prints how each call ended as one line of JSON.

Usage: refusals.py MADE FILE, with what `log_and_register.py` printed and a file to upload.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow import MlflowClient

if TYPE_CHECKING:
    from collections.abc import Callable


def outcome(call: Callable[[], Any]) -> list[str | None]:
    try:
        value = call()
    except Exception as error:  # noqa: BLE001 - any failure is the answer
        return [type(error).__name__, getattr(error, "error_code", None), str(error)]
    return ["returned", None, repr(value)]


def main() -> None:
    made, file = json.loads(sys.argv[1]), sys.argv[2]
    client = MlflowClient()
    run_id, experiment_id = made["by_hand"], made["experiment_id"]
    calls = {
        "duplicate experiment": lambda: client.create_experiment("fraud"),
        "unknown experiment": lambda: client.get_experiment("987654"),
        "unknown run": lambda: client.get_run("0" * 32),
        "restored run": lambda: client.restore_run(run_id),
        "renamed experiment": lambda: client.rename_experiment(experiment_id, "other"),
        "deleted tag": lambda: client.delete_tag(run_id, "team"),
        "param again": lambda: client.log_param(run_id, "lr", 0.02),
        "tag again": lambda: client.set_tag(run_id, "team", "sales"),
        "not a number": lambda: client.log_metric(run_id, "loss", float("nan")),
        "ordered runs": lambda: client.search_runs([experiment_id], order_by=["metrics.auc DESC"]),
        "models": lambda: client.search_registered_models("name='fraud'"),
        "history": lambda: [(m.step, m.value) for m in client.get_metric_history(run_id, "loss")],
        "versions": lambda: client.search_model_versions("name='fraud'"),
        "version by id": lambda: client.get_model_version("fraud", made["version"]),
        "version tag": lambda: client.set_model_version_tag("fraud", "1.2.0", "stage", "canary"),
        "stage": lambda: client.transition_model_version_stage("fraud", "1.2.0", "Production"),
        "deleted version": lambda: client.delete_model_version("fraud", "1.2.0"),
        "alias": lambda: client.set_registered_model_alias("fraud", "champion", "1.2.0"),
        "renamed model": lambda: client.rename_registered_model("fraud", "other"),
        "duplicate model": lambda: client.create_registered_model("fraud"),
        "duplicate version": lambda: client.create_model_version("fraud", "x", tags={"gitlab.version": "1.2.0"}),
        "promoted twice": lambda: client.create_model_version("fraud", "x", run_id=made["promoted"]),
        "list of a version's run": lambda: mlflow.artifacts.list_artifacts(run_id=made["promoted"]),
        "second upload": lambda: client.log_artifact(made["fluent"], file),
        "run of a version": lambda: client.delete_run(made["promoted"]),
        "experiment of a model": lambda: client.delete_experiment(
            client.get_experiment_by_name("[model]fraud").experiment_id
        ),
        "deleted run": lambda: client.delete_run(run_id),
        "deleted model": lambda: client.delete_registered_model("fraud"),
        "deleted experiment": lambda: client.delete_experiment(experiment_id),
    }
    print(json.dumps({name: outcome(call) for name, call in calls.items()}))


main()
