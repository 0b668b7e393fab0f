"""A drawing and, in its place, the same numbers as a table."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.reactive import var

from mlops_tui.widgets.actions import NUMBERS, bindings
from mlops_tui.widgets.drawing import Drawing
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_source import TableSource

Canvas = TypeVar("Canvas", bound=Drawing)


class Figure(Vertical, Generic[Canvas]):
    """The ground of what is drawn from numbers; subclasses keep the numbers and call ``renew`` when they changed.

    Args:
        canvas: What draws; it keeps the pace.
    """

    DEFAULT_CSS = "Figure > Table { display: none; }"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings((NUMBERS,))]

    shows_numbers: var[bool] = var(False)

    def __init__(
        self,
        canvas: Canvas,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self.canvas = canvas

    def compose(self) -> ComposeResult:
        """The drawing, and the table that takes its place."""
        yield self.canvas
        yield Table(empty="No values.")

    def numbers(self) -> TableSource:
        """The very numbers that are drawn."""
        raise NotImplementedError

    def renew(self, *, by_person: bool = False) -> None:
        """Show what changed: at once when a person asked for it, else when the screen's next redraw is due."""
        if self.shows_numbers:
            self.canvas.in_turn(self._show_numbers, by_person=by_person)
        else:
            self.canvas.renew(by_person=by_person)

    def action_numbers(self) -> None:
        """Show the numbers as a table, or the drawing again."""
        self.shows_numbers = not self.shows_numbers
        table, had_focus = self.query_one(Table), self.has_focus_within
        table.display, self.canvas.display = self.shows_numbers, not self.shows_numbers
        self.renew(by_person=True)
        if had_focus:
            (table if self.shows_numbers else self.canvas).focus()

    def _show_numbers(self) -> None:
        self.query_one(Table).show(self.numbers())
