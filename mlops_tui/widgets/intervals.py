"""Differences with their intervals against a margin, one line each on one common scale.

The scale is the margin: 0 stands for no difference and the heavy line for the margin, whatever the units are, so that
one glance tells which interval lies within, which beyond, and which across.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, fit
from mlops_tui.widgets.drawing import Drawing
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.text_layout import TextLine, fold, text_line

# The scale in margins: as much room for better as for worse, and the margin right of the middle.
LOW, HIGH = -2.0, 3.0
NAME_WIDTH = 22
LEAST_TRACK = 16
GAP = 2

ZERO, MARGIN = "·", "┃"
WITHIN, BEYOND = "─", "━"
LEFT_END, RIGHT_END, POINT = "├", "┤", "●"
MORE_LEFT, MORE_RIGHT = "«", "»"


@dataclass(frozen=True, slots=True)
class Interval:
    """One difference: positive is worse. ``point``, ``lower`` and ``upper`` are None where nothing can be said yet.

    ``note`` is the text behind the drawing, for instance the numbers; ``token`` says what the verdict means.
    """

    name: str
    point: float | None
    lower: float | None
    upper: float | None
    margin: float
    note: str = ""
    token: Token = Token.PLAIN


class IntervalPlot(Drawing):
    """Intervals under each other with their margins in one column.

    Args:
        empty: The sentence that stands where there are none.
        pace: See ``Drawing``.
    """

    DEFAULT_CSS: ClassVar[str] = "IntervalPlot { height: auto; width: 1fr; padding: 0 1; }"

    def __init__(
        self,
        *,
        empty: str = "Nothing to compare.",
        pace: Pace | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(pace=pace, id=id)
        self._empty = empty
        self._intervals: tuple[Interval, ...] = ()

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """What was shown last, drawn or waiting for its turn."""
        return self._intervals

    def show(self, intervals: Sequence[Interval], *, empty: str = "", by_person: bool = False) -> None:
        """Show these intervals, or ``empty`` where there are none; see ``Drawing.renew`` for when."""
        shown, said = tuple(intervals), empty or self._empty
        if (shown, said) == (self._intervals, self._empty):
            return
        has_grown = len(shown) != len(self._intervals) or not shown
        self._intervals, self._empty = shown, said
        if has_grown:
            self.refresh(layout=True)
        self.renew(by_person=by_person or has_grown)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002 - Textual's signature
        """One line for the scale and one for each interval, or as many as the sentence takes."""
        return 1 + len(self._intervals) if self._intervals else len(self.lines(width, 0))

    def lines(self, width: int, height: int) -> Sequence[TextLine]:  # noqa: ARG002 - it never needs more than it asked for
        """The scale and the intervals."""
        if not self._intervals:
            return fold(text_line(self._empty, Token.MUTED), width)
        return interval_lines(self._intervals, width)


def interval_lines(intervals: Sequence[Interval], width: int) -> list[TextLine]:
    """A line that names the scale, then one line for each interval: name, drawing, note."""
    names = min(NAME_WIDTH, max(len(interval.name) for interval in intervals))
    notes = max(len(interval.note) for interval in intervals)
    track = width - names - GAP - (notes + GAP if notes else 0)
    if track < LEAST_TRACK:
        notes, track = 0, width - names - GAP
    if track < LEAST_TRACK:
        return [(Cell("Too narrow for a drawing.", Token.MUTED),)]
    rows: list[TextLine] = [(Cell(" " * (names + GAP)), Cell(_scale(track), Token.MUTED))]
    for interval in intervals:
        name = Cell(fit(interval.name, names) + " " * GAP)
        note = (Cell(" " * GAP + fit(interval.note, notes, Align.LEFT), interval.token),) if notes else ()
        rows.append((name, *draw_interval(interval, track), *note))
    return rows


def _scale(width: int) -> str:
    """What the places on the scale are called, where there is room for it."""
    zero, margin = _column(0.0, width), _column(1.0, width)
    signs = [" "] * width
    for text, start in (("better", zero - 8), ("0", zero), ("margin", margin), ("worse", width - 5)):
        end = start + len(text)
        if start >= 0 and end <= width and all(sign == " " for sign in signs[max(0, start - 1) : end + 1]):
            signs[start:end] = text
    return "".join(signs)


def draw_interval(interval: Interval, width: int) -> TextLine:
    """One interval on the scale: light within the margin, heavy beyond it, so that it reads without colour."""
    signs: list[tuple[str, Token]] = [(" ", Token.PLAIN)] * width
    unit = _unit(interval)
    limit = 1.0 if interval.margin > 0 else 0.0
    margin = _column(limit, width)
    signs[_column(0.0, width)] = (ZERO, Token.MUTED)
    if interval.lower is not None or interval.upper is not None:
        first = -math.inf if interval.lower is None else interval.lower / unit
        last = math.inf if interval.upper is None else interval.upper / unit
        # An end beside the margin's column rather than in it, so that the side on which it lies can be told.
        start = min(width - 1, _column(first, width) + (first > limit and _column(first, width) == margin))
        end = max(start, _column(last, width) - (last < limit and _column(last, width) == margin))
        for column in range(start, end + 1):
            signs[column] = (BEYOND if column > margin else WITHIN, interval.token)
        signs[end] = (MORE_RIGHT if last > HIGH else RIGHT_END, interval.token)
        signs[start] = (MORE_LEFT if first < LOW else LEFT_END, interval.token)
    if signs[margin][0] not in {LEFT_END, RIGHT_END}:
        signs[margin] = (MARGIN, Token.STRONG)
    if interval.point is not None and LOW <= interval.point / unit <= HIGH:
        signs[_column(interval.point / unit, width)] = (POINT, interval.token)
    return _joined(signs)


def _unit(interval: Interval) -> float:
    """What one margin is worth on the scale: the margin, or where it is zero the widest of what is drawn."""
    if interval.margin > 0:
        return interval.margin
    values = (interval.point, interval.lower, interval.upper)
    return max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0) or 1.0


def _column(value: float, width: int) -> int:
    if math.isnan(value):
        return 0
    share = (min(HIGH, max(LOW, value)) - LOW) / (HIGH - LOW)
    return min(width - 1, round(share * (width - 1)))


def _joined(signs: Sequence[tuple[str, Token]]) -> TextLine:
    """Neighbours of one meaning as one cell."""
    cells: list[Cell] = []
    for sign, token in signs:
        if cells and cells[-1].token is token:
            cells[-1] = Cell(cells[-1].text + sign, token)
        else:
            cells.append(Cell(sign, token))
    return tuple(cells)
