"""One plot for all screens: several lines, a logarithmic scale, and the same numbers as a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.reactive import var
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget

from mlops_tui.themes.glyphs import SERIES_SIGNS
from mlops_tui.themes.tokens import STYLES, Token
from mlops_tui.widgets.actions import PLOT_ACTIONS, bindings
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.plot_figure import PlotData, draw_figure, legend, plain_number
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import Row
from mlops_tui.widgets.text_layout import TextLine, safe_line, text_line


@dataclass(frozen=True)
class _Numbers:
    """The numbers of a plot as rows: one for each place on the x axis."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def total(self) -> int:
        return len(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def cells(self, index: int) -> tuple[Cell, ...]:
        return self.rows[index].cells

    def key(self, index: int) -> str:
        return self.rows[index].key

    def index_of(self, key: str) -> int | None:
        return next((index for index, row in enumerate(self.rows) if row.key == key), None)


def numbers(data: PlotData) -> _Numbers:
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
        Row(repr(x), (Cell(data.x_text(x)), *(_value(values.get(place)) for place in range(len(shown)))))
        for x, values in sorted(at.items())
    ]
    return _Numbers(tuple(columns), tuple(rows))


def _value(value: float | None) -> Cell:
    if value is None:
        return number("")
    return number(plain_number(value)) if math.isfinite(value) else number(str(value), Token.WARNING)


class PlotCanvas(Widget, can_focus=True):
    """The drawn lines; they are drawn anew only for other data, another size or other colours."""

    DEFAULT_CSS = "PlotCanvas { height: 1fr; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._data = PlotData()
        self._is_logarithmic = False
        self._drawn: list[TextLine] | None = None
        self._strips: list[Strip] | None = None

    def draw(self, data: PlotData, *, is_logarithmic: bool) -> None:
        """Draw these data now."""
        self._data, self._is_logarithmic = data, is_logarithmic
        self._drawn = self._strips = None
        self.refresh()

    def notify_style_update(self) -> None:
        """Take the colours of another palette."""
        super().notify_style_update()
        self._strips = None

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size."""
        self._drawn = self._strips = None

    def render_line(self, y: int) -> Strip:
        """One line of the figure."""
        if self._strips is None:
            self._strips = self._to_strips()
        width = self.size.width
        base = self.rich_style
        return self._strips[y].adjust_cell_length(width, base) if y < len(self._strips) else Strip.blank(width, base)

    def _to_strips(self) -> list[Strip]:
        if self._drawn is None:
            self._drawn = self._figure()
        base = self.rich_style
        styles = {token: base + Style.parse(text).rich_style for token, text in STYLES.items() if text}
        return [Strip([Segment(cell.text, styles.get(cell.token, base)) for cell in line]) for line in self._drawn]

    def _figure(self) -> list[TextLine]:
        width, height = self.size
        if self._data.is_empty:
            return [(Cell("No values to draw.", Token.MUTED),)]
        marks = [safe_line(row) for row in legend(self._data.shown, SERIES_SIGNS)[: max(1, height // 3)]]
        note = [text_line(self._data.note, Token.MUTED)] if self._data.note else []
        room = height - len(marks) - len(note)
        if width < 20 or room < 5:
            return [(Cell("Too small for a plot; t shows the numbers.", Token.MUTED),)]
        figure = draw_figure(self._data, width, room, is_logarithmic=self._is_logarithmic)
        return [*figure, *marks, *note]


class Plot(Vertical):
    """Lines over steps or time.

    Args:
        pace: Shared by the plots of a screen, so that together they repaint rarely; None draws at once.
    """

    DEFAULT_CSS = "Plot > Table { display: none; }"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(PLOT_ACTIONS)]

    shows_numbers: var[bool] = var(False)
    is_logarithmic: var[bool] = var(False)

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._pace = pace or Pace(interval=0.0)
        self._data = PlotData()
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The lines, and the table that takes their place."""
        yield PlotCanvas()
        yield Table(empty="No values.")

    @property
    def data(self) -> PlotData:
        """What was shown last, drawn or waiting for its turn."""
        return self._data

    def show(self, data: PlotData, *, by_person: bool = False) -> None:
        """Show other data: at once when a person asked for it, else when the screen's next redraw is due."""
        if data == self._data:
            return
        self._data = data
        wait = 0.0 if by_person else self._pace.wait()
        if wait <= 0:
            self._draw()
        elif self._timer is None:
            self._timer = self.set_timer(wait, self._draw)

    def action_numbers(self) -> None:
        """Show the numbers as a table, or the plot again."""
        self.shows_numbers = not self.shows_numbers
        table, canvas = self.query_one(Table), self.query_one(PlotCanvas)
        had_focus = self.has_focus_within
        table.display, canvas.display = self.shows_numbers, not self.shows_numbers
        self._draw()
        if had_focus:
            (table if self.shows_numbers else canvas).focus()

    def action_logarithmic(self) -> None:
        """Switch between a linear and a logarithmic scale."""
        self.is_logarithmic = not self.is_logarithmic
        self._draw()

    def _draw(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self.shows_numbers:
            self.query_one(Table).show(numbers(self._data))
        else:
            self.query_one(PlotCanvas).draw(self._data, is_logarithmic=self.is_logarithmic)
