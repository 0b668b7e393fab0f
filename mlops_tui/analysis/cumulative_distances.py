"""Distances between cumulative distributions of which only counts per bin are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlops_tui.analysis.bins import edge_array
from mlops_tui.analysis.sparse_columns import FloatArray
from mlops_tui.domain.profiles import FeatureCounts, NumericBins


@dataclass(frozen=True, slots=True)
class Bracket:
    """A figure that counts cannot tell exactly: it lies from ``lower`` to ``upper``, and ``value`` is the estimate."""

    value: float
    lower: float
    upper: float


def kolmogorov_smirnov(bins: NumericBins, reference: FeatureCounts, current: FeatureCounts) -> Bracket:
    """The greatest distance of the two cumulative shares.

    The estimate is the lower end, the distance at the edges. Between two edges the curves can be further apart by no
    more than the bin's own shares, which are small for bins of equal shares of the reference, and not at all where a
    bin holds a single number.
    """
    ours, theirs = _shares(reference), _shares(current)
    up_to, other_up_to = np.cumsum(ours), np.cumsum(theirs)
    before, other_before = up_to - ours, other_up_to - theirs
    above = np.minimum(before - other_before + ours, up_to - other_up_to + theirs)
    below = np.maximum(before - other_before - theirs, up_to - other_up_to - ours)
    furthest = np.maximum(above, -below)[_is_wide(bins)]
    at_edges = float(np.abs(up_to - other_up_to)[:-1].max(initial=0.0))
    return Bracket(at_edges, at_edges, min(1.0, float(furthest.max(initial=at_edges))))


def wasserstein(bins: NumericBins, reference: FeatureCounts, current: FeatureCounts) -> Bracket | None:
    """The area between the two cumulative shares, in the unit of the feature.

    The estimate takes the values of a bin as spread evenly between its edges, or up to the side's own least and
    greatest value in the open bins. None where a side has no finite value or the area is too large for a number.
    """
    if not reference.valid or not current.valid:
        return None
    knots = _knots(bins, reference, current)
    ours, theirs = _curve(bins, reference, knots), _curve(bins, current, knots)
    (low, high), (other_low, other_high) = _envelope(bins, reference, knots), _envelope(bins, current, knots)
    least = np.maximum(low[:-1] - other_high[1:], other_low[:-1] - high[1:]).clip(0.0)
    most = np.maximum(high[1:] - other_low[:-1], other_high[1:] - low[:-1])
    gaps = ours - theirs
    with np.errstate(over="ignore", invalid="ignore"):
        widths = np.diff(knots)
        areas = [float(np.sum(part * widths)) for part in (_mean_size(gaps[:-1], gaps[1:]), least, most)]
    return Bracket(*areas) if all(map(math.isfinite, areas)) else None


def _shares(values: FeatureCounts) -> FloatArray:
    counts = np.array(values.counts, np.float64)
    return counts / max(1.0, float(counts.sum()))


def _is_wide(bins: NumericBins) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which bins hold more than one number."""
    edges = edge_array(bins)
    inner = np.nextafter(edges[1:], -np.inf) > edges[:-1]
    return np.concatenate([[True], inner, [True]])[: bins.size]


def _knots(bins: NumericBins, *sides: FeatureCounts) -> FloatArray:
    bounds = [bound for side in sides for bound in (side.min, side.max) if bound is not None]
    edges = edge_array(bins)
    inside = edges[(edges > min(bounds)) & (edges < max(bounds))]
    return np.unique(np.concatenate([inside, bounds]))


def _curve(bins: NumericBins, values: FeatureCounts, knots: FloatArray) -> FloatArray:
    """The share of values up to each knot, on straight lines between the edges and the bounds of this side."""
    edges = edge_array(bins)
    low, high = values.min or 0.0, values.max or 0.0
    if low == high:
        return (knots >= low).astype(np.float64)
    up_to = np.cumsum(_shares(values))[:-1]
    is_known = (edges >= low) & (edges < high)
    places, heights = edges[is_known], up_to[is_known]
    if not len(places) or places[0] > low:
        places, heights = np.append(low, places), np.append(0.0, heights)
    curve: FloatArray = np.interp(knots, np.append(places, high), np.append(heights, 1.0), left=0.0)
    return curve


def _envelope(bins: NumericBins, values: FeatureCounts, knots: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The least and the greatest share of values there can be up to each knot."""
    edges = edge_array(bins)
    up_to = np.cumsum(_shares(values))
    low = np.append(0.0, up_to)[np.searchsorted(edges, knots, side="right")]
    high = up_to[np.searchsorted(edges, knots)]
    is_below, is_all = knots < (values.min or 0.0), knots >= (values.max or 0.0)
    return np.where(is_all, 1.0, np.where(is_below, 0.0, low)), np.where(is_below, 0.0, np.where(is_all, 1.0, high))


def _mean_size(left: FloatArray, right: FloatArray) -> FloatArray:
    """The mean distance from zero of straight lines from ``left`` to ``right``."""
    span = np.abs(left) + np.abs(right)
    crossing = (left**2 + right**2) / (2 * np.where(span > 0, span, 1.0))
    return np.where(left * right < 0, crossing, span / 2)
