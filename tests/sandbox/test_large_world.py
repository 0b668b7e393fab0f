"""The large world: 100,000 runs in one experiment and 500 versions of a model."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from mlops_tui.sandbox.settings import World
from tests.sandbox.graphql import ask
from tests.sandbox.tracking import Tracking

if TYPE_CHECKING:
    from tests.sandbox.factory import SandboxFactory

PATH = "acme/fraud"


@pytest.fixture
def api(sandbox: SandboxFactory) -> Tracking:
    return Tracking(sandbox(world=World.LARGE), project=PATH)


def sweep(api: Tracking) -> str:
    answer = api.get("experiments/get-by-name", experiment_name="fraud-sweep")
    return str(answer.json()["experiment"]["experiment_id"])


def test_pages_of_a_thousand_follow_one_another_without_a_gap(api: Tracking) -> None:
    experiment, starts = sweep(api), list[int]()
    token: str | None = None
    for _ in range(8):
        page = api.post("runs/search", experiment_ids=[experiment], max_results=5000, page_token=token).json()
        assert len(page["runs"]) == 1000
        starts += [run["info"]["start_time"] for run in page["runs"]]
        token = page["next_page_token"]
    # The runs were started at equal distances, the newest first.
    distances = {before - after for before, after in itertools.pairwise(starts)}
    assert max(distances) - min(distances) <= 1
    total = api.server.call(lambda services: services.database.value("SELECT count(*) FROM runs"))
    assert total == 100_500


def test_a_run_of_the_sweep_is_whole(api: Tracking) -> None:
    (run,) = api.post("runs/search", experiment_ids=[sweep(api)], max_results=1).json()["runs"]
    assert run == api.get("runs/get", run_id=run["info"]["run_id"]).json()["run"]
    assert [metric["key"] for metric in run["data"]["metrics"]] == ["auc", "loss"]
    assert [param["key"] for param in run["data"]["params"]] == ["learning_rate", "max_depth", "optimizer", "seed"]
    history = api.get("metrics/get-history", run_id=run["info"]["run_id"], metric_key="auc").json()["metrics"]
    assert history == run["data"]["metrics"][:1]


def test_sorting_by_a_metric(api: Tracking) -> None:
    page = api.post("runs/search", experiment_ids=[sweep(api)], max_results=3, order_by="metrics.auc DESC").json()
    scores = [run["data"]["metrics"][0]["value"] for run in page["runs"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.95


def test_five_hundred_versions(api: Tracking) -> None:
    model = api.get("registered-models/get", name="fraud").json()["registered_model"]
    assert len(model["latest_versions"]) == 500
    latest = api.post("registered-models/get-latest-versions", name="fraud").json()["model_versions"][0]
    assert latest["aliases"] == ["5.9.9"]
    query = f"""{{ project(fullPath: "{PATH}") {{ mlModels {{ nodes {{ versionCount latestVersion {{ version }}
        versions(first: 100) {{ count nodes {{ version }} pageInfo {{ endCursor }} }} }} }} }} }}"""
    (node,) = ask(api.server, query)["project"]["mlModels"]["nodes"]
    assert (node["versionCount"], node["versions"]["count"]) == (500, 500)
    assert node["versions"]["nodes"][0]["version"] == node["latestVersion"]["version"] == "5.9.9"
