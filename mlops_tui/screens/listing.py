"""Short lists: their rows are all there, so they are filtered and sorted where they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeAlias

from textual import on

from mlops_tui.domain.errors import UsageError
from mlops_tui.screens.view import View
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_lines import Sort
from mlops_tui.widgets.table_source import ListSource, Row

Order: TypeAlias = "float | str | datetime | tuple[int, str] | None"
BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (110, "-wide")]
NOTHING_FITS = "Nothing fits the filter; esc clears it."


@dataclass(frozen=True, slots=True)
class Item:
    """A row: ``order`` says by what it sorts in the columns whose text would sort wrongly, None sorting last."""

    key: str
    cells: tuple[Cell, ...]
    order: Mapping[str, Order] = field(default_factory=dict)


class ListedView(View):
    """A view around one short list in the table with the id ``LIST``.

    Subclasses name the ``COLUMNS``, say in ``items`` what the rows are, and call ``relist`` when they differ.
    """

    LIST: ClassVar[str] = ""
    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    EMPTY: ClassVar[str] = "Nothing here."

    def __init__(self) -> None:
        super().__init__()
        self._listed_at: datetime | None = None

    def items(self, now: datetime) -> Sequence[Item] | None:
        """The rows in the order in which they stand unless another is chosen; None while nothing is known."""
        raise NotImplementedError

    def list_table(self) -> Table:
        """The table, for ``body``."""
        return Table(self.COLUMNS, empty="Loading…", id=self.LIST, classes="-filtered")

    @property
    def listed(self) -> Table:
        """The table."""
        return self.query_one(f"#{self.LIST}", Table)

    def relist(self) -> None:
        """Draw the rows that fit, sorted."""
        now = self.host.clock.now()
        items = self.items(now)
        if items is None:
            return
        self._listed_at = now
        table = self.listed
        kept = sorted_items(filtered_items(items, self.filter_text), self.COLUMNS, table.sort)
        table.show_message(NOTHING_FITS if items and not kept else self.EMPTY)
        table.show(ListSource(self.COLUMNS, [Row(item.key, item.cells) for item in kept], len(items)))

    def restamp(self) -> None:
        """Tell ages anew once a minute."""
        super().restamp()
        if self._listed_at is not None and (self.host.clock.now() - self._listed_at).total_seconds() >= 60:
            self.relist()

    def check_filter(self, text: str) -> None:
        """Raise a UsageError for what is no text to find."""
        from mlops_tui.domain.filters import TextSearch, parse_query

        query = parse_query(text)
        if query is not None and not isinstance(query, TextSearch):
            raise UsageError("Only runs and traces are filtered by fields", remedy="Type a text or a pattern")

    def filter_rows(self, _text: str) -> None:
        """Keep the rows that fit."""
        self.relist()

    @on(Table.SortChosen)
    def _sort(self, event: Table.SortChosen) -> None:
        if event.table is self.listed:
            event.stop()
            event.table.sort = event.sort
            self.relist()


def filtered_items(items: Iterable[Item], text: str) -> list[Item]:
    """The rows with a cell in which the pattern is found; turned around by a leading ``!``."""
    from mlops_tui.domain.filters import TextSearch, parse_query

    search = parse_query(text)
    if not isinstance(search, TextSearch):
        return list(items)
    fits: Callable[[Item], bool] = lambda item: any(search.pattern.is_in(cell.text) for cell in item.cells)  # noqa: E731
    return [item for item in items if fits(item) is not search.is_inverted]


def sorted_items(items: Sequence[Item], columns: Sequence[Column], sort: Sort | None) -> list[Item]:
    """The rows by one column, those without a value last in either direction; as they came where none is chosen."""
    place = next((index for index, column in enumerate(columns) if sort and column.key == sort.column), None)
    if sort is None or place is None:
        return list(items)
    values = [(_order(item, sort.column, place), item) for item in items]
    known = [(value, item) for value, item in values if value is not None]
    known.sort(key=lambda pair: pair[0], reverse=sort.is_descending)
    return [item for _, item in known] + [item for value, item in values if value is None]


def _order(item: Item, column: str, place: int) -> Order:
    if column in item.order:
        return item.order[column]
    return item.cells[place].text.casefold() or None
