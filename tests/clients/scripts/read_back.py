"""Reads with the MLflow client what another process wrote; prints it as one line of JSON.

Usage: read_back.py MADE TARGET, with what `log_and_register.py` printed and an empty folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient


def run_of(run: Any) -> dict[str, Any]:
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "experiment_id": run.info.experiment_id,
        "artifact_uri": run.info.artifact_uri,
        "metrics": run.data.metrics,
        "params": run.data.params,
        "tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    }


def files_in(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().hex() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def download(target: Path, name: str, **what: str) -> dict[str, str]:
    folder = target / name
    folder.mkdir()
    mlflow.artifacts.download_artifacts(dst_path=str(folder), **what)
    return files_in(folder)


def version_of(version: Any) -> list[Any]:
    aliases = list(version.aliases)
    return [version.version, aliases, version.current_stage, version.description, version.tags]


def main() -> None:
    made, target = json.loads(sys.argv[1]), Path(sys.argv[2])
    client = MlflowClient()
    experiment = client.get_experiment_by_name("fraud")
    found = client.search_runs([made["experiment_id"]], max_results=1)
    rest = client.search_runs([made["experiment_id"]], max_results=1, page_token=found.token)
    version = client.get_model_version("fraud", "1.2.0")
    model = client.get_registered_model("fraud")
    fluent = mlflow.artifacts.list_artifacts(run_id=made["fluent"])
    print(
        json.dumps(
            {
                "experiment": [experiment.experiment_id, experiment.tags],
                "missing_experiment": client.get_experiment_by_name("nobody"),
                "experiments": sorted(item.name for item in client.search_experiments()),
                "by_hand": run_of(client.get_run(made["by_hand"])),
                "fluent": run_of(client.get_run(made["fluent"])),
                "promoted": run_of(client.get_run(made["promoted"])),
                "pages": [[run.info.run_name for run in page] for page in (found, rest)],
                "last_token": rest.token,
                "listed": [[item.path, item.file_size, item.is_dir] for item in fluent],
                "one": download(target, "one", run_id=made["fluent"], artifact_path="report.txt"),
                "run_uri": download(target, "run", artifact_uri=f"runs:/{made['fluent']}/MLmodel"),
                "by_id": download(target, "id", artifact_uri=f"models:/fraud/{made['version']}"),
                "by_alias": download(target, "alias", artifact_uri="models:/fraud@1.2.0"),
                "latest": download(target, "latest", artifact_uri="models:/fraud/latest"),
                "version": [
                    version.version,
                    list(version.aliases),
                    version.current_stage,
                    version.description,
                    version.tags,
                ],
                "by_alias_version": client.get_model_version_by_alias("fraud", "1.2.0").version,
                "latest_versions": [item.version for item in client.get_latest_versions("fraud")],
                "model": [model.name, model.description, model.tags, sorted(v.version for v in model.latest_versions)],
                "renamed_card": client.update_registered_model("fraud", "# New").description,
                "new_card": client.update_model_version("fraud", "1.2.0", "better").description,
            }
        )
    )


main()
