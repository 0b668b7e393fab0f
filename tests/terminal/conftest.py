"""Fixtures: the company in a sandbox whose time runs fast, and the program in a terminal on it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings, World
from tests.operations.conftest import demo_data
from tests.terminal.terminal import Terminal

__all__ = ["demo_data"]


@pytest.fixture
def server(demo_data: Path, tmp_path: Path) -> Iterator[RunningSandbox]:
    """The company, its jobs twenty times as fast as they would be."""
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    with running(Settings(world=World.DEMO, data=data, speed=20)) as sandbox:
        yield sandbox


def dashboard(
    url: str, server: RunningSandbox, home: Path, *, columns: int = 120, lines: int = 40, **more: str
) -> Terminal:
    """The real program on an address, as the company's maintainer."""
    projects = [word for item in server.projects for word in ("--project", str(item["path"]))]
    environment = {
        "HOME": str(home),
        "COLORTERM": "truecolor",
        "GITLAB_HOST": url,
        "GITLAB_TOKEN": server.tokens["maintainer"],
        **more,
    }
    command = [sys.executable, "-m", "mlops_tui", "--url", url, *projects]
    return Terminal(command, columns=columns, lines=lines, environment=environment)
