"""Experiments over the MLflow-compatible API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlops_tui.sandbox.authentication import issue_job_token
from tests.sandbox.factory import client
from tests.sandbox.test_runs import make_job
from tests.sandbox.tracking import Tracking, unique

if TYPE_CHECKING:
    from tests.sandbox.factory import SandboxFactory

DOES_NOT_EXIST = {"error_code": "RESOURCE_DOES_NOT_EXIST"}
ALREADY_EXISTS = {"error_code": "RESOURCE_ALREADY_EXISTS"}


@pytest.fixture
def api(sandbox: SandboxFactory) -> Tracking:
    return Tracking(sandbox())


def test_a_created_experiment_is_found_by_iid_and_by_name(api: Tracking) -> None:
    name = unique("fraud")
    created = api.post("experiments/create", name=name, tags=[{"key": "team", "value": "risk"}])
    assert created.status_code == 200
    iid = created.json()["experiment_id"]
    shown = {
        "experiment_id": iid,
        "name": name,
        "lifecycle_stage": "active",
        "artifact_location": "not_implemented",
        "tags": [{"key": "team", "value": "risk"}],
    }
    assert api.get("experiments/get", experiment_id=iid).json() == {"experiment": shown}
    assert api.get("experiments/get-by-name", experiment_name=name).json() == {"experiment": shown}
    assert shown in api.get("experiments/list").json()["experiments"]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("experiments/get", {}),
        ("experiments/get", {"experiment_id": "999999"}),
        ("experiments/get", {"experiment_id": "abc"}),
        ("experiments/get-by-name", {}),
        ("experiments/get-by-name", {"experiment_name": "nobody"}),
    ],
)
def test_an_unknown_experiment_is_404_without_a_message(api: Tracking, path: str, params: dict[str, str]) -> None:
    answer = api.get(path, **params)
    assert (answer.status_code, answer.json()) == (404, DOES_NOT_EXIST)


def test_refused_names(api: Tracking) -> None:
    name = unique("taken")
    assert api.post("experiments/create", name=name).status_code == 200
    for refused in (name, " "):
        answer = api.post("experiments/create", name=refused)
        assert (answer.status_code, answer.json()) == (400, ALREADY_EXISTS)
    too_long = api.post("experiments/create", name="n" * 256)
    assert too_long.status_code == 400
    assert too_long.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert api.post("experiments/create").json() == {"error": "name is missing"}


def test_search_pages_in_the_wanted_order_and_ignores_filters(api: Tracking) -> None:
    names = [unique("paged") for _ in range(3)]
    for name in names:
        api.post("experiments/create", name=name)
    first = api.post("experiments/search", max_results=2, order_by="id DESC", filter="name = 'x'").json()
    assert [shown["name"] for shown in first["experiments"]] == [names[2], names[1]]
    rest = api.post("experiments/search", max_results=1, order_by="id DESC", page_token=first["next_page_token"]).json()
    assert [shown["name"] for shown in rest["experiments"]] == [names[0]]
    last = api.post("experiments/search", order_by="name").json()
    assert last["next_page_token"] is None
    listed = [shown["name"] for shown in last["experiments"]]
    assert listed == sorted(listed)


def test_an_unknown_sort_column_is_no_error_and_a_bad_token_is_a_server_error(api: Tracking) -> None:
    api.experiment()
    api.experiment()
    answer = api.post("experiments/search", order_by="colour DESC")
    iids = [int(shown["experiment_id"]) for shown in answer.json()["experiments"]]
    assert iids == sorted(iids, reverse=True)
    broken = api.post("experiments/search", page_token="nonsense")
    assert (broken.status_code, broken.json()) == (500, {"message": "500 Internal Server Error"})


def test_tags_are_written_once(api: Tracking) -> None:
    iid = api.experiment()
    tag = {"experiment_id": iid, "key": "team", "value": "risk"}
    assert api.post("experiments/set-experiment-tag", **tag).json() == {}
    refused = api.post("experiments/set-experiment-tag", **{**tag, "value": "other"})
    assert refused.status_code == 400
    assert refused.json() == {
        "error_code": "INVALID_PARAMETER_VALUE",
        "message": "Validation failed: Name 'team' already taken",
    }
    too_long = api.post("experiments/set-experiment-tag", **{**tag, "key": "k" * 251})
    assert too_long.json()["message"] == "Validation failed: Name is too long (maximum is 250 characters)"


def test_deleting_takes_the_runs_along_but_spares_the_experiment_of_a_model(api: Tracking) -> None:
    iid = api.experiment()
    run_id = api.run(iid)["run_id"]
    assert api.post("experiments/delete", experiment_id=iid).json() == {}
    assert api.get("runs/get", run_id=run_id).status_code == 404
    assert api.post("experiments/delete", experiment_id=iid).status_code == 404
    name = api.model()
    own = api.get("experiments/get-by-name", experiment_name=f"[model]{name}").json()["experiment"]["experiment_id"]
    refused = api.post("experiments/delete", experiment_id=own)
    assert refused.status_code == 400
    assert refused.json() == {"message": "Cannot delete an experiment associated to a model"}


def test_who_may_do_what(sandbox: SandboxFactory) -> None:
    server = sandbox()
    reporter = Tracking(server, "reporter")
    assert reporter.get("experiments/list").status_code == 200
    refused = reporter.post("experiments/search")
    assert (refused.status_code, refused.json()) == (401, {"message": "401 Unauthorized"})
    anonymous = Tracking(server, None).get("experiments/list")
    assert (anonymous.status_code, anonymous.json()) == (401, {"message": "401 Unauthorized"})
    reading = Tracking(server, token=server.make_token("developer", ["read_api"]))
    assert reading.get("experiments/list").status_code == 200
    limited = reading.post("experiments/search")
    assert limited.status_code == 403
    assert limited.json()["error"] == "insufficient_scope"
    assert limited.json()["scope"] == "api read_api"


def test_a_job_token_opens_nothing_here(sandbox: SandboxFactory) -> None:
    server = sandbox()
    project_id, job_id = server.project_id("sandbox/empty"), make_job(server)
    secret = server.call(lambda services: issue_job_token(services.database, job_id, project_id, 3))
    assert Tracking(server, token=secret).get("experiments/list").status_code == 401
    path = "/ml/mlflow/api/2.0/mlflow/experiments/list"
    anonymous = Tracking(server, None).http
    assert anonymous.get(path, headers={"JOB-TOKEN": secret}).status_code == 401


def test_a_switched_off_feature_and_an_unknown_project_are_not_found(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    base = "ml/mlflow/api/2.0/mlflow/experiments/list"
    http = client(server)
    missing = http.get(f"/projects/sandbox%2Fnone/{base}")
    assert (missing.status_code, missing.json()) == (404, {"message": "404 Project Not Found"})
    assert http.get(f"/projects/sandbox%2Fempty/{base}").status_code == 200
    server.call(
        lambda services: services.database.execute(
            "UPDATE projects SET attributes = json_set(attributes, '$.model_experiments_access_level', 'disabled')"
        )
    )
    hidden = http.get(f"/projects/sandbox%2Fempty/{base}")
    assert (hidden.status_code, hidden.json()) == (404, {"message": "404 Not Found"})


def test_routes_that_gitlab_does_not_have(api: Tracking) -> None:
    for path in ("experiments/update", "experiments/restore", "runs/restore", "model-versions/search"):
        answer = api.post(path, name="x")
        assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})
    assert api.get("experiments/create").status_code == 405
