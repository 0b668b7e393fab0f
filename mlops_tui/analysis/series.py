"""The history of a metric as a line to draw: placed on an axis, smoothed, thinned out without losing its extremes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.sparse_columns import FloatArray
from mlops_tui.domain.runs import MetricHistory

_POINTS_PER_COLUMN = 4


class Axis(Enum):
    """What a history is drawn over."""

    STEP = "step"
    TIME = "time"
    RELATIVE = "relative time"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A line: ``x`` never decreases and is finite, ``y`` is NaN where the line has a gap.

    ``x`` is the step, Unix seconds, or seconds since the origin. ``gaps`` counts the values that are NaN or infinite,
    ``unplaced`` the points that have no place on the axis (no time stamp), and ``hidden`` those that a logarithmic
    scale cannot show.
    """

    x: FloatArray
    y: FloatArray
    gaps: int
    unplaced: int
    hidden: int = 0

    def __len__(self) -> int:
        return len(self.x)

    @classmethod
    def of(cls, history: MetricHistory, axis: Axis, origin: datetime | None = None) -> Series:
        """Place a history on an axis; relative time counts from ``origin``, or else from the first point."""
        x = _places(history, axis)
        y = np.array([point.value for point in history.points], np.float64)
        is_placed = ~np.isnan(x)
        x, y = x[is_placed], y[is_placed]
        if axis is Axis.RELATIVE and len(x):
            x = x - (x.min() if origin is None else origin.timestamp())
        order = np.argsort(x, kind="stable")
        values = np.where(np.isfinite(y), y, np.nan)[order]
        return cls(x[order], values, int(np.isnan(values).sum()), int((~is_placed).sum()))

    def for_log_scale(self) -> Series:
        """The line without the values that have no logarithm, which are counted as hidden."""
        is_hidden = self.y <= 0
        return replace(self, y=np.where(is_hidden, np.nan, self.y), hidden=self.hidden + int(is_hidden.sum()))

    def smoothed(self, weight: float) -> Series:
        """The exponential moving average, corrected for its start at zero; a gap stays one and is passed over.

        ``weight`` is what the past counts for, from 0 (no smoothing) to below 1, as in TensorBoard.
        """
        if not 0 <= weight < 1:
            raise ValueError(f"a smoothing weight is at least 0 and below 1, not {weight}")
        return replace(self, y=_smoothed(self.y, weight))

    def decimated(self, columns: int, x_range: tuple[float, float] | None = None) -> DecimatedSeries:
        """Thin the line out to what ``columns`` of a plot can show.

        In each column the first, the last, the lowest and the highest point stay, and a gap stays a gap. No point is
        made up. ``x_range`` is that of the plot where it is wider than the line's own.
        """
        if columns < 1:
            raise ValueError(f"a plot has at least one column, not {columns}")
        is_point = ~np.isnan(self.y)
        points = np.flatnonzero(is_point)
        if len(points) <= _POINTS_PER_COLUMN * columns:
            return DecimatedSeries(self, len(points), len(points))
        kept = points[_extremes(self.y[points], self._columns_of(points, columns, x_range))]
        indices = np.union1d(kept, _gaps_between(kept, np.flatnonzero(~is_point)))
        return DecimatedSeries(replace(self, x=self.x[indices], y=self.y[indices]), len(kept), len(points))

    def _columns_of(
        self, points: NDArray[np.intp], columns: int, x_range: tuple[float, float] | None
    ) -> NDArray[np.intp]:
        low, high = x_range or (self.x[0], self.x[-1])
        width = (high - low) / columns
        if width <= 0:
            return np.zeros(len(points), np.intp)
        return np.clip((self.x[points] - low) / width, 0, columns - 1).astype(np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class DecimatedSeries:
    """What is left of a line: ``shown`` of ``total`` points, gaps not counted."""

    series: Series
    shown: int
    total: int

    @property
    def note(self) -> str:
        """What the reader of the plot has to know, such as "412 of 10,000 points shown, 3 not a number"."""
        count = f"{self.total:,} point" if self.total == 1 else f"{self.total:,} points"
        if self.shown < self.total:
            count = f"{self.shown:,} of {count} shown"
        series = self.series
        remarks = (
            (series.gaps, "not a number"),
            (series.hidden, "not above zero"),
            (series.unplaced, "without a time"),
        )
        return ", ".join([count, *(f"{number:,} {what}" for number, what in remarks if number)])


def _places(history: MetricHistory, axis: Axis) -> FloatArray:
    if axis is Axis.STEP:
        return np.array([point.step for point in history.points], np.float64)
    stamps = (point.timestamp for point in history.points)
    return np.array([np.nan if stamp is None else stamp.timestamp() for stamp in stamps], np.float64)


def _smoothed(values: FloatArray, weight: float) -> FloatArray:
    smooth = np.full(len(values), np.nan)
    sums = correction = 0.0
    for place in np.flatnonzero(~np.isnan(values)).tolist():
        sums = weight * sums + (1 - weight) * float(values[place])
        correction = weight * correction + (1 - weight)
        smooth[place] = sums / correction
    # An average lies between the values it is made of; rounding must not carry it out.
    bounded: FloatArray = np.clip(smooth, np.fmin.accumulate(values), np.fmax.accumulate(values))
    return bounded


def _extremes(values: FloatArray, columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """The places of the first, last, lowest and highest value of every column; ``columns`` never decreases."""
    is_first = np.append(True, columns[1:] != columns[:-1])
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], len(values)) - 1
    group = np.cumsum(is_first) - 1
    lowest = _first_equal(values, np.minimum.reduceat(values, first), group)
    highest = _first_equal(values, np.maximum.reduceat(values, first), group)
    return np.unique(np.concatenate([first, last, lowest, highest]))


def _first_equal(values: FloatArray, wanted: FloatArray, group: NDArray[np.intp]) -> NDArray[np.intp]:
    equal = np.flatnonzero(values == wanted[group])
    _, first = np.unique(group[equal], return_index=True)
    return equal[first]


def _gaps_between(kept: NDArray[np.intp], gaps: NDArray[np.intp]) -> NDArray[np.intp]:
    """One gap for every two kept points that had one between them."""
    after = np.searchsorted(gaps, kept[:-1])
    before = np.searchsorted(gaps, kept[1:])
    return gaps[after[before > after]]
