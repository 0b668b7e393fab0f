"""Runs, their metrics, params and tags over the MLflow-compatible API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.tracking import Tracking, unique

if TYPE_CHECKING:
    from mlops_tui.sandbox.request import Services
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
INVALID = "INVALID_PARAMETER_VALUE"


@pytest.fixture
def api(sandbox: SandboxFactory) -> Tracking:
    return Tracking(sandbox())


def make_job(server: RunningSandbox) -> int:
    """Insert a finished CI job and return its id."""

    def insert(services: Services) -> int:
        database, now = services.database, "2026-01-02T03:04:05.000Z"
        project = database.value("SELECT min(id) FROM projects")
        pipeline = database.insert(
            "ci_pipelines",
            {
                "iid": database.value("SELECT coalesce(max(iid), 0) + 1 FROM ci_pipelines"),
                "project_id": project,
                "user_id": 2,
                "ref": "main",
                "sha": "a" * 40,
                "source": "push",
                "status": "success",
                "created_at": now,
                "updated_at": now,
            },
        )
        return database.insert(
            "ci_jobs",
            {
                "project_id": project,
                "pipeline_id": pipeline,
                "user_id": 2,
                "name": "train",
                "stage": "train",
                "stage_index": 0,
                "status": "success",
                "created_at": now,
            },
        )

    return server.call(insert)


def test_a_fresh_run(api: Tracking) -> None:
    experiment = api.experiment()
    info = api.run(experiment, start_time=1_718_000_000_000, tags=[{"key": "mlflow.runName", "value": "train-42"}])
    assert UUID.fullmatch(info["run_id"])
    assert info == {
        "run_id": info["run_id"],
        "run_uuid": info["run_id"],
        "experiment_id": experiment,
        "start_time": 1_718_000_000_000,
        "run_name": "train-42",
        "status": "RUNNING",
        "artifact_uri": info["artifact_uri"],
        "lifecycle_stage": "active",
        "user_id": "2",
    }
    base = f"{api.server.url}/api/v4/projects/{api.project_id}/packages/ml_models/candidate:"
    assert re.fullmatch(re.escape(base) + r"\d+/files/", info["artifact_uri"])


def test_a_run_without_a_name_gets_one_and_its_own_name_wins(api: Tracking) -> None:
    assert re.fullmatch(r"[a-z]+-[a-z]+-[a-z]+-\d{4}", api.run()["run_name"])
    named = api.run(run_name="mine", tags=[{"key": "mlflow.runName", "value": "other"}])
    assert named["run_name"] == "mine"


def test_a_run_needs_an_experiment(api: Tracking) -> None:
    assert api.post("runs/create", experiment_id="987654").status_code == 404
    assert api.post("runs/create").json() == {"error": "experiment_id is missing"}
    assert api.post("runs/create", experiment_id="x").json() == {"error": "experiment_id is invalid"}
    unknown = api.get("runs/get", run_id="00000000-0000-4000-8000-000000000000")
    assert (unknown.status_code, unknown.json()) == (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})
    assert api.get("runs/get").json() == {"error": "run_id is missing"}


def test_update_follows_no_rules_of_transition(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    finished = api.post("runs/update", run_id=run_id, status="FINISHED", end_time=5, run_name="ignored").json()
    assert finished["run_info"]["status"] == "FINISHED"
    assert finished["run_info"]["end_time"] == 5
    assert finished["run_info"]["run_name"] != "ignored"
    assert api.post("runs/update", run_id=run_id, status="SCHEDULED").json()["run_info"]["status"] == "SCHEDULED"
    refused = api.post("runs/update", run_id=run_id, status="finished")
    assert (refused.status_code, refused.json()) == (400, {"error": "status does not have a valid value"})


def test_params_and_tags_are_written_once(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    assert api.post("runs/log-parameter", run_id=run_id, key="lr", value="0.1").json() == {}
    param = api.post("runs/log-parameter", run_id=run_id, key="lr", value="0.2")
    assert param.status_code == 400
    assert param.json() == {"error_code": INVALID, "message": "Validation failed: Name has already been taken"}
    assert api.post("runs/set-tag", run_id=run_id, key="team", value="risk").json() == {}
    tag = api.post("runs/set-tag", run_id=run_id, key="team", value="sales")
    assert tag.status_code == 400
    assert tag.json() == {"error_code": INVALID, "message": "Validation failed: Name 'team' already taken"}
    too_long = api.post("runs/log-parameter", run_id=run_id, key="p", value="v" * 251)
    assert too_long.json()["error_code"] == INVALID
    data = api.data(run_id)
    assert data["params"] == [{"key": "lr", "value": "0.1"}]
    assert data["tags"] == [{"key": "team", "value": "risk"}]


def test_a_batch_leaves_out_what_is_there_already(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    api.post("runs/log-parameter", run_id=run_id, key="lr", value="0.1")
    answer = api.post(
        "runs/log-batch",
        run_id=run_id,
        metrics=[{"key": "loss", "value": 2.0 - step, "timestamp": step, "step": step} for step in range(3)],
        params=[{"key": "lr", "value": "9"}, {"key": "depth", "value": "3"}, {"key": "depth", "value": "4"}],
        tags=[{"key": "team", "value": "risk"}, {"key": "team", "value": "sales"}],
    )
    assert (answer.status_code, answer.json()) == (200, {})
    assert api.data(run_id) == {
        "metrics": [{"key": "loss", "value": 0.0, "timestamp": 2, "step": 2}],
        "params": [{"key": "lr", "value": "0.1"}, {"key": "depth", "value": "3"}],
        "tags": [{"key": "team", "value": "risk"}],
    }


def test_a_malformed_element_refuses_the_whole_batch(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    answer = api.post(
        "runs/log-batch", run_id=run_id, params=[{"key": "a", "value": "1"}], metrics=[{"key": "m", "value": "x"}]
    )
    assert answer.status_code == 400
    assert answer.json() == {"error": "metrics[0][value] is invalid, metrics[0][timestamp] is missing"}
    assert api.data(run_id) == {"metrics": [], "params": [], "tags": []}


def test_what_only_the_database_refuses_stores_nothing_of_its_list(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    answer = api.post(
        "runs/log-batch",
        run_id=run_id,
        metrics=[{"key": "loss", "value": 1, "timestamp": 1}],
        params=[{"key": "a", "value": "1"}, {"key": "b", "value": "v" * 251}],
    )
    assert answer.status_code == 400
    assert answer.json()["error_code"] == INVALID
    data = api.data(run_id)
    assert [metric["key"] for metric in data["metrics"]] == ["loss"]
    assert data["params"] == []


def test_search_takes_the_first_experiment_and_pages(api: Tracking) -> None:
    experiment, other = api.experiment(), api.experiment()
    made = [api.run(experiment, run_name=f"run {number}")["run_id"] for number in range(5)]
    api.run(other)
    seen: list[str] = []
    token = None
    for _ in range(3):
        page = api.post(
            "runs/search",
            experiment_ids=[experiment, other],
            max_results=2,
            order_by="created_at ASC",
            filter="metrics.x > 1",
            run_view_type="DELETED_ONLY",
            **({"page_token": token} if token else {}),
        ).json()
        seen += [run["info"]["run_name"] for run in page["runs"]]
        token = page["next_page_token"]
    assert token is None
    assert sorted(seen) == [f"run {number}" for number in range(5)]
    assert len(made) == 5
    for unknown in ([], ["98765"]):
        assert api.post("runs/search", experiment_ids=unknown).status_code == 404
    assert api.post("runs/search").json() == {"error": "experiment_ids is missing"}


def test_search_by_metric_drops_runs_without_it(api: Tracking) -> None:
    experiment = api.experiment()
    values = {"a": 0.5, "b": 0.9, "c": 0.1, "d": None, "e": 0.5}
    for name, value in values.items():
        run_id = api.run(experiment, run_name=name)["run_id"]
        if value is not None:
            api.post("runs/log-metric", run_id=run_id, key="auc", value=5.0, timestamp=1)
            api.post("runs/log-metric", run_id=run_id, key="auc", value=value, timestamp=1)

    def names(order_by: str, size: int = 200) -> list[str]:
        found, token = [], None
        while True:
            options: dict[str, Any] = {"order_by": order_by, "max_results": size, "page_token": token}
            page = api.post("runs/search", experiment_ids=[experiment], **options).json()
            found += [run["info"]["run_name"] for run in page["runs"]]
            token = page["next_page_token"]
            if token is None:
                return found

    assert names("metrics.auc") == ["b", "e", "a", "c"]
    assert names("metrics.auc asc", size=1) == ["c", "e", "a", "b"]
    assert names("name DESC", size=2) == ["e", "d", "c", "b", "a"]
    assert sorted(names("params.lr ASC")) == list("abcde")
    assert names("metrics.other") == []


def test_an_array_is_no_order(api: Tracking) -> None:
    answer = api.post("runs/search", experiment_ids=[api.experiment()], order_by=["metrics.auc DESC"])
    assert (answer.status_code, answer.json()) == (400, {"error": "order_by is invalid"})


def test_a_run_is_linked_to_its_job_even_when_the_tag_is_refused(api: Tracking, sandbox: SandboxFactory) -> None:
    server = sandbox()
    first, second = make_job(server), make_job(server)
    run_id = api.run(tags=[{"key": "gitlab.CI_JOB_ID", "value": str(first)}])["run_id"]

    def linked() -> int | None:
        found = server.call(
            lambda services: services.database.value("SELECT ci_build_id FROM runs WHERE eid = ?", (run_id,))
        )
        return None if found is None else int(found)

    assert linked() == first
    refused = api.post("runs/set-tag", run_id=run_id, key="gitlab.CI_JOB_ID", value=str(second))
    assert refused.status_code == 400
    assert linked() == second
    unknown = api.post("runs/set-tag", run_id=api.run()["run_id"], key="gitlab.CI_JOB_ID", value="999999999")
    assert (unknown.status_code, unknown.json()) == (500, {"message": "500 Internal Server Error"})


def test_delete_is_for_good_and_spares_the_run_of_a_version(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    assert api.post("runs/delete", run_id=run_id).json() == {}
    assert api.post("runs/delete", run_id=run_id).status_code == 404
    version = api.version(api.model())
    refused = api.post("runs/delete", run_id=version["run_id"])
    assert refused.status_code == 400
    assert refused.json() == {"message": "Cannot delete a candidate associated to a model version"}


def test_form_bodies_work_too(api: Tracking) -> None:
    experiment = api.experiment()
    made = api.http.post("/ml/mlflow/api/2.0/mlflow/runs/create", data={"experiment_id": experiment})
    run_id = made.json()["run"]["info"]["run_id"]
    body = {"run_id": run_id, "params[0][key]": "lr", "params[0][value]": "0.1"}
    assert api.http.post("/ml/mlflow/api/2.0/mlflow/runs/log-batch", data=body).json() == {}
    assert api.data(run_id)["params"] == [{"key": "lr", "value": "0.1"}]


def test_runs_of_other_projects_are_unknown(sandbox: SandboxFactory) -> None:
    api = Tracking(sandbox())
    name = unique("run")
    assert api.run(run_name=name)["run_name"] == name
    assert api.get("runs/get", run_id=name).status_code == 404


def test_an_unchanged_run_is_answered_with_304(api: Tracking) -> None:
    run_id = api.run()["run_id"]
    first = api.get("runs/get", run_id=run_id)
    path = "/ml/mlflow/api/2.0/mlflow/runs/get"
    again = api.http.get(path, params={"run_id": run_id}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    api.post("runs/log-metric", run_id=run_id, key="loss", value=1, timestamp=1)
    changed = api.http.get(path, params={"run_id": run_id}, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
