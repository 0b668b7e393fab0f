"""Telling a person who looks elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlops_tui.domain.preferences import Announcement
from mlops_tui.widgets.announcements import announcement_sequence, run_announcement

HOSTILE = "fraud\x1b]52;c;AAAA\x07 ; rm -rf / $(id)"


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (Announcement.OFF, ""),
        (Announcement.BELL, "\x07"),
        (Announcement.OSC9, "\x1b]9;mlops-tui: two; words\x07".replace("two; words", "two, words")),
        (Announcement.OSC777, "\x1b]777;notify;mlops-tui;two, words\x07"),
    ],
)
def test_each_way_sends_its_own_sequence(how: Announcement, expected: str) -> None:
    assert announcement_sequence(how, "mlops-tui", "two; words", {}) == expected


def test_what_strangers_wrote_cannot_end_the_sequence() -> None:
    sent = announcement_sequence(Announcement.OSC777, "mlops-tui", HOSTILE, {})
    assert sent.count("\x1b") == 1
    assert sent.count("\x07") == 1
    assert sent.count(";") == 3
    wrapped = announcement_sequence(Announcement.OSC9, "t", "x", {"TMUX": "1"})
    assert wrapped == "\x1bPtmux;\x1b\x1b]9;t: x\x07\x1b\\"


async def test_the_program_gets_the_text_as_one_argument_and_no_shell_reads_it(tmp_path: Path) -> None:
    target = tmp_path / "said"
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(repr(sys.argv[2:]))"
    await run_announcement([sys.executable, "-c", script, str(target)], "mlops-tui", "-n; $(touch x) `id`")
    assert target.read_text() == "['mlops-tui: -n; $(touch x) `id`']"


async def test_a_program_that_is_missing_is_no_error() -> None:
    await run_announcement(["/nowhere/at/all"], "mlops-tui", "x")
    await run_announcement([], "mlops-tui", "x")
