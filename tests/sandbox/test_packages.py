"""Model files over the package routes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from mlops_tui.sandbox.authentication import issue_job_token
from tests.sandbox.factory import client
from tests.sandbox.test_runs import make_job
from tests.sandbox.tracking import Tracking

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture
def api(sandbox: SandboxFactory) -> Tracking:
    return Tracking(sandbox())


def owner(api: Tracking) -> str:
    """Return the database id of a new model version."""
    return str(api.version(api.model())["version"])


def package_id(server: RunningSandbox, version_id: str) -> int:
    return int(
        server.call(
            lambda services: services.database.value(
                "SELECT package_id FROM model_versions WHERE id = ?", (int(version_id),)
            )
        )
    )


def test_a_file_goes_up_and_comes_down(api: Tracking) -> None:
    version, content = owner(api), bytes(range(256)) * 4096
    sent = api.upload(version, "data/model%20v1.bin", content)
    assert (sent.status_code, sent.json()) == (201, {"message": "201 Created"})
    path = f"/packages/ml_models/{version}/files/data/model%20v1.bin"
    got = api.http.get(path)
    assert got.content == content
    assert "attachment" in got.headers["content-disposition"]
    files = api.http.get(f"/packages/{package_id(api.server, version)}/package_files")
    assert files.headers["x-total"] == "1"
    (file,) = files.json()
    assert file["file_name"] == "data%2Fmodel+v1.bin"
    assert file["size"] == len(content)
    assert file["file_sha256"] == hashlib.sha256(content).hexdigest()
    assert (file["file_md5"], file["file_sha1"]) == (None, None)
    assert "pipelines" not in file


def test_a_form_upload_stores_the_file_alone(api: Tracking) -> None:
    version, content = owner(api), b"\r\n--not the boundary\r\n" * 5000
    path = f"/packages/ml_models/{version}/files/form.bin"
    sent = api.http.put(path, files={"note": ("n.txt", b"other"), "file": ("ignored.bin", content)})
    assert sent.status_code == 201
    assert api.http.get(path).content == content
    missing = api.http.put(path, files={"other": ("o.bin", b"x")})
    assert (missing.status_code, missing.json()) == (400, {"error": "file is missing"})


def test_the_last_upload_of_a_name_is_served(api: Tracking) -> None:
    version = owner(api)
    for content in (b"one", b"two"):
        api.upload(version, "model.bin", content)
    assert api.http.get(f"/packages/ml_models/{version}/files/model.bin").content == b"two"
    assert len(api.http.get(f"/packages/{package_id(api.server, version)}/package_files").json()) == 2


@pytest.mark.parametrize("name", ["a$b", "a%2Fb", "na%C3%AFve"])
def test_file_names(api: Tracking, name: str) -> None:
    refused = api.upload(owner(api), name)
    assert (refused.status_code, refused.json()) == (400, {"error": "file_name is invalid"})


def test_unknown_owners_and_files(api: Tracking) -> None:
    for path in ("999999/files/x", "candidate:999999/files/x", "abc/files/x", f"{owner(api)}/files/none"):
        answer = api.http.get(f"/packages/ml_models/{path}")
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Not Found"})
    assert api.upload("999999", "x").status_code == 404


def test_a_file_above_the_limit_is_refused(sandbox: SandboxFactory) -> None:
    api = Tracking(sandbox(fresh=True))
    api.server.call(lambda services: services.database.execute("UPDATE plan_limits SET value = 1000"))
    version = owner(api)
    assert api.upload(version, "small.bin", b"x" * 1000).status_code == 201
    refused = api.upload(version, "large.bin", b"x" * 1001)
    assert refused.status_code == 400
    assert refused.json() == {"message": "400 Bad request - Artifact file is too large"}
    assert len(list((api.server.data / "files").iterdir())) == 1


def test_only_bearer_tokens_are_looked_at(api: Tracking) -> None:
    version = owner(api)
    path = f"/projects/{api.project_id}/packages/ml_models/{version}/files/model.bin"
    assert api.upload(version, "model.bin").status_code == 201
    put = client(api.server).put(path, content=b"x")
    assert (put.status_code, put.json()) == (401, {"message": "401 Unauthorized"})
    get = client(api.server).get(path)
    assert (get.status_code, get.json()) == (404, {"message": "404 Project Not Found"})
    unknown = Tracking(api.server, token="glpat-" + "0" * 20)
    assert unknown.http.get(f"/packages/ml_models/{version}/files/model.bin").status_code == 401


def test_roles(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    version = owner(api)
    api.upload(version, "model.bin", b"weights")
    reporter = Tracking(server, "reporter")
    assert reporter.http.get(f"/packages/ml_models/{version}/files/model.bin").content == b"weights"
    assert reporter.upload(version, "other.bin").status_code == 403
    assert Tracking(server, "developer").upload(version, "other.bin").status_code == 201
    assert Tracking(server, None).upload(version, "other.bin").status_code == 401
    reading = Tracking(server, token=server.make_token("maintainer", ["read_api"]))
    assert reading.upload(version, "other.bin").status_code == 403


def test_a_public_project_is_open_to_everybody(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    api = Tracking(server)
    version = owner(api)
    api.upload(version, "model.bin", b"weights")
    server.call(lambda services: services.database.execute("UPDATE projects SET visibility = 'public'"))
    anonymous = Tracking(server, None)
    assert anonymous.http.get(f"/packages/ml_models/{version}/files/model.bin").content == b"weights"
    assert anonymous.upload(version, "model.bin").status_code == 401


def test_a_job_uploads_with_its_own_token_as_bearer(api: Tracking) -> None:
    job = make_job(api.server)
    secret = api.server.call(lambda services: issue_job_token(services.database, job, api.project_id, 3))
    version = owner(api)
    assert Tracking(api.server, token=secret).upload(version, "model.bin").status_code == 201
    (file,) = api.http.get(f"/packages/{package_id(api.server, version)}/package_files").json()
    assert file["pipelines"][0]["sha"] == "a" * 40
    path = f"/packages/ml_models/{version}/files/model.bin"
    anonymous = Tracking(api.server, None).http
    assert anonymous.put(path, headers={"JOB-TOKEN": secret}, content=b"x").status_code == 401


def test_a_run_gets_its_package_with_the_first_upload_or_download(api: Tracking) -> None:
    experiment = api.experiment()
    up, down = api.run(experiment), api.run(experiment)
    number = api.iid(up)
    assert api.upload(f"candidate%3A{number}", "model.bin").status_code == 201
    assert api.http.get(f"/packages/ml_models/candidate:{api.iid(down)}/files/none").status_code == 404
    for info in (up, down):
        uri = api.get("runs/get", run_id=info["run_id"]).json()["run"]["info"]["artifact_uri"]
        assert uri == f"mlflow-artifacts:/candidate:{api.iid(info)}"
    packages = api.http.get("/packages", params={"package_name": f"ml_experiment_{experiment}"}).json()
    assert {package["version"] for package in packages} == {f"candidate_{api.iid(info)}" for info in (up, down)}


def test_the_package_list(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    api = Tracking(server)
    name = api.model("fraud/xgb")
    for version in ("1.0.0", "1.1.0"):
        api.version(name, version)
    api.version(api.model("other"))
    listed = api.http.get("/packages", params={"package_name": "RAUD", "sort": "desc", "order_by": "version"})
    assert [package["version"] for package in listed.json()] == ["1.1.0", "1.0.0"]
    assert listed.headers["x-total"] == "2"
    package = listed.json()[1]
    assert package == {
        "id": package["id"],
        "name": name,
        "version": "1.0.0",
        "package_type": "ml_model",
        "status": "default",
        "_links": {
            "web_path": f"/sandbox/empty/-/packages/{package['id']}",
            "delete_api_path": f"{server.url}/api/v4/projects/{api.project_id}/packages/{package['id']}",
        },
        "created_at": package["created_at"],
        "last_downloaded_at": None,
        "tags": [],
    }
    single = api.http.get(f"/packages/{package['id']}").json()
    assert [other["version"] for other in single["versions"]] == ["1.1.0"]
    reporter = Tracking(server, "reporter").http.get(f"/packages/{package['id']}").json()
    assert "delete_api_path" not in reporter["_links"]
    assert api.http.get("/packages", params={"package_type": "npm"}).json() == []
    assert api.http.get("/packages", params={"package_type": "zip"}).status_code == 400


def test_hidden_and_deleted_packages_are_out_of_reach(api: Tracking) -> None:
    name = api.model()
    hidden, gone = api.version(name)["version"], api.version(name)["version"]
    path = f"/packages/ml_models/{hidden}/files/model.bin"
    assert api.http.put(path, params={"status": "hidden"}, content=b"x").status_code == 201
    hidden_package = package_id(api.server, hidden)
    answer = api.http.get(f"/packages/{hidden_package}")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Not found"})
    shown = api.http.get("/packages", params={"package_name": name, "status": "hidden"}).json()
    assert [package["id"] for package in shown] == [hidden_package]
    api.upload(gone, "model.bin")
    target = f"/packages/{package_id(api.server, gone)}"
    assert Tracking(api.server, "developer").http.delete(target).status_code == 403
    assert api.http.delete(target).status_code == 204
    assert api.http.get(target).status_code == 404
    assert api.http.get(f"/packages/ml_models/{gone}/files/model.bin").status_code == 404
    assert api.artifacts(path=gone).json() == {"files": []}


def test_files_are_downloaded_and_deleted_by_id_with_an_ordinary_token(api: Tracking) -> None:
    version = owner(api)
    api.upload(version, "dir/report.txt", b"AUC 0.93")
    base = f"/projects/{api.project_id}/packages/{package_id(api.server, version)}/package_files"
    reporter, maintainer = client(api.server, "reporter"), client(api.server)
    (file,) = reporter.get(base).json()
    got = reporter.get(f"{base}/{file['id']}/download")
    assert got.content == b"AUC 0.93"
    assert 'filename="report.txt"' in got.headers["content-disposition"]
    assert reporter.delete(f"{base}/{file['id']}").status_code == 403
    assert maintainer.delete(f"{base}/{file['id']}").status_code == 204
    assert maintainer.get(f"{base}/{file['id']}/download").status_code == 404
    package = maintainer.get(base.removesuffix("/package_files")).json()
    assert package["last_downloaded_at"] is not None
