"""One plot for all screens: several lines, a logarithmic scale, and the same numbers as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.reactive import var

from mlops_tui.themes.glyphs import SERIES_SIGNS
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import LOGARITHMIC, bindings
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.drawing import Drawing
from mlops_tui.widgets.figure import Figure
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.plot_figure import PlotData, draw_figure, legend, plain_number
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import ListSource, TableSource, list_source
from mlops_tui.widgets.text_layout import TextLine, text_line


def plot_table(data: PlotData) -> ListSource:
    """The very values that the plot draws, as a table."""
    shown = data.shown
    value = Column("", "", 10, max_width=14, flex=1, align=Align.RIGHT, is_sortable=False)
    titles = [series.name for series in shown]
    columns = [Column("x", data.x_title, 12, is_sortable=False)]
    columns += [
        Column(str(place), title, value.min_width, 24, 1, align=Align.RIGHT, is_sortable=False)
        for place, title in enumerate(titles)
    ]
    at: dict[float, dict[int, float]] = {}
    for place, series in enumerate(shown):
        for x, y in zip(series.xs, series.ys, strict=True):
            at.setdefault(x, {})[place] = y
    rows = [
        (repr(x), (Cell(data.x_text(x)), *(_value(values.get(place)) for place in range(len(shown)))))
        for x, values in sorted(at.items())
    ]
    return list_source(columns, rows)


def _value(value: float | None) -> Cell:
    if value is None:
        return number("")
    return number(plain_number(value)) if math.isfinite(value) else number(str(value), Token.WARNING)


class PlotCanvas(Drawing, can_focus=True):
    """The drawn lines."""

    DEFAULT_CSS = "PlotCanvas { height: 1fr; width: 1fr; }"

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace=pace)
        self.data = PlotData()
        self.is_logarithmic = False

    def lines(self, width: int, height: int) -> Sequence[TextLine]:
        """The figure, under it what the lines are, and the note."""
        if self.data.is_empty:
            return [(Cell("No values to draw.", Token.MUTED),)]
        marks = legend(self.data.shown, SERIES_SIGNS)[: max(1, height // 3)]
        note = [text_line(self.data.note, Token.MUTED)] if self.data.note else []
        room = height - len(marks) - len(note)
        if width < 20 or room < 5:
            return [(Cell("Too small for a plot; t shows the numbers.", Token.MUTED),)]
        figure = draw_figure(self.data, width, room, is_logarithmic=self.is_logarithmic)
        return [*figure, *marks, *note]


class Plot(Figure[PlotCanvas]):
    """Lines over steps or time.

    Args:
        pace: Shared by the plots of a screen, so that together they repaint rarely; None draws at once.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings((LOGARITHMIC,))]

    is_logarithmic: var[bool] = var(False)

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(PlotCanvas(pace=pace), id=id)

    @property
    def data(self) -> PlotData:
        """What was shown last, drawn or waiting for its turn."""
        return self.canvas.data

    def show(self, data: PlotData, *, by_person: bool = False) -> None:
        """Show other data: at once when a person asked for it, else when the screen's next redraw is due."""
        if data == self.data:
            return
        self.canvas.data = data
        self.renew(by_person=by_person)

    def numbers(self) -> TableSource:
        """The values of every line over the axis."""
        return plot_table(self.data)

    def action_logarithmic(self) -> None:
        """Switch between a linear and a logarithmic scale."""
        self.canvas.is_logarithmic = self.is_logarithmic = not self.is_logarithmic
        self.renew(by_person=True)
