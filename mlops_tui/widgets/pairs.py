"""Two distributions side by side, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.drawing import Drawing
from mlops_tui.widgets.figure import Figure
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.pair_lines import PairData, pair_lines, percent
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import ListSource, TableSource, list_source
from mlops_tui.widgets.text_layout import TextLine, text_line

Fitting = Callable[[int], PairData]
"""The data in at most so many lines."""


class PairCanvas(Drawing, can_focus=True):
    """The drawn bars, put together until they fit the height."""

    DEFAULT_CSS = "PairCanvas { height: 1fr; width: 1fr; }"

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace=pace)
        self.fitting: Fitting = lambda _: PairData()
        self.message = ""

    def lines(self, width: int, height: int) -> Sequence[TextLine]:
        """A line for the names and one for each value."""
        if self.message:
            return [text_line(self.message, Token.MUTED)]
        return pair_lines(self.fitting(max(1, height - 1)), width)


class Pairs(Figure[PairCanvas]):
    """Bars for two sides.

    Args:
        pace: Shared by the drawings of a screen, so that together they repaint rarely; None draws at once.
    """

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(PairCanvas(pace=pace), id=id)
        self._whole = PairData()

    def show(self, whole: PairData, fitting: Fitting, *, by_person: bool = False) -> None:
        """Show other data: ``whole`` in the table, as much as ``fitting`` makes of it in the drawing."""
        self._whole = whole
        self.canvas.fitting, self.canvas.message = fitting, ""
        self.renew(by_person=by_person)

    def say(self, message: str) -> None:
        """Show a sentence instead of bars."""
        self._whole = PairData()
        self.canvas.message = message
        self.renew(by_person=True)

    def numbers(self) -> TableSource:
        """The counts and shares of each value."""
        return pair_table(self._whole)


def pair_table(data: PairData) -> ListSource:
    """The very counts that the bars stand for."""
    columns = (
        Column("value", "VALUE", 12, max_width=40, flex=2, is_sortable=False),
        *(
            Column(f"{name} {what}", title, 8, max_width=14, flex=1, align=Align.RIGHT, is_sortable=False)
            for name in data.names
            for what, title in (("rows", name.upper()), ("share", "SHARE"))
        ),
    )
    rows = []
    for pair in data.pairs:
        first, second = data.shares(pair)
        cells = (
            *(number(f"{pair.first:,}"), number(percent(first))),
            *(number(f"{pair.second:,}"), number(percent(second))),
        )
        rows.append((pair.label, (Cell(pair.label), *cells)))
    return list_source(columns, rows)
