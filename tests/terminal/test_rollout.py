"""A canary from start to automatic rollback, in the real program, in a terminal, on real traffic."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_tui.cli.sandbox_traces import SandboxTraces
from mlops_tui.sandbox.inference.telemetry import is_installed
from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings, World
from tests.sandbox.factory import client
from tests.sandbox.test_inference_service import service, switch
from tests.terminal.terminal import Terminal

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not is_installed(), reason="OpenTelemetry's SDK is not installed: requirements/demo.txt"),
]

WINDOW = 1
POLICY = """version: 1
models:
  fraud:
    deploy: {with: inputs, parameters: {model: model, version: version, environment: environment, intent: intent}}
    rollout:
      driver: flag
      flag: fraud-canary
      steps: [{weight: 40, soak: 8s, min_samples: 40}, {weight: 50, soak: 10m, min_samples: 40}, {weight: 100}]
      guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.1}]
      on_insufficient: tell
"""
CONFIG = """[contexts.demo]
url = "{url}"
projects = ["acme/fraud"]
token_file = "{token}"
poll_interval = 3
theme = "dark"

[contexts.demo.traces]
data = "{data}"
"""


@pytest.fixture
def server(demo_data: Path, tmp_path: Path) -> Iterator[RunningSandbox]:
    """The company with a plan whose steps are short, and with its inference service."""
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    with running(Settings(world=World.DEMO, data=data), traces=SandboxTraces(WINDOW)) as sandbox, service(sandbox):
        body = {"branch": "main", "commit_message": "Plan short steps", "content": POLICY}
        path = "/projects/acme%2Ffraud/repository/files/.gitlab%2Fmlops.yml"
        assert client(sandbox).put(path, json=body).status_code == 200
        switch(sandbox, rate=20)
        yield sandbox


@pytest.fixture
def home(server: RunningSandbox, tmp_path: Path) -> Path:
    """Where the person who watches has settings and token."""
    token, settings = tmp_path / "token", tmp_path / "config.toml"
    for path in (token, settings):
        path.touch(mode=0o600)
    token.write_text(server.tokens["maintainer"])
    settings.write_text(CONFIG.format(url=server.url, token=token, data=tmp_path / "sandbox"))
    return tmp_path


def dashboard(home: Path, *, columns: int = 120, lines: int = 40, **more: str) -> Terminal:
    """The real program with these settings."""
    environment = {
        "HOME": str(home),
        "MLOPS_TUI_HOME": str(home / "console"),
        "MLOPS_TUI_CONFIG": str(home / "config.toml"),
        "COLORTERM": "truecolor",
        **more,
    }
    return Terminal([sys.executable, "-m", "mlops_tui"], columns=columns, lines=lines, environment=environment)


def start_canary(terminal: Terminal) -> None:
    terminal.wait_for("online")
    terminal.press("6")
    terminal.wait_for("No rollout. O starts one")
    terminal.press("O")
    terminal.wait_for("Roll out which version of fraud?")
    terminal.press(*"2.1.0", "enter")
    terminal.wait_for("out in which environment")
    terminal.press("enter")
    terminal.wait_for("Roll fraud 2.1.0 out to production", "Type fraud to confirm", "40 samples per arm")
    terminal.press(*"fraud")
    terminal.wait_for("▌ fraud")
    terminal.press("enter")
    terminal.wait_for("fraud 2.1.0 over 2.0.0", "PROD production", "step 1/3", "40 %")


def flags(server: RunningSandbox) -> dict[str, str]:
    """The share that each flag gives, empty without a strategy."""
    rows = client(server).get("/projects/acme%2Ffraud/feature_flags").json()
    return {
        str(row["name"]): "".join(item["parameters"].get("rollout", "") for item in row["strategies"]) for row in rows
    }


def test_a_faulty_canary_is_taken_back_while_one_watches(server: RunningSandbox, home: Path) -> None:
    with dashboard(home) as terminal:
        start_canary(terminal)
        assert flags(server)["fraud-canary"] == "40"
        terminal.wait_for("nobody watches it")
        terminal.press("W")
        terminal.wait_for("From now on this program acts without asking", "Type fraud to confirm")
        terminal.press(*"fraud")
        terminal.wait_for("▌ fraud")
        terminal.press("enter")
        terminal.wait_for("watching 1", "This program acts by itself")
        terminal.wait_for("step 2/3", "✓ passed", seconds=100)
        assert flags(server)["fraud-canary"] == "50"
        assert [name for name in flags(server) if name.startswith("mlops-lease")]
        switch(server, canary_errors=1.0)
        shown = terminal.wait_for("✗ BREACH", "■ rolled back", "beyond its margin of 0.1", seconds=60)
        assert "watching" not in shown.splitlines()[0]
        assert flags(server)["fraud-canary"] == "0"
        terminal.wait_for("aborted, back to 2.0.0")
        terminal.press("e", "G")
        terminal.wait_for("started  ")
        terminal.press_until("N", "is rolled back; O starts another")
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    assert not [name for name in flags(server) if name.startswith("mlops-lease")]


def test_who_leaves_gives_the_lease_back_and_the_canary_stays_where_it_is(server: RunningSandbox, home: Path) -> None:
    with dashboard(home, columns=80, lines=24) as terminal:
        start_canary(terminal)
        terminal.press("W")
        terminal.wait_for("Type fraud to confirm")
        terminal.press(*"fraud")
        terminal.wait_for("▌ fraud")
        terminal.press("enter")
        terminal.wait_for("watching 1")
        until = time.monotonic() + 20
        while not any(name.startswith("mlops-lease") for name in flags(server)) and time.monotonic() < until:
            terminal.listen(0.2)
        assert any(name.startswith("mlops-lease") for name in flags(server))
        terminal.press("q")
        terminal.wait_for("This program watches fraud", "Leave the program")
        terminal.press("down", "enter")
        assert terminal.wait_for_end() == 0
    assert not any(name.startswith("mlops-lease") for name in flags(server))
    assert flags(server)["fraud-canary"] in {"40", "50"}
