"""Signs, and their replacements in ASCII."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from mlops_tui.themes.glyphs import SERIES_SIGNS, AsciiFilter, Sign, needs_ascii, to_ascii
from mlops_tui.widgets.sparkline import BARS


@pytest.mark.parametrize("sign", list(Sign), ids=lambda sign: sign.name)
def test_every_sign_is_one_column_in_both_sets(sign: Sign) -> None:
    assert cell_len(sign.glyph) == 1
    assert len(sign.ascii) == 1
    assert sign.ascii.isascii()
    assert to_ascii(sign.glyph) == sign.ascii


def test_states_differ_in_ascii_too() -> None:
    states = [Sign.OK, Sign.FAILED, Sign.WARNING, Sign.RUNNING, Sign.WAITING, Sign.PAUSED, Sign.STOPPED, Sign.UNKNOWN]
    assert len({sign.ascii for sign in states}) == len(states)


def test_what_our_widgets_draw_has_replacements() -> None:
    assert "?" not in to_ascii(BARS + "".join(SERIES_SIGNS) + "├─└│┌┐┘┤┬┴┼━┃╭╮╰╯•⠤⣿")


@given(st.text(max_size=60))
def test_the_replacement_is_ascii_and_as_wide(text: str) -> None:
    replaced = to_ascii(text)
    assert replaced.isascii()
    assert len(replaced.replace("?", "")) <= len(text)
    if all(character.isprintable() for character in text):
        assert cell_len(replaced) == sum(cell_len(character) for character in text)


def test_the_filter_keeps_styles() -> None:
    style = Style(bold=True)
    assert AsciiFilter().apply([Segment("✓ ok", style)], Color(0, 0, 0)) == [Segment("+ ok", style)]


@pytest.mark.parametrize(
    ("encoding", "needs"),
    [("utf-8", False), ("UTF8", False), ("latin-1", True), ("ascii", True), (None, True), ("no-such-encoding", True)],
)
def test_only_unicode_terminals_get_the_signs(encoding: str | None, needs: bool) -> None:
    assert needs_ascii(encoding) is needs
