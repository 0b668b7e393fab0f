"""Fixtures: a demo company of one's own for every test, since the tests change it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from tests.operations.company import Company


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the demo world as it is on its first day, made once: each company starts from a copy."""
    data = tmp_path_factory.mktemp("demo") / "data"
    with running(Settings(world=World.DEMO, data=data), ManualClock()):
        return data


@pytest.fixture
def company(demo_data: Path, tmp_path: Path) -> Iterator[Company]:
    """The demo world on a clock that stands still until somebody waits."""
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    clock = ManualClock()
    with running(Settings(world=World.DEMO, data=data), clock) as server:
        yield Company(server, clock, tmp_path)


@pytest.fixture
def clustered(demo_data: Path, tmp_path: Path) -> Iterator[Company]:
    """The company on a GitLab whose clusters are still connected by certificate."""
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    clock = ManualClock()
    with running(Settings(world=World.DEMO, data=data, legacy_clusters=True), clock) as server:
        yield Company(server, clock, tmp_path)
