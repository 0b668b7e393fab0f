"""The whole command line, called in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mlops_tui.cli.errors import guarded
from mlops_tui.cli.main import run


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON on standard output."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


Program = Callable[..., Ended]


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """Call the program with arguments, as a shell would."""

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        status = guarded(lambda: run(arguments))
        written = capsys.readouterr()
        return Ended(status, written.out, written.err)

    return call
