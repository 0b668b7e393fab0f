"""What a view showed last, as cells: drawn again at the next start before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.snapshots import CACHED
from mlops_tui.widgets.as_of import Freshness
from mlops_tui.widgets.cells import Cell, Picture
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_lines import Sort
from mlops_tui.widgets.table_source import ListSource, Row

MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class FirstTable:
    """The first rows of one table; ``total`` is how many there were."""

    id: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int | None
    sort: Sort | None


@dataclass(frozen=True, slots=True)
class FirstStamp:
    """How old the data of one pane were: ``pane`` is its selector, ``interval`` in seconds how often they come anew."""

    pane: str
    fetched_at: datetime
    interval: float


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """The tables of one view, and the age of what they show."""

    tables: tuple[FirstTable, ...]
    stamps: tuple[FirstStamp, ...]

    def freshness(self) -> dict[str, Freshness]:
        """How fresh the data are, by pane."""
        return {item.pane: Freshness(Snapshot(None, item.fetched_at, CACHED), item.interval) for item in self.stamps}


def capture(tables: Iterable[Table], freshness: Mapping[str, Freshness]) -> FirstFrame:
    """Take down what the tables of a view show; those without an id are left out."""
    return FirstFrame(
        tuple(_capture(table) for table in tables if table.id is not None),
        tuple(
            FirstStamp(pane, known.snapshot.fetched_at, known.interval)
            for pane, known in freshness.items()
            if known.snapshot is not None
        ),
    )


def restore(frame: FirstFrame, tables: Iterable[Table]) -> None:
    """Show in each table what it showed last."""
    kept = {table.id: table for table in frame.tables}
    for table in tables:
        first = kept.get(table.id or "")
        if first is not None:
            table.set_reactive(Table.sort, first.sort)
            table.show(ListSource(first.columns, first.rows, first.total))


def _capture(table: Table) -> FirstTable:
    source = table.source
    rows = (
        Row(source.key(index), tuple(map(_words, source.cells(index)))) for index in range(min(MOST_ROWS, len(source)))
    )
    return FirstTable(table.id or "", tuple(source.columns), tuple(rows), source.total, table.sort)


def _words(cell: Cell) -> Cell:
    return cell.words if isinstance(cell, Picture) else cell
