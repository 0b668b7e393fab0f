"""Plain text tables for the command line: aligned by what a terminal shows, not by counting characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_GAP = "  "
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_LEAST = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, the key of the item it shows, whether it holds numbers, and whether it is never cut.

    ``show`` words a value for people; programs get the value itself.
    """

    title: str
    key: str
    is_number: bool = False
    is_whole: bool = False
    show: Callable[[Any], str] | None = None


def cell_width(text: str) -> int:
    """How many columns of a terminal a text takes; wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def fitted(text: str, width: int) -> str:
    """The text, cut to ``width`` columns with an ellipsis where it is longer."""
    if cell_width(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += _character_width(character)
        if used > width - 1:
            break
        kept += character
    return kept + _ELLIPSIS


def layout(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """The lines of a table, titles first; cut to ``width`` columns unless it is None."""
    widths = [
        max([cell_width(column.title), *(cell_width(row[index]) for row in rows)])
        for index, column in enumerate(columns)
    ]
    if width is not None:
        widths = _narrowed(columns, widths, width - len(_GAP) * (len(widths) - 1))
    titles = [column.title.upper() for column in columns]
    return [_line(columns, row, widths) for row in (titles, *rows)]


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> str:
    cells = []
    for column, text, width in zip(columns, row, widths, strict=True):
        shown = fitted(text, width)
        padding = " " * (width - cell_width(shown))
        cells.append(padding + shown if column.is_number else shown + padding)
    return _GAP.join(cells).rstrip()


def _narrowed(columns: Sequence[Column], widths: Sequence[int], available: int) -> list[int]:
    """Take from the widest column until all fit or none can be narrower."""
    narrowed = list(widths)
    cuttable = [index for index, column in enumerate(columns) if not column.is_whole]
    while cuttable and sum(narrowed) > available:
        widest = max(cuttable, key=narrowed.__getitem__)
        if narrowed[widest] <= _LEAST:
            break
        narrowed[widest] -= 1
    return narrowed


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
