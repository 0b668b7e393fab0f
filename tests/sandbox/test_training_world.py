"""The demo world's runs, models and artifacts."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.database import Database
from mlops_tui.sandbox.settings import World
from mlops_tui.sandbox.world import people, training
from tests.sandbox.factory import client
from tests.sandbox.tracking import Tracking

if TYPE_CHECKING:
    from pathlib import Path

    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

PROJECTS = ("fraud", "churn", "demand")


@pytest.fixture
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(world=World.DEMO)


def runs_of(api: Tracking) -> list[dict[str, Any]]:
    """Return every run of a project, those of its versions included."""
    found: list[dict[str, Any]] = []
    for experiment in api.get("experiments/list").json()["experiments"]:
        answer = api.post("runs/search", experiment_ids=[experiment["experiment_id"]], max_results=1000).json()
        assert answer["next_page_token"] is None
        found += answer["runs"]
    return found


def projects(server: RunningSandbox) -> list[Tracking]:
    return [Tracking(server, project=f"acme/{name}") for name in PROJECTS]


def test_some_120_runs_most_of_which_went_well(server: RunningSandbox) -> None:
    statuses = Counter(run["info"]["status"] for api in projects(server) for run in runs_of(api))
    assert statuses.total() == 120
    assert {name: statuses[name] for name in ("RUNNING", "FAILED", "KILLED")} == {
        "RUNNING": 1,
        "FAILED": 1,
        "KILLED": 1,
    }


def test_losses_fall_and_scores_rise(server: RunningSandbox) -> None:
    for api in projects(server):
        for run in runs_of(api)[:5]:
            if run["info"]["status"] != "FINISHED" or any(row["value"] is None for row in run["data"]["metrics"]):
                continue
            run_id = run["info"]["run_id"]
            history = api.get("metrics/get-history", run_id=run_id, metric_key="train_loss").json()["metrics"]
            assert [row["step"] for row in history] == list(range(len(history)))
            assert history[-1]["value"] < 0.7 * history[0]["value"]
            start, end = run["info"]["start_time"], run["info"]["end_time"]
            assert all(start < row["timestamp"] < end for row in history)


def test_one_run_diverged_to_not_a_number(server: RunningSandbox) -> None:
    api = Tracking(server, project="acme/fraud")
    lost = [run for run in runs_of(api) if any(row["value"] is None for row in run["data"]["metrics"])]
    assert len(lost) == 1
    run_id = lost[0]["info"]["run_id"]
    values = [
        row["value"] for row in api.get("metrics/get-history", run_id=run_id, metric_key="train_loss").json()["metrics"]
    ]
    numbers = [value for value in values if value is not None]
    assert numbers == values[: len(numbers)]
    assert max(numbers) > 100 * numbers[0]


def test_versions_are_made_of_runs_and_bring_their_artifacts(server: RunningSandbox) -> None:
    for api, name in zip(projects(server), PROJECTS, strict=True):
        model = api.get("registered-models/get", name=name).json()["registered_model"]
        assert f"# {name.capitalize()}" in model["description"]
        assert len(model["latest_versions"]) >= 4
        for version in model["latest_versions"]:
            metrics = {row["key"]: row["value"] for row in api.data(version["run_id"])["metrics"]}
            files = {file["path"] for file in api.artifacts(path=version["version"]).json()["files"]}
            assert {"MLmodel", "conda.yaml", "model.npz", "metrics.json", "reports%2Fevaluation.txt"} <= files
            stored = json.loads(api.artifact(f"{version['version']}/metrics.json").content)
            assert stored == metrics
            archive = np.load(io.BytesIO(api.artifact(f"{version['version']}/model.npz").content))
            assert all(math.isfinite(value) for value in archive["weights"].ravel())
            assert f"# {name} {version['aliases'][0]}" in version["description"]


def test_versions_were_made_in_the_order_of_their_numbers(server: RunningSandbox) -> None:
    for api, name in zip(projects(server), PROJECTS, strict=True):
        versions = api.get("registered-models/get", name=name).json()["registered_model"]["latest_versions"]
        times = [version["creation_timestamp"] for version in versions]
        assert times == sorted(times)
    fraud = Tracking(server, project="acme/fraud").get("registered-models/get", name="fraud").json()
    assert "2.0.0-rc.1" in [version["aliases"][0] for version in fraud["registered_model"]["latest_versions"]]


def test_runs_name_commits_that_exist_and_jobs_that_agree(server: RunningSandbox) -> None:
    linked = 0
    for api in projects(server):
        for run in runs_of(api)[::4]:
            tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
            sha = tags["mlflow.source.git.commit"]
            base = f"/projects/{api.project_id}"
            assert client(server).get(f"{base}/repository/commits/{sha}").status_code == 200
            if "gitlab.CI_JOB_ID" in tags:
                linked += 1
                job = client(server).get(f"{base}/jobs/{tags['gitlab.CI_JOB_ID']}").json()
                assert job["commit"]["id"] == sha
    assert linked > 10


def test_the_same_seed_makes_the_same_training(tmp_path: Path) -> None:
    made = []
    for place, seed in enumerate((1, 1, 2)):
        database, clock = Database(tmp_path / str(place)), ManualClock()
        with database.transaction():
            people.build(World.DEMO, database, clock, Random("people"))
            training.build(World.DEMO, database, clock, Random(seed))
        made.append(
            [
                [tuple(row) for row in database.all(f"SELECT * FROM {table} ORDER BY id")]
                for table in ("experiments", "runs", "metrics", "models", "model_versions", "packages")
            ]
        )
        database.close()
    assert made[0] == made[1]
    assert made[0] != made[2]
