"""A tree drawn as a table: the first column carries the branches, the others whatever belongs to a node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import BindingType

from mlops_tui.themes.glyphs import Sign
from mlops_tui.widgets.actions import TREE_ACTIONS, bindings
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source


@dataclass(frozen=True, slots=True)
class Branch:
    """A node: its name for good, its cells (the first one gets the branches drawn before it), what hangs on it."""

    key: str
    cells: tuple[Cell, ...]
    children: tuple[Branch, ...] = ()


class Tree(Table, inherit_bindings=False):
    """Nodes that fold; the cursor and the folded nodes belong to keys and survive a refresh.

    Args:
        columns: The columns of the cells; the first should have ``flex``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(TREE_ACTIONS)]

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "Nothing here.",
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(columns, empty=empty, id=id)
        self._columns = tuple(columns)
        self._roots: tuple[Branch, ...] = ()
        self._folded: frozenset[str] = frozenset()

    def show_branches(self, roots: Sequence[Branch]) -> None:
        """Show these trees."""
        self._roots = tuple(roots)
        self._fill()

    def action_fold(self) -> None:
        """Fold the current node or unfold it."""
        if self.cursor_key is not None:
            self._folded ^= {self.cursor_key}
            self._fill()

    def _fill(self) -> None:
        rows = [row for root in self._roots for row in self._rows(root, "", "")]
        self.show(list_source(self._columns, rows))

    def _rows(self, node: Branch, first: str, further: str) -> Iterator[tuple[str, tuple[Cell, ...]]]:
        is_folded = node.key in self._folded and bool(node.children)
        label, *others = node.cells
        fold = f"{Sign.CRUMB.glyph} " if is_folded else ""
        yield node.key, (replace(label, text=first + fold + label.text), *others)
        if is_folded:
            return
        for child in node.children:
            is_last = child is node.children[-1]
            yield from self._rows(
                child, further + ("└─ " if is_last else "├─ "), further + ("   " if is_last else "│  ")
            )
