"""Logs a run and registers a version of it with the MLflow client; prints what was made as one line of JSON.

Usage: log_and_register.py FOLDER, where FOLDER holds the artifacts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag


def low_level_run(client: MlflowClient, experiment_id: str) -> str:
    run = client.create_run(experiment_id, run_name="by hand", start_time=1_718_000_000_000, tags={"team": "risk"})
    run_id = run.info.run_id
    client.log_param(run_id, "lr", 0.01)
    for step in range(5):
        client.log_metric(run_id, "loss", 1 / (step + 1), timestamp=1_718_000_000_000 + step, step=step)
    client.log_batch(
        run_id,
        metrics=[Metric("auc", 0.5 + step / 10, 1_718_000_000_000 + step, step) for step in range(3)],
        params=[Param("depth", "7"), Param("optimizer", "adam")],
        tags=[RunTag("reviewed", "no")],
    )
    client.set_tag(run_id, "note", "first")
    client.set_terminated(run_id, "FINISHED", end_time=1_718_000_100_000)
    return str(run_id)


def fluent_run(folder: Path) -> str:
    mlflow.set_experiment("fraud")
    with mlflow.start_run(run_name="fluent") as run:
        mlflow.log_params({"lr": 0.3, "depth": 4})
        mlflow.log_metrics({"auc": 0.875, "loss": 0.25}, step=1)
        mlflow.set_tag("team", "risk")
        mlflow.log_artifact(str(folder / "MLmodel"))
        mlflow.log_artifact(str(folder / "weights.bin"), "data")
        mlflow.log_text("looks good", "report.txt")
    return str(run.info.run_id)


def promoted_run(client: MlflowClient, experiment_id: str, folder: Path) -> str:
    run_id = client.create_run(experiment_id, run_name="to be promoted").info.run_id
    client.log_metric(run_id, "auc", 0.9375)
    client.log_artifacts(run_id, str(folder))
    return str(run_id)


def main() -> None:
    folder = Path(sys.argv[1])
    client = MlflowClient()
    experiment_id = client.create_experiment("fraud", tags={"team": "risk"})
    by_hand = low_level_run(client, experiment_id)
    fluent = fluent_run(folder)
    promoted = promoted_run(client, experiment_id, folder)
    client.create_registered_model("fraud", tags={"team": "risk"}, description="# Fraud")
    version = client.create_model_version(
        "fraud", f"runs:/{promoted}", run_id=promoted, tags={"gitlab.version": "1.2.0"}, description="card"
    )
    own = client.create_model_version("fraud", "ignored")
    client.log_artifact(own.run_id, str(folder / "MLmodel"))
    print(
        json.dumps(
            {
                "experiment_id": experiment_id,
                "by_hand": by_hand,
                "fluent": fluent,
                "promoted": promoted,
                "version": version.version,
                "aliases": list(version.aliases),
                "status": version.status,
                "next_version": own.version,
                "next_aliases": list(own.aliases),
                "next_run": own.run_id,
            }
        )
    )


main()
