"""Lines of text made of cells, folded to a width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.cells import cell_len

from mlops_tui.domain.text import LINE_LIMIT, clean
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell

TextLine: TypeAlias = tuple[Cell, ...]


def text_line(text: str, token: Token = Token.PLAIN) -> TextLine:
    """A line of one meaning, safe to draw."""
    return (Cell(clean(text, LINE_LIMIT), token),)


def safe_line(line: Sequence[Cell]) -> TextLine:
    """The same line with every text made safe to draw."""
    return tuple(Cell(clean(cell.text, LINE_LIMIT), cell.token) for cell in line)


def plain_text(line: TextLine) -> str:
    """The text of a line without its meanings."""
    return "".join(cell.text for cell in line)


def line_width(line: TextLine) -> int:
    """How many terminal columns the line takes."""
    return sum(cell_len(cell.text) for cell in line)


def fold(line: TextLine, width: int) -> list[TextLine]:
    """The line in pieces of at most ``width`` columns, broken at blanks where there are some.

    The blank that a piece is broken at ends it and may stand one column beyond the width, where nobody sees it.
    """
    if line_width(line) <= width or width < 2:
        return [line]
    pieces: list[TextLine] = []
    rest = line
    while line_width(rest) > width:
        head, rest = _split(rest, _break_at(plain_text(rest), width))
        pieces.append(head)
    return [*pieces, rest] if rest else pieces


def _break_at(text: str, width: int) -> int:
    count = taken = 0
    for character in text:
        taken += cell_len(character)
        if taken > width:
            break
        count += 1
    if text[count : count + 1] == " ":
        return count + 1
    blank = text.rfind(" ", 0, count)
    return blank + 1 if blank > count // 3 else max(1, count)


def _split(line: TextLine, position: int) -> tuple[TextLine, TextLine]:
    head: list[Cell] = []
    tail: list[Cell] = []
    for cell in line:
        taken = max(0, min(position, len(cell.text)))
        if taken:
            head.append(Cell(cell.text[:taken], cell.token))
        if taken < len(cell.text):
            tail.append(Cell(cell.text[taken:], cell.token))
        position -= len(cell.text)
    return tuple(head), tuple(tail)
