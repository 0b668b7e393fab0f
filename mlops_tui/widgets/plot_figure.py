"""Lines on a grid of braille dots, drawn by plotext and returned as text with meanings instead of colours."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_tui.themes.tokens import SERIES, Token
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.text_layout import TextLine

if TYPE_CHECKING:
    from textual_plotext.plot import Plot as Plotext

TICKS = 5
_STRONG = 7
_FAINT = 8
_COLOUR = re.compile(r"\x1b\[([0-9;]*)m")


def plain_number(value: float) -> str:
    """A figure in at most six digits."""
    return f"{value:.6g}"


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot: a value for each place on the x axis, NaN where there is none.

    A faint series lies under the others without a legend, as a raw line lies under its smoothed one. ``gap_word`` is
    what the legend calls values that are not finite.
    """

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    is_faint: bool = False
    gap_word: str = "not finite"

    @property
    def gaps(self) -> int:
        """How many values are not finite."""
        return sum(not math.isfinite(value) for value in self.ys)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the x axis that is marked by a line with a word on top; a strong one is where the reader looks."""

    x: float
    text: str = ""
    is_strong: bool = False


@dataclass(frozen=True, slots=True)
class PlotData:
    """What a plot shows; ``x_text`` writes a place on the x axis, ``note`` says what was left out or decimated."""

    series: tuple[Series, ...] = ()
    x_title: str = "step"
    note: str = ""
    x_text: Callable[[float], str] = plain_number
    marks: tuple[Mark, ...] = ()

    @property
    def shown(self) -> tuple[Series, ...]:
        """The series of the legend and of the table of numbers."""
        return tuple(series for series in self.series if not series.is_faint)

    @property
    def is_empty(self) -> bool:
        """Whether there is no finite value at all."""
        return all(not math.isfinite(value) for series in self.series for value in series.ys)


def series_token(number: int) -> Token:
    """The look of the series with this place in the legend, counted from 0."""
    return SERIES[number % len(SERIES)]


def draw_figure(data: PlotData, width: int, height: int, *, is_logarithmic: bool = False) -> list[TextLine]:
    """Draw the series in ``height`` lines of ``width`` columns.

    On a logarithmic scale only positive values have a place. The number of a series stands at its last point, so that
    lines can be told apart without colours.
    """
    from textual_plotext.plot import Plot as Plotext

    figure = Plotext()
    figure.clear_figure()
    figure.theme("clear")
    figure.plotsize(width, height)
    figure._set_size(width, height)  # noqa: SLF001 - textual-plotext's own widget sets the size twice, too
    if is_logarithmic and any(True for series in data.series for _ in _stretches(series, is_logarithmic=True)):
        figure.yscale("log")
    _add_marks(figure, data)
    for series in data.series:
        if series.is_faint:
            _add(figure, series, _FAINT, is_logarithmic=is_logarithmic)
    for number, series in enumerate(data.shown):
        _add(figure, series, number % len(SERIES) + 1, is_logarithmic=is_logarithmic)
    for number, series in enumerate(data.shown):
        _label(figure, series, number, is_logarithmic=is_logarithmic)
    _x_axis(figure, data)
    return [_line(text) for text in str(figure.build()).splitlines()]


def _add(figure: Plotext, series: Series, colour: int, *, is_logarithmic: bool) -> None:
    for points in _stretches(series, is_logarithmic=is_logarithmic):
        xs, ys = [x for x, _ in points], [y for _, y in points]
        draw = figure.plot if len(points) > 1 else figure.scatter
        draw(xs, ys, marker="braille", color=colour)


def _add_marks(figure: Plotext, data: PlotData) -> None:
    """The marks within the axis; their words stand beside the line, on the side where there is more room."""
    xs = [x for series in data.series for x in series.xs if math.isfinite(x)]
    ys = [y for series in data.series for y in series.ys if math.isfinite(y)]
    if not xs or not ys:
        return
    middle = (min(xs) + max(xs)) / 2
    for mark in data.marks:
        if not min(xs) <= mark.x <= max(xs):
            continue
        colour = _STRONG if mark.is_strong else _FAINT
        figure.vline(mark.x, colour)
        if mark.text:
            figure.text(mark.text, mark.x, max(ys), color=colour, alignment="left" if mark.x < middle else "right")


def _label(figure: Plotext, series: Series, number: int, *, is_logarithmic: bool) -> None:
    stretches = list(_stretches(series, is_logarithmic=is_logarithmic))
    if stretches:
        x, y = stretches[-1][-1]
        figure.scatter([x], [y], marker=str((number + 1) % 10), color=number % len(SERIES) + 1)


def _stretches(series: Series, *, is_logarithmic: bool) -> Iterator[list[tuple[float, float]]]:
    """The runs of neighbouring points that can be drawn; what lies between them is a gap."""
    stretch: list[tuple[float, float]] = []
    for x, y in zip(series.xs, series.ys, strict=True):
        if math.isfinite(x) and math.isfinite(y) and (y > 0 or not is_logarithmic):
            stretch.append((x, y))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def round_ticks(low: float, high: float) -> list[float]:
    """At most ``TICKS`` + 1 round places from ``low`` to ``high``: multiples of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    least = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _x_axis(figure: Plotext, data: PlotData) -> None:
    places = [x for series in data.series for x in series.xs if math.isfinite(x)]
    if not places:
        return
    ticks = round_ticks(min(places), max(places))
    figure.xticks(ticks, [data.x_text(tick) for tick in ticks])


def _line(text: str) -> TextLine:
    cells: list[Cell] = []
    token, start = Token.MUTED, 0
    for code in _COLOUR.finditer(text):
        if code.start() > start:
            cells.append(Cell(text[start : code.start()], token))
        token, start = _token(code[1]), code.end()
    if start < len(text):
        cells.append(Cell(text[start:], token))
    return tuple(cells)


def _token(code: str) -> Token:
    number = code.rpartition(";")[2]
    if not code.startswith("38;5;") or not number.isdecimal() or int(number) == _FAINT:
        return Token.MUTED
    return Token.STRONG if int(number) == _STRONG else series_token(int(number) - 1)


def legend(shown: Sequence[Series], signs: Sequence[str]) -> list[TextLine]:
    """One line for each series: its number, its sign, its name, and its gaps."""
    lines: list[TextLine] = []
    for number, series in enumerate(shown):
        sign = Cell(f"{number + 1} {signs[number % len(signs)] * 2} ", series_token(number))
        gaps = f"  {series.gaps} {series.gap_word}" if series.gaps else ""
        lines.append((sign, Cell(series.name), Cell(gaps, Token.WARNING)))
    return lines
