"""What a table tells its pane and its view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from mlops_tui.widgets.table_lines import Sort

if TYPE_CHECKING:
    from mlops_tui.widgets.table import Table


@dataclass(frozen=True, slots=True)
class TableStatus:
    """What a pane's title says about its table; ``total`` is None while nobody knows."""

    shown: int
    total: int | None
    marked: int
    filter: str

    @property
    def text(self) -> str:
        """For instance "12 of 120 · 2 marked · /auc"."""
        total = "?" if self.total is None else f"{self.total:,}"
        is_unknown = self.total is None and not self.shown
        count = "" if is_unknown else f"{self.shown:,}" if self.total == self.shown else f"{self.shown:,} of {total}"
        marks = f"{self.marked:,} marked" if self.marked else ""
        return " · ".join(part for part in (count, marks, f"/{self.filter}" if self.filter else "") if part)


class About(Message, namespace="table"):
    """What a table tells; ``control`` lets handlers name a table by its selector."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> Table:
        """The table that sent it."""
        return self.table


class Moved(About, namespace="table"):
    """The cursor stands on another row, or on none."""

    def __init__(self, table: Table, key: str | None) -> None:
        super().__init__(table)
        self.key = key


class Opened(About, namespace="table"):
    """The current row shall be opened."""

    def __init__(self, table: Table, key: str) -> None:
        super().__init__(table)
        self.key = key


class MarksChanged(About, namespace="table"):
    """Other rows are marked."""

    def __init__(self, table: Table, keys: frozenset[str]) -> None:
        super().__init__(table)
        self.keys = keys


class SortChosen(About, namespace="table"):
    """The rows shall stand by this column; the receiver sorts, shows the rows and sets ``sort``."""

    def __init__(self, table: Table, sort: Sort) -> None:
        super().__init__(table)
        self.sort = sort


class DrawingFailed(About, namespace="table"):
    """The source made a mistake; its pane shows it."""

    def __init__(self, table: Table, error: Exception) -> None:
        super().__init__(table)
        self.error = error


class StatusChanged(About, namespace="table"):
    """The counts or the filter changed; a pane shows them in its title."""

    def __init__(self, table: Table, status: TableStatus) -> None:
        super().__init__(table)
        self.status = status
