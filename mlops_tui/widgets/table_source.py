"""Where a table's rows come from. The table asks for the rows it shows and for no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.table_columns import Column


class TableSource(Protocol):
    """Rows in their order, already sorted and filtered; any number of them."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns, in the order of the cells."""
        ...

    @property
    def total(self) -> int | None:
        """How many rows there are before filtering, or None while nobody knows."""
        ...

    def __len__(self) -> int: ...

    def cells(self, index: int) -> Sequence[Cell]:
        """The cells of one row, as many as there are columns."""
        ...

    def key(self, index: int) -> str:
        """What names the row for good, wherever it stands after the next refresh."""
        ...

    def index_of(self, key: str) -> int | None:
        """Where the row with this key stands, or None when it is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a short list."""

    key: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ListSource:
    """Rows that are all there: for lists of some thousand rows at most."""

    columns: Sequence[Column]
    rows: Sequence[Row] = ()
    total: int | None = None
    _places: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def cells(self, index: int) -> Sequence[Cell]:
        """The cells of one row."""
        return self.rows[index].cells

    def key(self, index: int) -> str:
        """The row's key."""
        return self.rows[index].key

    def index_of(self, key: str) -> int | None:
        """Where the row with this key stands."""
        if not self._places:
            self._places.update({row.key: index for index, row in enumerate(self.rows)})
        return self._places.get(key)


def list_source(columns: Sequence[Column], rows: Iterable[tuple[str, Sequence[Cell]]]) -> ListSource:
    """A source of all the given rows, each a key and its cells."""
    kept = [Row(key, tuple(cells)) for key, cells in rows]
    return ListSource(columns, kept, len(kept))
