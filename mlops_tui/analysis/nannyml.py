"""The numbers and rules of NannyML 0.13 for one column, made from the raw values.

Formulas as in its ``drift/univariate/methods.py``: the current data are one chunk; the alert threshold is the mean plus
three standard deviations of a figure over the ten chunks of the reference, in the order of its rows. From ten thousand
reference values on, its Kolmogorov-Smirnov and Wasserstein figures are those of ten thousand bins of equal width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.distances import hellinger_distance, jensen_shannon_distance
from mlops_tui.analysis.raw_columns import (
    RawNumbers,
    RawTexts,
    ToolFigure,
    exact_kolmogorov_smirnov,
    exact_wasserstein,
)
from mlops_tui.analysis.sparse_columns import FloatArray
from mlops_tui.domain.drift import Statistic

_CHUNKS = 10
_BINS = 10_000
_MANY = 10_000
_P = 0.05

_Item = TypeVar("_Item", np.float64, np.object_)
_OfNumbers = Callable[[FloatArray], float]
_OfTexts = Callable[[Sequence[str]], float]


def numeric_figures(reference: RawNumbers, current: RawNumbers) -> list[ToolFigure]:
    """All figures of a numeric column, both sides of which have values and no infinities."""
    ours, theirs = (side.values[~np.isnan(side.values)] for side in (reference, current))
    methods: list[tuple[Statistic, _OfNumbers, float | None]] = [
        (Statistic.JS_2, _binned(ours, lambda first, second: jensen_shannon_distance(first, second, 2)), None),
        (Statistic.HELLINGER, _binned(ours, hellinger_distance), None),
        (Statistic.KS, _kolmogorov_smirnov(ours), 1.0),
        (Statistic.WASSERSTEIN, _wasserstein(ours), None),
    ]
    chunks = [chunk[~np.isnan(chunk)] for chunk in _chunked(reference.values)]
    return [
        _judged(statistic, method(theirs), [method(chunk) for chunk in chunks if len(chunk)], most)
        for statistic, method, most in methods
    ]


def categorical_figures(reference: RawTexts, current: RawTexts) -> list[ToolFigure]:
    """All figures of a categorical column, both sides of which have values."""
    ours, theirs = reference.present(), current.present()
    methods: list[tuple[Statistic, _OfTexts]] = [
        (Statistic.JS_2, _pooled(ours, lambda first, second: jensen_shannon_distance(first, second, 2))),
        (Statistic.HELLINGER, _pooled(ours, hellinger_distance)),
        (Statistic.LINF, _l_infinity(ours)),
    ]
    rows = np.array(reference.values, object)
    chunks = [[text for text in chunk if text is not None] for chunk in _chunked(rows)]
    figures = [
        _judged(statistic, method(theirs), [method(chunk) for chunk in chunks if chunk], None)
        for statistic, method in methods
    ]
    return [*figures, _chi_square(ours, theirs)]


def _chunked(rows: NDArray[_Item]) -> list[NDArray[_Item]]:
    size = len(rows) // _CHUNKS
    return [rows[start : start + size] for start in range(0, len(rows), size)] if size else []


def _judged(statistic: Statistic, value: float, of_chunks: Sequence[float], most: float | None) -> ToolFigure:
    decides = statistic is Statistic.JS_2
    if not of_chunks:
        reason = f"its threshold takes {_CHUNKS} rows of reference"
        return ToolFigure(statistic, value, None, None, is_drift=False, decides=decides, reason=reason)
    threshold = float(np.mean(of_chunks) + 3 * np.std(of_chunks))
    if most is not None:
        threshold = min(threshold, most)
    return ToolFigure(statistic, value, None, threshold, value > threshold, decides)


def _with_leftover(ours: FloatArray, theirs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The shares with one more bin for what falls outside the reference's bins."""
    leftover = 1 - float(theirs.sum())
    if leftover <= 0:
        return ours, theirs
    return np.append(ours, 0.0), np.append(theirs, leftover)


