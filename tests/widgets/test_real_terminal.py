"""The program in a pseudo-terminal: what it sends, and how it leaves."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.terminal.terminal import Terminal

pytestmark = pytest.mark.serial

COLOUR = re.compile(rb"\x1b\[([\d;:]*)m")
STYLES = {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"9", b"39", b"49"}
RESTORED = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?25h")


@contextmanager
def gallery(home: Path, environment: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """The gallery in a terminal, drawn and loaded."""
    root = Path(__file__).parents[2]
    base = {"PYTHONPATH": str(root), "HOME": str(home), "COLORTERM": "truecolor"}
    command = [sys.executable, "-m", "tests.widgets.gallery", "dark"]
    with Terminal(command, columns=80, lines=24, environment={**base, **(environment or {})}) as terminal:
        terminal.wait_for("fraud-run-000")
        while terminal.listen(1.0):
            continue
        yield terminal


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_the_terminal_restored(tmp_path: Path, number: signal.Signals) -> None:
    with gallery(tmp_path) as terminal:
        before = len(terminal.raw)
        terminal.signal(number)
        assert terminal.wait_for_end() == 128 + number
        for sequence in RESTORED:
            assert sequence in terminal.raw[before:], sequence


def test_q_ends_it_with_the_terminal_restored(tmp_path: Path) -> None:
    with gallery(tmp_path) as terminal:
        terminal.press("q")
        assert terminal.wait_for_end() == 0
        for sequence in RESTORED:
            assert sequence in terminal.raw, sequence
        pushed = len(re.findall(rb"\x1b\[>\d+u", terminal.raw))
        assert pushed == terminal.raw.count(b"\x1b[<u")


def test_ctrl_c_asks_first(tmp_path: Path) -> None:
    with gallery(tmp_path) as terminal:
        terminal.press("\x03")
        terminal.wait_for("Press ctrl+c again")
        terminal.press("\x03")
        assert terminal.wait_for_end() == 130


def test_it_ends_when_the_terminal_is_gone(tmp_path: Path) -> None:
    with gallery(tmp_path) as terminal:
        terminal.hang_up()
        terminal.wait_for_end()


def test_without_colour_it_sends_no_colour_code(tmp_path: Path) -> None:
    with gallery(tmp_path, {"NO_COLOR": "1"}) as terminal:
        for key in ("down", "s", "escape", "?", "escape", ":", "x", "enter"):
            terminal.press(key)
            terminal.listen(0.3)
        codes = {code for sequence in COLOUR.findall(terminal.raw) for code in sequence.split(b";")}
        assert codes <= STYLES


def test_with_nothing_to_tell_it_sends_nothing(tmp_path: Path) -> None:
    with gallery(tmp_path) as terminal:
        assert terminal.listen(6.0) == b""


def test_where_only_latin_letters_go_it_sends_ascii(tmp_path: Path) -> None:
    with gallery(tmp_path, {"PYTHONIOENCODING": "latin-1"}) as terminal:
        assert terminal.raw.isascii()
        assert "> fraud-run-000" in terminal.text
        assert "+ finished" in terminal.text
