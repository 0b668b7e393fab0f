"""Folding lines: nothing is lost, nothing is too wide."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, fit
from mlops_tui.widgets.text_layout import fold, plain_text, safe_line

cells = st.builds(Cell, st.text(max_size=30), st.sampled_from(list(Token)))


@given(st.lists(cells, max_size=5), st.integers(2, 30))
def test_folding_keeps_every_character_and_every_width(parts: list[Cell], width: int) -> None:
    line = safe_line(parts)
    pieces = fold(line, width)
    assert "".join(plain_text(piece) for piece in pieces) == plain_text(line)
    assert all(cell_len(plain_text(piece).removesuffix(" ")) <= width for piece in pieces)


@given(st.text(max_size=80), st.integers(0, 40), st.sampled_from(list(Align)))
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, align: Align) -> None:
    fitted = fit(text, width, align)
    assert cell_len(fitted) == width
    assert "\x1b" not in fitted
    assert "\n" not in fitted


def test_lines_break_at_blanks_where_there_are_some() -> None:
    line = (Cell("one two three "), Cell("four five", Token.OK))
    assert [plain_text(piece) for piece in fold(line, 10)] == ["one two ", "three four ", "five"]
    assert fold(line, 10)[1] == (Cell("three "), Cell("four ", Token.OK))
