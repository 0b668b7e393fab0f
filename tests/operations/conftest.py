"""Fixtures: a demo company of one's own for every test, since the tests change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.settings import World
from tests.operations.company import Company
from tests.sandbox.factory import SandboxFactory, sandbox

__all__ = ["company", "sandbox"]


@pytest.fixture
def company(sandbox: SandboxFactory, tmp_path: Path) -> Company:
    """The demo world on a clock that stands still until somebody waits."""
    clock = ManualClock()
    return Company(sandbox(world=World.DEMO, clock=clock), clock, tmp_path)
