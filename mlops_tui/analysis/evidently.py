"""The numbers and rules of Evidently 0.7 for one column, made from the raw values.

Formulas as in its ``calculations/stattests``: NaN and infinities are dropped; numbers with more than twenty different
values in the reference are put into Sturges bins over both samples, others are categories; empty bins are filled for
PSI alone; chi-square takes the reference as exact; TVD is judged by a permutation test.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mlops_tui.analysis.distances import (
    jensen_shannon_distance,
    population_stability_index,
    total_variation_distance,
)
from mlops_tui.analysis.raw_columns import (
    RawNumbers,
    RawTexts,
    ToolFigure,
    exact_kolmogorov_smirnov,
    exact_wasserstein,
)
from mlops_tui.analysis.sparse_columns import FloatArray
from mlops_tui.domain.drift import Statistic

_DISTANCE = 0.1
_P = 0.05
_PERMUTATION_P = 0.1
_FEW_ROWS = 1_000
_FEW_NUMBERS = 5
_AS_CATEGORIES = 20
_FEW_WHOLE_NUMBERS = 10
_PERMUTATIONS = 1_000
# A permutation of so many rows, a thousand times, is what a report may cost.
_MOST_PERMUTED = 200_000


def is_categorical(current: RawNumbers | RawTexts) -> bool:
    """How Evidently takes a column it was told nothing about: few different whole numbers are categories."""
    if isinstance(current, RawTexts):
        return True
    return current.is_whole and len(np.unique(current.values)) <= _FEW_WHOLE_NUMBERS


def is_free_text(current: RawTexts) -> bool:
    """Whether Evidently takes texts it was told nothing about for prose: more than half of them come once."""
    counts = current.counts()
    return len(counts) > counts.total() / 2


def numeric_figures(reference: RawNumbers, current: RawNumbers) -> list[ToolFigure]:
    """All figures of a numeric column, both sides of which have finite values."""
    ours, theirs = reference.finite(), current.finite()
    shares = _numeric_shares(ours, theirs)
    different = len(np.unique(np.concatenate([ours, theirs])))
    chosen = _choice(len(ours), different, is_numeric=True)
    distance, p = exact_kolmogorov_smirnov(ours, theirs)
    normed = exact_wasserstein(ours, theirs) / max(float(np.std(ours)), 0.001)
    figures = [
        *_distances(*shares, chosen),
        _distance(Statistic.WASSERSTEIN_NORMED, normed, chosen),
        _distance(Statistic.HELLINGER, _numeric_hellinger(ours, theirs), chosen),
        ToolFigure(Statistic.KS, distance, p, _P, p <= _P, chosen is Statistic.KS),
    ]
    if different <= _FEW_NUMBERS:
        figures.append(_chi_square(_number_counts(ours), _number_counts(theirs), chosen))
    return figures


def categorical_figures(reference: RawTexts, current: RawTexts) -> list[ToolFigure]:
    """All figures of a categorical column, both sides of which have values."""
    ours, theirs = reference.counts(), current.counts()
    chosen = _choice(ours.total(), len({*ours, *theirs}), is_numeric=False)
    ours_shares, theirs_shares = _counted_shares(ours, theirs)
    overlap = float(np.clip(np.sum(np.sqrt(ours_shares * theirs_shares)), 0, 1))
    return [
        *_distances(ours_shares, theirs_shares, chosen),
        _distance(Statistic.HELLINGER, float(np.sqrt(1 - overlap)), chosen),
        _chi_square(ours, theirs, chosen),
        _total_variation(reference, current, ours_shares, theirs_shares),
    ]


def _choice(rows: int, different: int, *, is_numeric: bool) -> Statistic | None:
    """The test that decides unless told otherwise; None is the z-test for two categories, which has no figure here."""
    if rows > _FEW_ROWS:
        return Statistic.WASSERSTEIN_NORMED if is_numeric and different > _FEW_NUMBERS else Statistic.JS_LN
    if is_numeric and different > _FEW_NUMBERS:
        return Statistic.KS
    return Statistic.CHI2 if different > 2 else None


def _distances(ours: FloatArray, theirs: FloatArray, chosen: Statistic | None) -> list[ToolFigure]:
    index = population_stability_index(_filled(ours), _filled(theirs))
    distance = jensen_shannon_distance(ours / ours.sum(), theirs / theirs.sum())
    return [_distance(Statistic.PSI, index, chosen), _distance(Statistic.JS_LN, distance, chosen)]


def _distance(statistic: Statistic, value: float, chosen: Statistic | None) -> ToolFigure:
    return ToolFigure(statistic, value, None, _DISTANCE, value >= _DISTANCE, statistic is chosen)


def _filled(shares: FloatArray) -> FloatArray:
    least = float(shares[shares > 0].min())
    return np.where(shares > 0, shares, least / 1e6 if least <= 1e-4 else 1e-4)


def _numeric_shares(ours: FloatArray, theirs: FloatArray) -> tuple[FloatArray, FloatArray]:
    if len(np.unique(ours)) <= _AS_CATEGORIES:
        return _counted_shares(_number_counts(ours), _number_counts(theirs))
    edges = np.histogram_bin_edges(np.concatenate([ours, theirs]), bins="sturges")
    return np.histogram(ours, edges)[0] / len(ours), np.histogram(theirs, edges)[0] / len(theirs)


def _numeric_hellinger(ours: FloatArray, theirs: FloatArray) -> float:
    edges = np.histogram_bin_edges(np.unique(np.concatenate([ours, theirs])), bins="sturges")
    densities = (np.histogram(side, edges, density=True)[0] for side in (ours, theirs))
    width = (edges.max() - edges.min()) / (len(edges) - 1)
    first, second = densities
    overlap = float(np.sum(np.sqrt(first * second) * width))
    return float(np.sqrt(1 - np.clip(overlap, 0, 1)))


def _number_counts(values: FloatArray) -> dict[str, int]:
    numbers, counts = np.unique(values, return_counts=True)
    return dict(zip(map(repr, numbers.tolist()), counts.tolist(), strict=True))


def _counted_shares(ours: Mapping[str, int], theirs: Mapping[str, int]) -> tuple[FloatArray, FloatArray]:
    keys = sorted({*ours, *theirs})
    first, second = (np.array([side.get(key, 0) for key in keys], np.float64) for side in (ours, theirs))
    return first / first.sum(), second / second.sum()


def _chi_square(ours: Mapping[str, int], theirs: Mapping[str, int], chosen: Statistic | None) -> ToolFigure:
    from scipy.special import chdtrc

    decides = chosen is Statistic.CHI2
    keys = sorted({*ours, *theirs})
    scale = sum(theirs.values()) / sum(ours.values())
    expected = np.array([ours.get(key, 0) * scale for key in keys])
    observed = np.array([theirs.get(key, 0) for key in keys], np.float64)
    if len(keys) == 1:
        return ToolFigure(
            Statistic.CHI2, 0.0, None, _P, is_drift=False, decides=decides, reason="there is a single category"
        )
    if not expected.all():
        return ToolFigure(
            Statistic.CHI2, None, 0.0, _P, True, decides, "a category is new, which it takes as impossible"
        )
    value = float(np.sum((observed - expected) ** 2 / expected))
    p = float(chdtrc(len(keys) - 1, value))
    return ToolFigure(Statistic.CHI2, value, p, _P, p < _P, decides)


def _total_variation(
    reference: RawTexts, current: RawTexts, ours_shares: FloatArray, theirs_shares: FloatArray
) -> ToolFigure:
    value = total_variation_distance(ours_shares, theirs_shares)
    ours, theirs = reference.present(), current.present()
    if len(ours) + len(theirs) > _MOST_PERMUTED:
        reason = f"its permutation test is left out above {_MOST_PERMUTED:,} rows"
        return ToolFigure(Statistic.TVD, value, None, _PERMUTATION_P, is_drift=False, reason=reason)
    _, codes = np.unique(np.array([*ours, *theirs], object), return_inverse=True)
    totals = np.bincount(codes)
    # The generator and the seed that Evidently uses.
    generator = np.random.RandomState(0)
    as_far = 0
    for _ in range(_PERMUTATIONS):
        drawn = codes[generator.permutation(len(codes))[: len(ours)]]
        first = np.bincount(drawn, minlength=len(totals))
        distance = total_variation_distance(first / len(ours), (totals - first) / len(theirs))
        as_far += value <= distance
    p = as_far / _PERMUTATIONS
    return ToolFigure(Statistic.TVD, value, p, _PERMUTATION_P, p < _PERMUTATION_P)
