"""How the dashboard ends on a mistake of its own: the terminal as it was, one line, and a log to look into."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.terminal.terminal import Terminal

pytestmark = [pytest.mark.serial, pytest.mark.timeout(60)]

ALTERNATE_SCREEN_OFF = b"\x1b[?1049l"
BROKEN_PROGRAM = """
import logging, sys
from mlops_tui.app import MlopsApp
from mlops_tui.cli.dashboard import open_dashboard
from mlops_tui.cli.errors import guarded
from mlops_tui.domain.contexts import Context

def broken(app):
    kept = "glpat-abcdefghijklmnopqrst"
    logging.getLogger("mlops_tui.screens").warning("a pane was odd")
    raise IndexError(f"no such piece, {kept}")

MlopsApp._load = broken
sys.exit(guarded(lambda: open_dashboard(Context("demo", "http://127.0.0.1:9", ("acme/fraud",)), None)))
"""


def test_a_crash_gives_the_terminal_back_and_leaves_a_log(tmp_path: Path) -> None:
    console, source = tmp_path / "console", Path(__file__).parents[2]
    environment = {"HOME": str(tmp_path), "MLOPS_TUI_HOME": str(console), "PYTHONPATH": str(source)}
    with Terminal([sys.executable, "-c", BROKEN_PROGRAM], environment=environment) as terminal:
        assert terminal.wait_for_end() != 0
        assert ALTERNATE_SCREEN_OFF in terminal.raw
        log = console / "state" / "mlops-tui.log"
        assert "Something unexpected went wrong (IndexError)" in terminal.text
        assert "Traceback" not in terminal.text
    written = log.read_text("utf-8")
    assert "IndexError: no such piece, ***" in written
    assert "WARNING mlops_tui.screens: a pane was odd" in written
    assert "glpat-" not in written
    assert log.stat().st_mode & 0o777 == 0o600
