"""The MLflow client against the sandbox: what one process wrote another reads, and it fails where GitLab fails."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlops_tui.sandbox.settings import Release
from tests.sandbox.factory import client
from tests.sandbox.tracking import Tracking

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-clients" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "scripts"
NO_ROUTE = ["RestException", "INTERNAL_ERROR", "INTERNAL_ERROR: Response: {'error': '404 Not Found'}"]
ARTIFACTS = {"MLmodel": b"flavors: {}\n", "weights.bin": bytes(range(256)) * 100, "nested/conda.yaml": b"name: x\n"}

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not PYTHON.exists(), reason="the environment of the foreign clients is not installed"),
]


class Session:
    """A fresh sandbox that the MLflow client has written to."""

    def __init__(self, server: RunningSandbox, folder: Path) -> None:
        self.server = server
        self._folder = folder
        self.artifacts = folder / "artifacts"
        for name, content in ARTIFACTS.items():
            (self.artifacts / name).parent.mkdir(parents=True, exist_ok=True)
            (self.artifacts / name).write_bytes(content)
        self.made: dict[str, Any] = self.run("log_and_register.py", str(self.artifacts))

    def run(self, script: str, *arguments: str) -> Any:
        """Run a script in a process of its own and return what its last line says."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "NO_PROXY": "*",
            "MLFLOW_TRACKING_URI": f"{self.server.url}/api/v4/projects/{self.server.projects[0]['id']}/ml/mlflow",
            "MLFLOW_TRACKING_TOKEN": self.server.tokens["developer"],
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        }
        done = subprocess.run(
            [PYTHON, SCRIPTS / script, *arguments],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def read_back(self) -> Any:
        target = self._folder / "downloads"
        target.mkdir()
        return self.run("read_back.py", json.dumps(self.made), str(target))

    def refusals(self) -> Any:
        return self.run("refusals.py", json.dumps(self.made), str(self.artifacts / "MLmodel"))


@pytest.fixture(scope="module", params=[Release.V18_9, Release.V19], ids=str)
def session(
    sandbox: SandboxFactory, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Session:
    return Session(sandbox(gitlab=request.param, fresh=True), tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module")
def shown(session: Session) -> Any:
    return session.read_back()


@pytest.fixture(scope="module")
def refused(session: Session, shown: Any) -> Any:
    """How the refused calls ended; after the reading, since the last of them delete."""
    return session.refusals()


def hexed(*names: str) -> dict[str, str]:
    return {name: ARTIFACTS[name].hex() for name in names}


def test_what_was_made(session: Session) -> None:
    assert session.made["status"] == "READY"
    assert (session.made["aliases"], session.made["next_aliases"]) == (["1.2.0"], ["1.2.1"])
    assert session.made["version"].isdigit()


def test_experiments_are_read_back(session: Session, shown: Any) -> None:
    assert shown["experiment"] == [session.made["experiment_id"], {"team": "risk"}]
    assert shown["missing_experiment"] is None
    assert shown["experiments"] == ["[model]fraud", "fraud"]


def test_runs_are_read_back_to_the_digit(shown: Any) -> None:
    by_hand = shown["by_hand"]
    assert (by_hand["name"], by_hand["status"]) == ("by hand", "FINISHED")
    assert (by_hand["start"], by_hand["end"]) == (1_718_000_000_000, 1_718_000_100_000)
    assert by_hand["metrics"] == {"auc": 0.7, "loss": 0.2}
    assert by_hand["params"] == {"lr": "0.01", "depth": "7", "optimizer": "adam"}
    assert by_hand["tags"] == {"team": "risk", "reviewed": "no", "note": "first"}
    fluent = shown["fluent"]
    assert (fluent["metrics"], fluent["params"]) == ({"auc": 0.875, "loss": 0.25}, {"lr": "0.3", "depth": "4"})
    assert shown["promoted"]["metrics"] == {"auc": 0.9375}


def test_a_search_pages_and_does_not_see_the_promoted_run(shown: Any) -> None:
    assert shown["pages"] == [["fluent"], ["by hand"]]
    assert shown["last_token"] is None


def test_artifacts_of_a_run_are_listed_flat_and_downloaded(shown: Any) -> None:
    assert shown["fluent"]["artifact_uri"].startswith("mlflow-artifacts:/candidate:")
    weights = len(ARTIFACTS["weights.bin"])
    # The server sends `data%2Fweights.bin`; the client undoes the encoding.
    assert shown["listed"] == [
        ["MLmodel", 12, False],
        ["data/weights.bin", weights, False],
        ["report.txt", 10, False],
    ]
    assert shown["one"] == {"report.txt": b"looks good".hex()}
    assert shown["run_uri"] == hexed("MLmodel")


def test_a_version_is_loaded_by_id_and_by_semantic_version(shown: Any) -> None:
    # The client undoes the encoding of the names, so that folders come back.
    files = hexed(*ARTIFACTS)
    for found in (shown["by_id"], shown["by_alias"]):
        loaded = {name: content for name, content in found.items() if name != "registered_model_meta"}
        assert loaded == files
    latest = {name: content for name, content in shown["latest"].items() if name != "registered_model_meta"}
    assert latest == hexed("MLmodel")


def test_models_and_versions_are_read_back(session: Session, shown: Any) -> None:
    first, second = session.made["version"], session.made["next_version"]
    tags = {"gitlab.version": "1.2.0"}
    assert shown["version"] == [first, ["1.2.0"], "development", "card", tags]
    assert shown["by_alias_version"] == first
    assert shown["latest_versions"] == [second]
    assert shown["model"] == ["fraud", "# Fraud", {"team": "risk"}, sorted([first, second])]
    assert (shown["renamed_card"], shown["new_card"]) == ("# New", "better")


@pytest.mark.parametrize(
    "call",
    [
        "restored run", "renamed experiment", "deleted tag", "versions", "version tag", "stage", "deleted version",
        "renamed model",
    ],
)  # fmt: skip
def test_calls_that_gitlab_does_not_have(refused: Any, call: str) -> None:
    assert refused[call] == NO_ROUTE


def test_the_history_of_a_metric_came_after_18_9(session: Session, refused: Any) -> None:
    if session.server.settings.gitlab is Release.V18_9:
        assert refused["history"] == NO_ROUTE
    else:
        assert refused["history"] == ["returned", None, repr([(step, 1 / (step + 1)) for step in range(5)])]


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("duplicate experiment", "RESOURCE_ALREADY_EXISTS", "RESOURCE_ALREADY_EXISTS"),
        ("duplicate model", "RESOURCE_ALREADY_EXISTS", "RESOURCE_ALREADY_EXISTS"),
        ("unknown experiment", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_DOES_NOT_EXIST"),
        ("unknown run", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_DOES_NOT_EXIST"),
        ("version by id", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_DOES_NOT_EXIST"),
        ("param again", "INVALID_PARAMETER_VALUE", "Name has already been taken"),
        ("tag again", "INVALID_PARAMETER_VALUE", "Name 'team' already taken"),
        ("duplicate version", "INVALID_PARAMETER_VALUE", "Version has already been taken"),
        ("promoted twice", "INVALID_PARAMETER_VALUE", "Run has already a model version"),
        ("models", "INVALID_PARAMETER_VALUE", "Invalid attribute key specified"),
        ("not a number", "INTERNAL_ERROR", "value is invalid"),
        ("ordered runs", "INTERNAL_ERROR", "order_by is invalid"),
        ("run of a version", "INTERNAL_ERROR", "Cannot delete a candidate associated to a model version"),
        ("experiment of a model", "INTERNAL_ERROR", "Cannot delete an experiment associated to a model"),
        ("deleted model", "INTERNAL_ERROR", "Model could not be deleted"),
    ],
)
def test_calls_that_gitlab_refuses(refused: Any, call: str, code: str, words: str) -> None:
    _, found, text = refused[call]
    assert found == code
    assert words in text


def test_artifact_calls_that_fail_in_the_client(refused: Any) -> None:
    assert refused["list of a version's run"][0] == "ValueError"
    assert refused["second upload"][0] == "HTTPError"
    assert "405 Client Error" in refused["second upload"][2]
    assert refused["alias"][0] == "MlflowException"


def test_what_may_be_deleted_is_deleted(refused: Any) -> None:
    assert refused["deleted run"] == refused["deleted experiment"] == ["returned", None, "None"]


def test_the_strings_that_gitlabs_own_client_looks_for(sandbox: SandboxFactory) -> None:
    server = sandbox()
    api = Tracking(server)
    assert all(token.startswith("glpat-") and len(token) == 26 for token in server.tokens.values())
    assert isinstance(server.projects[0]["id"], int)
    unknown = Tracking(server, token="glpat-" + "0" * 20).get("experiments/list")
    # Without an error code the client calls it INTERNAL_ERROR and appends the message.
    assert (unknown.status_code, unknown.json()) == (401, {"message": "401 Unauthorized"})
    name = api.model()
    assert api.post("registered-models/create", name=name).json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    version = api.version(name, "1.0.0")
    assert version["aliases"] == ["1.0.0"]
    taken = api.post("model-versions/create", name=name, tags=[{"key": "gitlab.version", "value": "1.0.0"}])
    assert "Version has already been taken" in str(taken.json()["message"])
    missing = api.get("experiments/get-by-name", experiment_name="nobody")
    assert missing.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    project = client(server).get("/projects/999999/ml/mlflow/api/2.0/mlflow/experiments/list")
    assert "Not Found" in project.json()["message"]
    info = api.run()
    raw = api.http.put(
        info["artifact_uri"].split(f"/projects/{api.project_id}")[1] + "notes.txt",
        content=b"text",
        headers={"Content-Type": "text/plain"},
    )
    assert raw.status_code == 201
