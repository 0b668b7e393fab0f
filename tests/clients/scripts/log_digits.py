"""Logs the metrics, parameters and tags given as JSON with the MLflow client; prints the run's id.

Usage: log_digits.py '{"metrics": {NAME: [VALUE, ...]}, "params": {...}, "tags": {...}}'
"""

from __future__ import annotations

import json
import sys

import mlflow


def main() -> None:
    wanted = json.loads(sys.argv[1])
    mlflow.set_experiment("digits")
    with mlflow.start_run(run_name="to the digit") as run:
        mlflow.log_params(wanted["params"])
        mlflow.set_tags(wanted["tags"])
        for name, values in wanted["metrics"].items():
            for step, value in enumerate(values):
                mlflow.log_metric(name, value, step=step)
    print(json.dumps(run.info.run_id))


if __name__ == "__main__":
    main()
