"""Artifacts as MLflow clients see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.tracking import Tracking

if TYPE_CHECKING:
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture
def api(sandbox: SandboxFactory) -> Tracking:
    return Tracking(sandbox())


def test_the_list_is_flat_with_encoded_names(api: Tracking) -> None:
    version = api.version(api.model())["version"]
    assert api.artifacts(path=version).json() == {"files": []}
    api.upload(version, "MLmodel", b"flavors: {}")
    api.upload(version, "data/conda.yaml", b"name: x")
    files = api.artifacts(path=version).json()["files"]
    assert files == [
        {"path": "MLmodel", "file_size": 11, "is_dir": False},
        {"path": "data%2Fconda.yaml", "file_size": 7, "is_dir": False},
    ]
    assert api.artifacts(path=f"{version}/data").json() == {"files": []}
    assert api.artifacts(path=f"{version}/").json() == {"files": files}


def test_download(api: Tracking) -> None:
    version = api.version(api.model())["version"]
    api.upload(version, "data/conda.yaml", b"name: x")
    got = api.artifact(f"{version}/data/conda.yaml")
    assert got.content == b"name: x"
    assert got.headers["content-type"] == "application/octet-stream"
    # What the list calls it works as well.
    assert api.artifact(f"{version}/data%2Fconda.yaml").content == b"name: x"
    missing = api.artifact(f"{version}/none")
    assert (missing.status_code, missing.json()) == (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})
    assert api.artifact("999999/none").status_code == 500


def test_artifacts_of_a_run(api: Tracking) -> None:
    info = api.run()
    owner = f"candidate:{api.iid(info)}"
    nothing = api.artifacts(path=owner)
    assert (nothing.status_code, nothing.json()) == (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})
    api.upload(owner, "model.bin", b"weights")
    assert [file["path"] for file in api.artifacts(path=owner).json()["files"]] == ["model.bin"]
    assert api.artifact(f"{owner}/model.bin").content == b"weights"


def test_refusals(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    assert api.artifacts().status_code == 500
    assert api.artifacts(path="999999").status_code == 404
    assert Tracking(server, None).artifacts(path="1").status_code == 401
    version = api.version(api.model())["version"]
    reading = Tracking(server, token=server.make_token("reporter", ["read_api"]))
    assert reading.artifacts(path=version).status_code == 200
    put = api.http.put(f"/ml/mlflow/api/2.0/mlflow-artifacts/artifacts/{version}/x", content=b"x")
    assert put.status_code == 405
