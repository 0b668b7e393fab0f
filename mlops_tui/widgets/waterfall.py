"""A waterfall: a tree whose rows carry bars over a common time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import ceil
from typing import ClassVar, Protocol, TypeAlias

from textual.binding import BindingType

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import TREE_ACTIONS, bindings
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_source import TableSource

BAR = "━"
CRITICAL = "█"

Stretch: TypeAlias = tuple[float, float]


class FoldingSource(TableSource, Protocol):
    """Rows some of which hide those below them."""

    def folded(self, keys: frozenset[str]) -> TableSource:
        """The rows that stay when what hangs on these is hidden."""
        ...


class Waterfall(Table, inherit_bindings=False):
    """Rows that fold over a source of any size; the cursor and the folded rows survive a refresh."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(TREE_ACTIONS)]

    _whole: FoldingSource | None = None
    _folded: frozenset[str] = frozenset()

    def show_tree(self, source: FoldingSource) -> None:
        """Show these rows, folded as before."""
        self._whole = source
        self.show(source.folded(self._folded))

    def reveal(self, key: str) -> bool:
        """Put the cursor on a row, unfolding everything where it is hidden; False when there is none."""
        if self.source.index_of(key) is None and self._whole is not None:
            self._folded = frozenset()
            self.show(self._whole.folded(self._folded))
        return self.go_to(key)

    def action_fold(self) -> None:
        """Hide what hangs on the current row, or show it again."""
        if self.cursor_key is not None and self._whole is not None:
            self._folded ^= {self.cursor_key}
            self.show(self._whole.folded(self._folded))


def bar(width: int, stretch: Stretch, critical: Iterable[Stretch], token: Token, path: Token) -> Sequence[Cell]:
    """A bar in ``width`` terminal columns: where in the whole (from 0 to 1) something was, and where it was critical.

    Whatever was shorter than a column still has one, so that nothing is invisible. A column is critical when at least
    half of what the bar has in it is.
    """
    if width <= 0:
        return ()
    first = min(width - 1, int(stretch[0] * width))
    last = max(first, min(width, ceil(stretch[1] * width - 1e-9)) - 1)
    filled, spent = _shares(width, (stretch,)), _shares(width, critical)
    marks = [spent[column] > 0 and 2 * spent[column] >= filled[column] for column in range(first, last + 1)]
    pieces = [Cell(" " * first)] if first else []
    for is_critical, run in groupby(marks):
        length = sum(1 for _ in run)
        pieces.append(Cell((CRITICAL if is_critical else BAR) * length, path if is_critical else token))
    return pieces


def _shares(width: int, stretches: Iterable[Stretch]) -> list[float]:
    """How much of each column the stretches cover, in columns."""
    covered = [0.0] * width
    for start, end in stretches:
        column = int(start * width)
        while column < min(width, end * width):
            covered[column] += min(column + 1.0, end * width) - max(float(column), start * width)
            column += 1
    return covered
