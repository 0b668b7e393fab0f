"""One cell of text: made safe, measured in terminal columns, cut and aligned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from mlops_tui.domain.text import clean
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import STYLES, Token


class Align(StrEnum):
    """Where the text of a cell stands."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Cell:
    """Text with its meaning; the text is data, never markup."""

    text: str
    token: Token = Token.PLAIN
    align: Align = Align.LEFT


EMPTY = Cell("")


@dataclass(frozen=True, slots=True)
class Picture(Cell):
    """A cell that is drawn to the width it gets, as pieces that fill it; ``text`` says the same in words.

    ``draw`` may hand on less than the width, never more.
    """

    draw: Callable[[int], Sequence[Cell]] = field(default=lambda _width: (), kw_only=True, compare=False)

    @property
    def words(self) -> Cell:
        """The cell without its picture."""
        return Cell(self.text, self.token, self.align)


def number(text: str, token: Token = Token.PLAIN) -> Cell:
    """A cell whose text stands at the right, as numbers do."""
    return Cell(text, token, Align.RIGHT)


def fit(text: str, width: int, align: Align = Align.LEFT) -> str:
    """The text in exactly ``width`` terminal columns, an ellipsis where something was cut off."""
    if width <= 0:
        return ""
    safe = clean(text)
    length = cell_len(safe)
    if length > width:
        return set_cell_size(safe, width - 1) + Sign.ELLIPSIS.glyph
    padding = " " * (width - length)
    return padding + safe if align is Align.RIGHT else safe + padding


def drawn(cell: Cell, width: int, align: Align) -> Sequence[Cell]:
    """The pieces that fill ``width`` terminal columns with a cell."""
    if not isinstance(cell, Picture):
        return (Cell(fit(cell.text, width, align), cell.token),)
    pieces = [Cell(clean(piece.text), piece.token) for piece in cell.draw(width)]
    rest = width - sum(cell_len(piece.text) for piece in pieces)
    return (*pieces, Cell(" " * rest, cell.token)) if rest > 0 else pieces


def styled(text: str, token: Token = Token.PLAIN) -> Content:
    """One line of text as Textual draws it, safe whatever it holds."""
    return Content.styled(clean(text), STYLES[token])


def line(*parts: Cell | str, separator: str = "") -> Content:
    """Several pieces on one line; plain strings are plain text, empty ones are left out."""
    cells = [Cell(part) if isinstance(part, str) else part for part in parts]
    pieces = [styled(cell.text, cell.token) for cell in cells if cell.text]
    return Content(separator).join(pieces)
