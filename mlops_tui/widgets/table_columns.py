"""Columns of a table and how the width at hand is shared among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.widgets.cells import Align

ALWAYS = 100
GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column; widths are in terminal columns.

    Where the terminal is too narrow the column of the lowest ``priority`` is left out first; one with ``ALWAYS`` never
    is, the table then scrolls sideways. Spare width goes to the columns with ``flex``, in its proportion, up to
    ``max_width`` (0: no limit).
    """

    key: str
    title: str
    min_width: int
    max_width: int = 0
    flex: int = 0
    priority: int = ALWAYS
    align: Align = Align.LEFT
    is_sortable: bool = True


@dataclass(frozen=True, slots=True)
class PlacedColumn:
    """A column that is shown: ``index`` counts in the source's columns, ``start`` is its first terminal column."""

    column: Column
    index: int
    start: int
    width: int


def place(columns: Sequence[Column], available: int) -> tuple[PlacedColumn, ...]:
    """Choose the columns that are shown in ``available`` terminal columns, and their widths."""
    shown = list(range(len(columns)))
    while _needed(columns, shown) > available:
        droppable = [index for index in shown if columns[index].priority < ALWAYS]
        if not droppable:
            break
        shown.remove(min(droppable, key=lambda index: (columns[index].priority, -index)))
    widths = _widths([columns[index] for index in shown], available - _gaps(shown))
    placed: list[PlacedColumn] = []
    start = 0
    for index, width in zip(shown, widths, strict=True):
        placed.append(PlacedColumn(columns[index], index, start, width))
        start += width + GAP
    return tuple(placed)


def total_width(placed: Sequence[PlacedColumn]) -> int:
    """The width of all shown columns with the gaps between them."""
    return placed[-1].start + placed[-1].width if placed else 0


def _gaps(shown: Sequence[int]) -> int:
    return GAP * max(0, len(shown) - 1)


def _needed(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return sum(columns[index].min_width for index in shown) + _gaps(shown)


def _widths(columns: Sequence[Column], available: int) -> list[int]:
    widths = [column.min_width for column in columns]
    spare = available - sum(widths)
    growing = [index for index, column in enumerate(columns) if column.flex and _room(column, widths[index])]
    while spare > 0 and growing:
        share = sum(columns[index].flex for index in growing)
        given = 0
        for index in growing:
            wanted = max(1, spare * columns[index].flex // share)
            taken = min(wanted, _room(columns[index], widths[index]), spare - given)
            widths[index] += taken
            given += taken
        spare -= given
        growing = [index for index in growing if _room(columns[index], widths[index])]
        if not given:
            break
    return widths


def _room(column: Column, width: int) -> int:
    return column.max_width - width if column.max_width else 1_000_000
