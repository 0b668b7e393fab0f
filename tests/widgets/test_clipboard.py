"""Copying through the terminal."""

from __future__ import annotations

import base64

from mlops_tui.widgets.clipboard import LIMIT, copy_sequence

ENCODED = base64.b64encode("fraud 1.4.0 ✓".encode()).decode()


def test_asks_a_plain_terminal() -> None:
    copied = copy_sequence("fraud 1.4.0 ✓", {"TERM": "xterm"})
    assert copied.sequence == f"\x1b]52;c;{ENCODED}\x07"
    assert "13 characters" in copied.notice


def test_wraps_for_tmux_with_every_escape_doubled() -> None:
    copied = copy_sequence("fraud 1.4.0 ✓", {"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "screen-256color"})
    assert copied.sequence == f"\x1bPtmux;\x1b\x1b]52;c;{ENCODED}\x07\x1b\\"
    assert "tmux" in copied.notice


def test_wraps_for_screen_in_pieces_that_it_passes_on() -> None:
    text = "x" * 500
    copied = copy_sequence(text, {"STY": "1.pts-0", "TERM": "screen"})
    pieces = copied.sequence.removesuffix("\x1b\\").split("\x1b\\")
    assert all(piece.startswith("\x1bP") for piece in pieces)
    assert all(len(piece) < 256 for piece in pieces)
    assert "".join(piece.removeprefix("\x1bP") for piece in pieces) == copy_sequence(text, {}).sequence


def test_refuses_what_terminals_would_drop_and_says_how_much_is_possible() -> None:
    most = LIMIT // 4 * 3
    assert copy_sequence("x" * most, {}).was_sent
    refused = copy_sequence("x" * (most + 1), {})
    assert not refused.was_sent
    assert f"{most:,}" in refused.notice
