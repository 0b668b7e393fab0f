"""Several things over one time axis, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.reactive import var

from mlops_tui.widgets.actions import NUMBERS, bindings
from mlops_tui.widgets.drawing import Drawing
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.plot import numbers
from mlops_tui.widgets.plot_figure import PlotData, Series
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.text_layout import TextLine
from mlops_tui.widgets.track_lines import TrackData, track_lines


class TrackCanvas(Drawing, can_focus=True):
    """The drawn rows."""

    DEFAULT_CSS = "TrackCanvas { height: 1fr; width: 1fr; padding: 0 1; }"

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace=pace)
        self.data = TrackData()

    def lines(self, width: int, height: int) -> Sequence[TextLine]:
        """The rows that fit, and under them the axis."""
        *rows, axis = track_lines(self.data, width)
        return [*rows[: max(0, height - 1)], axis]


class Tracks(Vertical):
    """Rows of bars over one time axis.

    Args:
        pace: Shared by the drawings of a screen, so that together they repaint rarely; None draws at once.
    """

    DEFAULT_CSS = "Tracks > Table { display: none; }"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings((NUMBERS,))]

    shows_numbers: var[bool] = var(False)

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._pace = pace
        self._data = TrackData()

    def compose(self) -> ComposeResult:
        """The rows, and the table that takes their place."""
        yield TrackCanvas(self._pace)
        yield Table(empty="No values.")

    @property
    def data(self) -> TrackData:
        """What was shown last, drawn or waiting for its turn."""
        return self._data

    def show(self, data: TrackData, *, by_person: bool = False) -> None:
        """Show other rows: at once when a person asked for it, else when the screen's next redraw is due."""
        if data == self._data:
            return
        self._data = data
        self._draw(by_person=by_person)

    def action_numbers(self) -> None:
        """Show the numbers as a table, or the bars again."""
        self.shows_numbers = not self.shows_numbers
        table, canvas = self.query_one(Table), self.query_one(TrackCanvas)
        table.display, canvas.display = self.shows_numbers, not self.shows_numbers
        self._draw(by_person=True)
        (table if self.shows_numbers else canvas).focus()

    def _draw(self, *, by_person: bool) -> None:
        if self.shows_numbers:
            series = tuple(Series(track.name, track.xs, track.ys) for track in self._data.tracks)
            self.query_one(Table).show(numbers(PlotData(series, self._data.x_title, x_text=self._data.x_text)))
            return
        canvas = self.query_one(TrackCanvas)
        canvas.data = self._data
        canvas.renew(by_person=by_person)
