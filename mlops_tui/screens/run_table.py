"""The table of runs, which can be sorted by more than it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlops_tui.widgets.table import Table

if TYPE_CHECKING:
    from mlops_tui.widgets.table_columns import Column


class RunsTable(Table, inherit_bindings=True):
    """A table whose ``choices`` answer what its rows can be sorted by."""

    choices: Callable[[], Sequence[Column]] | None = None

    def sort_columns(self) -> Sequence[Column]:
        """Everything that was logged, not only what there is room for."""
        return self.choices() if self.choices is not None else super().sort_columns()
