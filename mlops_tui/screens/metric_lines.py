"""Histories of a metric as lines to draw, with a note that says what the plot leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from mlops_tui.domain.durations import format_duration
from mlops_tui.widgets.plot_figure import PlotData, Series, plain_number

if TYPE_CHECKING:
    from mlops_tui.analysis.series import Axis, DecimatedSeries
    from mlops_tui.analysis.series import Series as Line
    from mlops_tui.domain.runs import Run
    from mlops_tui.operations.metrics import MetricCurves

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)


class PlotAxis(Enum):
    """What the values are drawn over; the value is the title of the axis."""

    STEP = "step"
    TIME = "time"
    RELATIVE = "elapsed time"

    def next(self) -> PlotAxis:
        """The one after it, in turn."""
        every = list(PlotAxis)
        return every[(every.index(self) + 1) % len(every)]


@dataclass(frozen=True, slots=True)
class Look:
    """How the lines are drawn: over what, how much smoothed (0 to below 1), on which scale, into how many columns."""

    axis: PlotAxis = PlotAxis.STEP
    smoothing: float = 0.0
    is_logarithmic: bool = False
    columns: int = 80


def plot_data(curves: MetricCurves, look: Look) -> PlotData:
    """The curves as a plot shows them; a smoothed line has the raw one under it."""
    lines = [_placed(curves, place, look) for place in range(len(curves.histories))]
    bounds = _bounds(lines)
    raw = [line.decimated(look.columns, bounds) for line in lines]
    series = []
    if look.smoothing:
        series += [_series("", part, is_faint=True) for part in raw]
        smooth = [line.smoothed(look.smoothing).decimated(look.columns, bounds) for line in lines]
        series += [_series(name, part) for name, part in zip(_names(curves.runs), smooth, strict=True)]
    else:
        series += [_series(name, part) for name, part in zip(_names(curves.runs), raw, strict=True)]
    return PlotData(tuple(series), look.axis.value, _note(curves, raw), _writer(look.axis, bounds))


def _placed(curves: MetricCurves, place: int, look: Look) -> Line:
    from mlops_tui.analysis.series import Series as Line

    line = Line.of(curves.histories[place], _axis(look.axis), curves.runs[place].started_at)
    return line.for_log_scale() if look.is_logarithmic else line


def _axis(axis: PlotAxis) -> Axis:
    from mlops_tui.analysis.series import Axis

    match axis:
        case PlotAxis.STEP:
            return Axis.STEP
        case PlotAxis.TIME:
            return Axis.TIME
        case PlotAxis.RELATIVE:
            return Axis.RELATIVE


def _bounds(lines: Sequence[Line]) -> tuple[float, float] | None:
    ends = [end for line in lines if len(line) for end in (float(line.x[0]), float(line.x[-1]))]
    return (min(ends), max(ends)) if ends else None


def _series(name: str, part: DecimatedSeries, *, is_faint: bool = False) -> Series:
    return Series(name, tuple(part.series.x.tolist()), tuple(part.series.y.tolist()), is_faint)


def _names(runs: Sequence[Run]) -> list[str]:
    """The runs' names, told apart by their ids where two have the same."""
    names = [run.name or run.id[:8] for run in runs]
    return [f"{name} {run.id[:8]}" if names.count(name) > 1 else name for name, run in zip(names, runs, strict=True)]


def _note(curves: MetricCurves, parts: Sequence[DecimatedSeries]) -> str:
    """What the plot leaves out, by the number of the line in the legend; empty when it shows everything."""
    remarks = [(place + 1, _remark(curves, place, part)) for place, part in enumerate(parts)]
    if len(remarks) == 1:
        return remarks[0][1]
    return "; ".join(f"{number}: {remark}" for number, remark in remarks if remark)


def _remark(curves: MetricCurves, place: int, part: DecimatedSeries) -> str:
    history = curves.histories[place]
    if not history.points:
        return "not logged"
    line = part.series
    is_whole = part.shown == part.total and not (line.gaps or line.hidden or line.unplaced)
    remarks = ["" if is_whole else part.note, "" if history.is_complete else "GitLab tells only the latest value"]
    return ", ".join(remark for remark in remarks if remark)


def _writer(axis: PlotAxis, bounds: tuple[float, float] | None) -> Callable[[float], str]:
    match axis:
        case PlotAxis.STEP:
            return plain_number
        case PlotAxis.TIME:
            days = {_date(bound)[:5] for bound in bounds or ()}
            return _date if len(days) > 1 else _time_of_day
        case PlotAxis.RELATIVE:
            return _since


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%m-%d %H:%M}"


def _time_of_day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%H:%M:%S}"


def _since(seconds: float) -> str:
    return ("-" if seconds < 0 else "") + format_duration(timedelta(seconds=abs(seconds)))
