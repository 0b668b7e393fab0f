"""Several things over one time axis, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.widgets.drawing import Drawing
from mlops_tui.widgets.figure import Figure
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.plot import plot_table
from mlops_tui.widgets.plot_figure import PlotData, Series
from mlops_tui.widgets.table_source import TableSource
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


class Tracks(Figure[TrackCanvas]):
    """Rows of bars over one time axis.

    Args:
        pace: Shared by the drawings of a screen, so that together they repaint rarely; None draws at once.
    """

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(TrackCanvas(pace=pace), id=id)

    @property
    def data(self) -> TrackData:
        """What was shown last, drawn or waiting for its turn."""
        return self.canvas.data

    def show(self, data: TrackData, *, by_person: bool = False) -> None:
        """Show other rows: at once when a person asked for it, else when the screen's next redraw is due."""
        if data == self.data:
            return
        self.canvas.data = data
        self.renew(by_person=by_person)

    def numbers(self) -> TableSource:
        """The values of every row over the axis."""
        series = tuple(Series(track.name, track.xs, track.ys) for track in self.data.tracks)
        return plot_table(PlotData(series, self.data.x_title, x_text=self.data.x_text))
