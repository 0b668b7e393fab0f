"""What the MLflow client logged is what our commands show, to the digit."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlops_tui.cli.errors import guarded
from mlops_tui.cli.main import run as run_program
from mlops_tui.sandbox.settings import Release
from tests.clients.test_mlflow import PYTHON, SCRIPTS
from tests.sandbox.factory import SandboxFactory

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not PYTHON.exists(), reason="the environment of the foreign clients is not installed"),
]


def wanted() -> dict[str, Any]:
    draw = random.Random(20)
    hard = [0.1 + 0.2, 1e-320, 1.7976931348623157e308, -7.0, 123456789.123456789, 2**53 + 0.0]
    return {
        "metrics": {"auc": [draw.random() for _ in range(7)], "val.loss": hard},
        "params": {"lr": "0.010", "layers": "[64, 32]"},
        "tags": {"team": "risk [/b]", "note": "naïve → مرحبا"},
    }


@pytest.mark.parametrize("release", list(Release), ids=str)
def test_logged_values_come_back_exactly(
    sandbox: SandboxFactory,
    release: Release,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = sandbox(gitlab=release, fresh=True)
    expected = wanted()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "NO_PROXY": "*",
        "MLFLOW_TRACKING_URI": f"{server.url}/api/v4/projects/{server.projects[0]['id']}/ml/mlflow",
        "MLFLOW_TRACKING_TOKEN": server.tokens["developer"],
    }
    script = [str(PYTHON), str(SCRIPTS / "log_digits.py"), json.dumps(expected)]
    logged = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=100, check=True)
    run_id = json.loads(logged.stdout.splitlines()[-1])
    monkeypatch.setenv("GITLAB_HOST", server.url)
    monkeypatch.setenv("GITLAB_TOKEN", server.tokens["developer"])

    def items(*arguments: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        place = ("--url", server.url, "--project", str(server.projects[0]["path"]))
        assert guarded(lambda: run_program((*place, *arguments, "--output", "json"))) == 0
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["items"]
        return found

    (row,) = [item for item in items("runs", "list") if item["run_id"] == run_id]
    assert row["metrics"] == {name: values[-1] for name, values in expected["metrics"].items()}
    assert row["params"] == expected["params"]
    assert {name: row["tags"][name] for name in expected["tags"]} == expected["tags"]
    for name, values in expected["metrics"].items():
        history = items("runs", "history", run_id, name)
        assert [(point["step"], repr(point["value"])) for point in history] == [
            (step, repr(float(value))) for step, value in enumerate(values)
        ]
    (filtered,) = items(
        "runs", "list", "--filter", 'params.lr = "0.010" and metrics.`val.loss` > 1 and tags.team ~ "ri"'
    )
    assert filtered["run_id"] == run_id