def _binned(ours: FloatArray, distance: Callable[[FloatArray, FloatArray], float]) -> _OfNumbers:
    edges = np.histogram_bin_edges(ours, bins="doane")
    shares = np.histogram(ours, edges)[0] / len(ours)
    return lambda values: distance(*_with_leftover(shares, np.histogram(values, edges)[0] / len(values)))


def _kolmogorov_smirnov(ours: FloatArray) -> _OfNumbers:
    if len(ours) < _MANY:
        return lambda values: exact_kolmogorov_smirnov(ours, values)[0]
    edges = np.linspace(ours.min(), ours.max(), _BINS + 1)
    up_to = np.cumsum(np.histogram(ours, edges)[0] / len(ours))

    def estimated(values: FloatArray) -> float:
        below = np.count_nonzero(values < edges[0]) / len(values)
        theirs = below + np.cumsum(np.histogram(values, edges)[0] / len(values))
        return float(np.abs(up_to - theirs).max())

    return estimated


def _wasserstein(ours: FloatArray) -> _OfNumbers:
    if len(ours) < _MANY:
        return lambda values: exact_wasserstein(ours, values)
    counts, edges = np.histogram(ours, bins=_BINS)
    up_to = np.cumsum(counts / len(ours))

    def estimated(values: FloatArray) -> float:
        below, above = values[values < edges[0]], values[values > edges[-1]]
        # One more than there are: the bound itself is counted in.
        share_below = (len(below) + 1) / len(values) if len(below) else 0.0
        share_above = (len(above) + 1) / len(values) if len(above) else 0.0
        theirs = np.cumsum(np.histogram(values, bins=edges)[0] / len(values)) + share_below
        inside = float(np.sum(np.abs(up_to - theirs) * (edges[1] - edges[0])))
        left = share_below * _area_under(np.append(below, edges[0])) if len(below) else 0.0
        right = share_above * _area_over(np.append(above, edges[-1])) if len(above) else 0.0
        return inside + left + right

    return estimated


def _area_under(values: FloatArray) -> float:
    places, counts = np.unique(values, return_counts=True)
    return float(np.sum((np.cumsum(counts) / len(values))[:-1] * np.diff(places)))


def _area_over(values: FloatArray) -> float:
    places, counts = np.unique(values, return_counts=True)
    return float(np.sum((1 - np.cumsum(counts) / len(values))[:-1] * np.diff(places)))


def _pooled(ours: Sequence[str], distance: Callable[[FloatArray, FloatArray], float]) -> _OfTexts:
    """A distance over the reference's categories, all others pooled."""
    names, counts = np.unique(np.array(ours, object), return_counts=True)
    places = {name: place for place, name in enumerate(names)}
    shares = counts / len(ours)

    def of(values: Sequence[str]) -> float:
        codes = [places[value] for value in values if value in places]
        theirs = np.bincount(np.array(codes, np.int64), minlength=len(places)) / len(values)
        return distance(*_with_leftover(shares, theirs))

    return of


def _l_infinity(ours: Sequence[str]) -> _OfTexts:
    def of(values: Sequence[str]) -> float:
        first, second = _table(ours, values)
        return float(np.abs(first / first.sum() - second / second.sum()).max())

    return of


def _chi_square(ours: Sequence[str], theirs: Sequence[str]) -> ToolFigure:
    """The test of the table of both, with the correction for continuity where there are two categories."""
    from scipy.special import chdtrc

    table = _table(ours, theirs)
    freedom = table.shape[1] - 1
    if not freedom:
        return ToolFigure(Statistic.CHI2, 0.0, 1.0, _P, is_drift=False)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    differences = np.abs(table - expected)
    if freedom == 1:
        differences -= np.minimum(0.5, differences)
    value = float(np.sum(differences**2 / expected))
    p = float(chdtrc(freedom, value))
    return ToolFigure(Statistic.CHI2, value, p, _P, p < _P)


def _table(ours: Sequence[str], theirs: Sequence[str]) -> FloatArray:
    _, codes = np.unique(np.array([*ours, *theirs], object), return_inverse=True)
    size = int(codes.max()) + 1
    rows = [np.bincount(side, minlength=size) for side in np.split(codes, [len(ours)])]
    return np.array(rows, np.float64)
