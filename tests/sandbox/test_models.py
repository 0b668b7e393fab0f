"""Models and model versions over the MLflow-compatible API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.tracking import Tracking, unique

if TYPE_CHECKING:
    from tests.sandbox.factory import SandboxFactory

DOES_NOT_EXIST = {"error_code": "RESOURCE_DOES_NOT_EXIST"}
ALREADY_EXISTS = {"error_code": "RESOURCE_ALREADY_EXISTS"}


@pytest.fixture
def api(sandbox: SandboxFactory) -> Tracking:
    return Tracking(sandbox())


def test_a_registered_model(api: Tracking) -> None:
    name = unique("fraud")
    created = api.post(
        "registered-models/create", name=name, description="# Card", tags=[{"key": "team", "value": "risk"}]
    )
    model = created.json()["registered_model"]
    assert created.status_code == 200
    assert isinstance(model["creation_timestamp"], int)
    assert 1_600_000_000 < model["creation_timestamp"] < 10_000_000_000
    assert model == {
        "name": name,
        "creation_timestamp": model["creation_timestamp"],
        "last_updated_timestamp": model["last_updated_timestamp"],
        "description": "# Card",
        "user_id": "2",
        "tags": [{"key": "team", "value": "risk"}],
        "latest_versions": [],
    }
    assert api.get("registered-models/get", name=name).json() == {"registered_model": model}
    assert api.get("experiments/get-by-name", experiment_name=f"[model]{name}").status_code == 200


@pytest.mark.parametrize("name", ["two words", "a/b c", "x" * 260, "", "naïve?"])
def test_every_refusal_of_a_model_looks_the_same(api: Tracking, name: str) -> None:
    answer = api.post("registered-models/create", name=name)
    assert (answer.status_code, answer.json()) == (400, ALREADY_EXISTS)


def test_more_refusals_of_a_model(api: Tracking) -> None:
    name = api.model()
    assert api.post("registered-models/create", name=name).json() == ALREADY_EXISTS
    assert api.post("registered-models/create").json() == {"error": "name is missing"}
    twice = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    fresh = unique("tagged")
    assert api.post("registered-models/create", name=fresh, tags=twice).json() == ALREADY_EXISTS
    assert api.get("experiments/get-by-name", experiment_name=f"[model]{fresh}").status_code == 404
    bad = unique("bad name")
    assert api.post("registered-models/create", name=bad).json() == ALREADY_EXISTS
    assert api.get("experiments/get-by-name", experiment_name=f"[model]{bad}").status_code == 200
    for accepted in ("@scope/part.of-name@rest", "with/slashes+plus/x"):
        assert api.post("registered-models/create", name=accepted).status_code == 200


def test_updating_changes_nothing_but_the_description(api: Tracking) -> None:
    name = api.model(description="old")
    updated = api.patch("registered-models/update", name=name, description="new")
    assert updated.json()["registered_model"]["description"] == "new"
    assert api.patch("registered-models/update", name=name).json()["registered_model"]["description"] == ""
    too_long = api.patch("registered-models/update", name=name, description="d" * 10_001)
    assert too_long.status_code == 400
    assert too_long.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert api.patch("registered-models/update", description="x").json() == DOES_NOT_EXIST


def test_the_latest_version_of_an_empty_model_is_null_in_a_list(api: Tracking) -> None:
    name = api.model()
    assert api.post("registered-models/get-latest-versions", name=name).json() == {"model_versions": [None]}
    for version in ("1.2.0", "1.10.0", "0.9.9", "1.10.0-rc1"):
        api.version(name, version)
    latest = api.post("registered-models/get-latest-versions", name=name).json()["model_versions"]
    assert len(latest) == 1
    assert latest[0]["aliases"][0].startswith("1.10.0")
    assert len(api.get("registered-models/get", name=name).json()["registered_model"]["latest_versions"]) == 4


def test_search_by_part_of_the_name(api: Tracking) -> None:
    stem = unique("needle")
    names = [api.model(f"{stem}-{letter}") for letter in "cab"]
    for text in (f"name='{stem}'", f'name="{stem}"', f"name={stem}"):
        found = api.get("registered-models/search", filter=text).json()
        assert [model["name"] for model in found["registered_models"]] == sorted(names)
        assert found["next_page_token"] is None
    for text in ("", f"name = '{stem}'", "tags.x='y'", "name like 'x'"):
        refused = api.get("registered-models/search", filter=text)
        assert refused.status_code == 400
        assert refused.json() == {
            "error_code": "INVALID_PARAMETER_VALUE",
            "message": "Invalid attribute key specified. Valid keys are '{'name'}'",
        }
    page = api.get("registered-models/search", filter=f"name='{stem}'", max_results=2, order_by="name DESC").json()
    assert [model["name"] for model in page["registered_models"]] == [f"{stem}-c", f"{stem}-b"]
    token = page["next_page_token"]
    rest = api.get("registered-models/search", filter=f"name='{stem}'", order_by="name DESC", page_token=token).json()
    assert [model["name"] for model in rest["registered_models"]] == [f"{stem}-a"]


def test_versions_count_up_by_patch_and_keep_their_ids_apart(api: Tracking) -> None:
    name = api.model()
    first = api.version(name, description="card")
    assert first["aliases"] == ["1.0.0"]
    assert first["version"].isdigit()
    assert first == {
        "name": name,
        "version": first["version"],
        "creation_timestamp": first["creation_timestamp"],
        "last_updated_timestamp": first["last_updated_timestamp"],
        "user_id": None,
        "current_stage": "development",
        "description": "card",
        "source": first["source"],
        "run_id": first["run_id"],
        "status": "READY",
        "status_message": "",
        "tags": [],
        "run_link": "",
        "aliases": ["1.0.0"],
    }
    assert first["source"].endswith(f"/versions/{first['version']}")
    assert first["source"].startswith(f"{api.server.url}/sandbox/empty/-/ml/models/")
    assert api.version(name)["aliases"] == ["1.0.1"]
    assert api.version(name, "2.3.4-rc1")["tags"] == [{"key": "gitlab.version", "value": "2.3.4-rc1"}]
    assert api.version(name)["aliases"] == ["2.3.5-rc1"]


def test_a_version_is_found_by_its_semantic_version_only(api: Tracking) -> None:
    name = api.model()
    made = api.version(name, "1.2.0")
    assert api.get("model-versions/get", name=name, version="1.2.0").json() == {"model_version": made}
    by_id = api.get("model-versions/get", name=name, version=made["version"])
    assert (by_id.status_code, by_id.json()) == (404, DOES_NOT_EXIST)
    assert api.get("registered-models/alias", name=name, alias="1.2.0").json() == {"model_version": made}
    assert api.get("registered-models/alias", name=name, alias="champion").json() == DOES_NOT_EXIST
    assert api.get("model-versions/get", name=name).json() == {"error": "version is missing"}


def test_the_download_uri_is_an_echo(api: Tracking) -> None:
    uri = api.get("model-versions/get-download-uri", name="nobody", version="17")
    assert uri.json() == {"artifact_uri": "mlflow-artifacts:/17"}
    semantic = api.get("model-versions/get-download-uri", name="nobody", version="1.0.0")
    assert (semantic.status_code, semantic.json()) == (400, {"error": "version is invalid"})


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ([{"key": "gitlab.version", "value": "1.0.0"}], "Version has already been taken"),
        ([{"key": "gitlab.version", "value": "one"}], "Version must be semantic version"),
        ([{"key": "gitlab.version", "value": "01.0.0"}], "Version must be semantic version"),
        ([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], "Validation failed: Name 'a' already taken"),
    ],
)
def test_a_refused_version_says_why_in_a_list(api: Tracking, tags: list[dict[str, str]], words: str) -> None:
    name = api.model()
    api.version(name, "1.0.0")
    answer = api.post("model-versions/create", name=name, tags=tags)
    assert (answer.status_code, answer.json()) == (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": [words]})


def test_a_version_of_no_model(api: Tracking) -> None:
    assert api.post("model-versions/create").json() == DOES_NOT_EXIST
    assert api.post("model-versions/create", name="nobody").json() == DOES_NOT_EXIST


def test_promoting_a_run_moves_it_into_the_model(api: Tracking) -> None:
    name = api.model()
    experiment = api.experiment()
    info = api.run(experiment)
    iid = api.iid(info)
    api.post("runs/log-metric", run_id=info["run_id"], key="auc", value=0.9, timestamp=1)
    api.upload(f"candidate:{iid}", "model.bin", b"weights")
    version = api.version(name, "1.0.0", run_id=info["run_id"])
    assert version["run_id"] == info["run_id"]
    moved = api.get("runs/get", run_id=info["run_id"]).json()["run"]
    own = api.get("experiments/get-by-name", experiment_name=f"[model]{name}").json()["experiment"]["experiment_id"]
    assert moved["info"]["experiment_id"] == own != experiment
    assert moved["info"]["artifact_uri"].endswith(f"/packages/ml_models/{version['version']}/files/")
    assert moved["data"]["metrics"][0]["value"] == 0.9
    assert api.post("runs/search", experiment_ids=[experiment]).json()["runs"] == []
    assert api.artifacts(path=version["version"]).json()["files"][0]["path"] == "model.bin"
    package = api.http.get("/packages", params={"package_name": name}).json()[0]
    assert (package["name"], package["version"]) == (name, "1.0.0")
    again = api.post("model-versions/create", name=name, run_id=info["run_id"])
    assert again.json()["message"] == ["Run has already a model version"]
    unknown = api.post("model-versions/create", name=name, run_id="00000000-0000-4000-8000-000000000000")
    assert unknown.json()["message"] == ["Run with eid not found"]


def test_only_the_card_of_a_version_can_be_edited(api: Tracking) -> None:
    name = api.model()
    api.version(name, "1.0.0")
    updated = api.patch("model-versions/update", name=name, version="1.0.0", description="better")
    assert updated.json()["model_version"]["description"] == "better"
    incomplete = api.patch("model-versions/update", name=name, version="1.0.0")
    assert incomplete.status_code == 400
    assert incomplete.json() == {"error_code": "INVALID_PARAMETER_VALUE", "message": None}
    for version, card in (("9.9.9", "x"), ("1.0.0", "d" * 10_001)):
        failed = api.patch("model-versions/update", name=name, version=version, description=card)
        assert (failed.status_code, failed.json()) == (400, {"error_code": "UPDATE_FAILED"})


def test_deleting_a_model_with_versions_needs_a_maintainer(sandbox: SandboxFactory) -> None:
    server = sandbox()
    maintainer, developer = Tracking(server), Tracking(server, "developer")
    empty, full = developer.model(), developer.model()
    developer.version(full)
    assert developer.delete("registered-models/delete", name=empty).json() == {}
    refused = developer.delete("registered-models/delete", name=full)
    assert (refused.status_code, refused.json()) == (400, {"message": "Model could not be deleted"})
    assert maintainer.delete("registered-models/delete", name=full).json() == {}
    assert maintainer.get("registered-models/get", name=full).json() == DOES_NOT_EXIST
    assert maintainer.delete("registered-models/delete", name=full).status_code == 404
    assert maintainer.model(full) == full
    assert maintainer.version(full)["aliases"] == ["1.0.0"]


def test_who_may_write(sandbox: SandboxFactory) -> None:
    server = sandbox()
    name = Tracking(server).model()
    reporter = Tracking(server, "reporter")
    assert reporter.get("registered-models/get", name=name).status_code == 200
    for refused in (
        reporter.post("registered-models/create", name=unique("no")),
        reporter.post("model-versions/create", name=name),
        reporter.patch("registered-models/update", name=name),
    ):
        assert (refused.status_code, refused.json()) == (401, {"message": "401 Unauthorized"})
    # Reading by POST needs no more than the right to read, but the scope of writing.
    assert reporter.post("registered-models/get-latest-versions", name=name).status_code == 200
    reading = Tracking(server, token=server.make_token("maintainer", ["read_api"]))
    assert reading.post("registered-models/get-latest-versions", name=name).status_code == 403
