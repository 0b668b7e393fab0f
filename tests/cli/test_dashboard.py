from __future__ import annotations

import io
import subprocess
import sys

import pytest

from mlops_tui.cli.dashboard import require_terminal
from mlops_tui.domain.errors import UsageError
from tests.cli.conftest import Program


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_a_terminal_without_abilities_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match="mlops-tui runs list"):
        require_terminal({"TERM": kind}, Terminal(), Terminal())


@pytest.mark.parametrize(("source", "target"), [(io.StringIO(), Terminal()), (Terminal(), io.StringIO())])
def test_a_pipe_on_either_side_is_refused(source: io.StringIO, target: io.StringIO) -> None:
    with pytest.raises(UsageError, match="needs a terminal"):
        require_terminal({"TERM": "xterm"}, source, target)


def test_a_terminal_is_enough() -> None:
    require_terminal({"TERM": "xterm"}, Terminal(), Terminal())


@pytest.mark.parametrize("arguments", [(), ("--context", "work"), ("demo",)])
def test_the_program_names_the_headless_way(program: Program, arguments: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", "mlops_tui", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "mlops-tui runs list" in done.stderr
