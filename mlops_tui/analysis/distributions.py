"""A feature in the reference and now, side by side in a few cells that a person can take in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from mlops_tui.analysis.bins import edge_array
from mlops_tui.domain.drift_windows import Cell, FeatureDistribution, Stretch
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, FeatureProfile, NumericBins

MOST_CELLS = 20
MOST_CATEGORIES = 15
# The tails beyond these shares of the reference are one cell each, so that a far outlier does not flatten the rest.
_TAIL = 0.01


def distribution(feature: FeatureProfile, current: FeatureCounts, window: Stretch) -> FeatureDistribution:
    """Both sides in the same cells: ranges of about equal width for numbers, the commonest categories for texts.

    Cells end where bins end, so that every count is exact.
    """
    match feature.bins:
        case NumericBins() as bins:
            cells = list(_ranges(bins, feature.counts, current))
        case CategoryBins() as bins:
            cells = list(_categories(bins, feature.counts, current))
    cells += _special(feature.counts, current)
    return FeatureDistribution(feature.name, feature.kind, window, feature.counts.n, current.n, tuple(cells))


def _ranges(bins: NumericBins, reference: FeatureCounts, current: FeatureCounts) -> Iterator[Cell]:
    edges = edge_array(bins)
    ours, theirs = (np.append(0, np.cumsum(side.counts)) for side in (reference, current))
    ends = _cell_ends(bins, ours)
    places = [0, *(end + 1 for end in ends), bins.size]
    for first, last in pairwise(places):
        low = float(edges[first - 1]) if first else None
        high = float(edges[last - 1]) if last < bins.size else None
        yield Cell(
            _label(low, high), int(ours[last] - ours[first]), int(theirs[last] - theirs[first]), low=low, high=high
        )


def _cell_ends(bins: NumericBins, cumulative: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    """The places of the edges at which cells end: those nearest to marks that stand equally far apart."""
    edges = edge_array(bins)
    if len(edges) < MOST_CELLS:
        return list(range(len(edges)))
    total = int(cumulative[-1])
    low, high = (
        int(np.clip(np.searchsorted(cumulative[1:], share * total), 0, len(edges) - 1)) for share in (_TAIL, 1 - _TAIL)
    )
    marks = np.linspace(edges[low], edges[high], MOST_CELLS - 1)
    nearest = np.clip(np.searchsorted(edges, marks), 0, len(edges) - 1)
    return sorted(set(nearest.tolist()))


def _categories(bins: CategoryBins, reference: FeatureCounts, current: FeatureCounts) -> Iterator[Cell]:
    pairs = list(zip(bins.categories, reference.counts, current.counts, strict=False))
    shares = [ours / max(1, reference.valid) + theirs / max(1, current.valid) for _, ours, theirs in pairs]
    order = sorted(range(len(pairs)), key=lambda place: (-shares[place], place))
    shown, rest = order[:MOST_CATEGORIES], order[MOST_CATEGORIES:]
    for label, ours, theirs in (pairs[place] for place in shown):
        yield Cell(label, ours, theirs)
    if rest:
        counts = [(ours, theirs) for _, ours, theirs in (pairs[place] for place in rest)]
        yield Cell(f"{len(rest)} others", sum(ours for ours, _ in counts), sum(theirs for _, theirs in counts))
    if reference.counts[-1] or current.counts[-1]:
        yield Cell("new or rare", reference.counts[-1], current.counts[-1])


def _special(reference: FeatureCounts, current: FeatureCounts) -> Iterator[Cell]:
    pairs = (
        ("missing", reference.missing, current.missing),
        ("NaN", reference.nan, current.nan),
        ("+inf", reference.pos_inf, current.pos_inf),
        ("-inf", reference.neg_inf, current.neg_inf),
    )
    for label, ours, theirs in pairs:
        if ours or theirs:
            yield Cell(label, ours, theirs)


def _label(low: float | None, high: float | None) -> str:
    if low is None:
        return "all" if high is None else f"to {high:.4g}"
    return f"over {low:.4g}" if high is None else f"to {high:.4g}"
