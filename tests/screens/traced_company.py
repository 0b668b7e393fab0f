"""A company whose fraud model was asked for half an hour, for tests that only look at its traces."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_tui.domain.traces import Span
from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from tests.operations.company import Company
from tests.sandbox.factory import client
from tests.screens.trace_traffic import store, traffic, truth
from tests.storage.trace_spans import SECOND

ROLES = ("maintainer", "reporter")


def spans_of(company: Company) -> list[Span]:
    """What the model's services sent: requests that name a project, a job and a commit which are there."""
    now_ns = int(company.sandbox_clock.now().timestamp()) * SECOND
    project = company.server.project_id("acme/fraud")
    api = client(company.server)
    job = api.get(f"/projects/{project}/jobs").json()[0]["id"]
    sha = api.get(f"/projects/{project}/repository/commits").json()[0]["id"]
    return [*traffic(now_ns, str(project), str(job), sha), truth(179, now_ns - SECOND, "fraud")]


@pytest.fixture(scope="module")
def seen(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company that is only looked at, so that many tests can share it, and the traces its model sent."""
    folder = tmp_path_factory.mktemp("seen")
    shutil.copytree(demo_data, folder / "sandbox")
    clock = SandboxClock()
    with running(Settings(world=World.DEMO, data=folder / "sandbox"), clock) as server:
        company = Company(server, clock, folder)
        asyncio.run(store(folder, spans_of(company)))
        yield company


@pytest.fixture
def unobserved(seen: Company, tmp_path: Path) -> Company:
    """The company, seen by people to whom nobody sent traces yet, on a clock of their own."""
    for role in ROLES:
        (tmp_path / role).mkdir()
    return replace(seen, folder=tmp_path, sandbox_clock=SandboxClock(seen.sandbox_clock.now()))


@pytest.fixture
def observed(unobserved: Company, seen: Company) -> Company:
    """The company after half an hour of traffic."""
    for role in ROLES:
        for kept in seen.folder.glob("traces.db*"):
            shutil.copy(kept, unobserved.folder / role)
    return unobserved
