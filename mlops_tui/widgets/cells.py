"""One cell of text: made safe, measured in terminal columns, cut and aligned."""

from __future__ import annotations

from dataclasses import dataclass
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


def styled(text: str, token: Token = Token.PLAIN) -> Content:
    """One line of text as Textual draws it, safe whatever it holds."""
    return Content.styled(clean(text), STYLES[token])


def line(*parts: Cell | str, separator: str = "") -> Content:
    """Several pieces on one line; plain strings are plain text, empty ones are left out."""
    cells = [Cell(part) if isinstance(part, str) else part for part in parts]
    pieces = [styled(cell.text, cell.token) for cell in cells if cell.text]
    return Content(separator).join(pieces)
