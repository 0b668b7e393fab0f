"""Drift of many features at once, which no single one may show.

Can a classifier tell the two samples apart, and do the correlations of the reference still explain the current data?
Both take matrices of finite-or-NaN numbers, a row per observation and a column per feature. NaN becomes the column's
mean over the reference, and a column of its own that says where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.sparse_columns import FloatArray

_Matrix: TypeAlias = NDArray[np.float64]

_FOLDS = 2
_RIDGE = 1e-3
# Products of two features show changed correlations; beyond so many features they would outnumber the rows.
_MOST_FOR_PRODUCTS = 20
_VARIANCE_KEPT = 0.65


@dataclass(frozen=True, slots=True)
class SeparationTest:
    """How well a classifier tells current from reference rows.

    ``auc`` is of rows the classifier was not made from, 0.5 where the samples are alike. ``p_value`` is that of a
    permutation test: with so many permutations no p-value is below ``1 / (permutations + 1)``.
    """

    auc: float
    p_value: float
    permutations: int


@dataclass(frozen=True, slots=True)
class ReconstructionTest:
    """How well the main directions of the reference reconstruct rows: the mean distance left, and its ratio.

    ``reference_error`` is of reference rows that did not take part in finding the directions. ``p_value`` is two-sided
    from the normal law of the difference of means.
    """

    reference_error: float
    current_error: float
    directions: int
    p_value: float


def separation(reference: _Matrix, current: _Matrix, *, permutations: int = 199, seed: int = 0) -> SeparationTest:
    """Try to tell the samples apart: a ridge classifier on features, squares and products, cross-fitted in two halves.

    The smaller sample sets how many rows of either are used, so that neither outweighs the other.

    Raises:
        ValueError: the samples have different columns, or fewer than ten rows.
    """
    ours, theirs = _comparable(reference, current)
    generator = np.random.default_rng(seed)
    rows = min(len(ours), len(theirs))
    drawn = [side[generator.permutation(len(side))[:rows]] for side in (ours, theirs)]
    features = _expanded(np.concatenate(drawn))
    labels = np.repeat([-1.0, 1.0], rows)
    folds = [_Fold.of(features, np.arange(len(labels)) % _FOLDS == part) for part in range(_FOLDS)]
    observed = _cross_fitted_auc(labels, folds)
    by_chance = (_cross_fitted_auc(generator.permutation(labels), folds) for _ in range(permutations))
    as_good = sum(auc >= observed for auc in by_chance)
    return SeparationTest(observed, (as_good + 1) / (permutations + 1), permutations)


def reconstruction(reference: _Matrix, current: _Matrix, *, seed: int = 0) -> ReconstructionTest:
    """Reconstruct rows from the main directions of one half of the reference, which keep 65 % of its variance.

    Raises:
        ValueError: the samples have different columns, or fewer than ten rows.
    """
    from scipy.special import ndtr

    ours, theirs = _comparable(reference, current)
    order = np.random.default_rng(seed).permutation(len(ours))
    fitted, held_out = ours[order[: len(ours) // 2]], ours[order[len(ours) // 2 :]]
    centre, scale = fitted.mean(axis=0), fitted.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    _, sizes, directions = np.linalg.svd((fitted - centre) / scale, full_matrices=False)
    explained = np.cumsum(sizes**2) / max(float(np.sum(sizes**2)), np.finfo(np.float64).tiny)
    kept = directions[: int(np.searchsorted(explained, _VARIANCE_KEPT)) + 1]
    errors = [_distances((side - centre) / scale, kept) for side in (held_out, theirs)]
    means = [float(side.mean()) for side in errors]
    deviation = float(np.sqrt(sum(side.var(ddof=1) / len(side) for side in errors)))
    score = (means[1] - means[0]) / deviation if deviation else 0.0
    return ReconstructionTest(means[0], means[1], len(kept), float(2 * ndtr(-abs(score))))


def _comparable(reference: _Matrix, current: _Matrix) -> tuple[_Matrix, _Matrix]:
    if reference.ndim != 2 or reference.shape[1:] != current.shape[1:] or not reference.shape[1]:
        raise ValueError("the two samples do not have the same columns")
    if min(len(reference), len(current)) < 10:
        raise ValueError("it takes ten rows of either sample")
    return _filled(reference, reference), _filled(current, reference)


def _filled(rows: _Matrix, reference: _Matrix) -> _Matrix:
    known = np.where(np.isfinite(reference), reference, 0.0)
    counts = np.isfinite(reference).sum(axis=0)
    means = known.sum(axis=0) / np.maximum(counts, 1)
    is_absent = ~np.isfinite(rows)
    return np.hstack([np.where(is_absent, means, rows), is_absent.astype(np.float64)])


def _expanded(rows: _Matrix) -> _Matrix:
    """Standardised features, their squares, and their products while there are few; columns without spread left out."""
    spread = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    count = rows.shape[1]
    if 0 < count <= _MOST_FOR_PRODUCTS:
        first, second = np.triu_indices(count)
        products = rows[:, first] * rows[:, second]
    else:
        products = rows**2
    deviation = products.std(axis=0)
    products = (products - products.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.hstack([rows, products, np.ones((len(rows), 1))])


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """Rows whose scores are linear in the labels of the other rows, so that a permutation costs two products."""

    is_held_out: NDArray[np.bool_]
    held_out: _Matrix
    solver: _Matrix

    @classmethod
    def of(cls, features: _Matrix, is_held_out: NDArray[np.bool_]) -> _Fold:
        fitted = features[~is_held_out]
        gram = fitted.T @ fitted + _RIDGE * len(fitted) * np.eye(fitted.shape[1])
        solver: _Matrix = np.asarray(np.linalg.solve(gram, fitted.T), np.float64)
        return cls(is_held_out, features[is_held_out], solver)


def _cross_fitted_auc(labels: FloatArray, folds: list[_Fold]) -> float:
    """The mean over folds, each ranked by itself: scores of different classifiers do not compare."""
    areas = [
        _auc(fold.held_out @ (fold.solver @ labels[~fold.is_held_out]), labels[fold.is_held_out] > 0) for fold in folds
    ]
    return float(np.mean(areas))


def _auc(scores: FloatArray, is_current: NDArray[np.bool_]) -> float:
    """The probability that a current row scores above a reference row, ties counting half."""
    ours, theirs = np.sort(scores[~is_current]), scores[is_current]
    if not len(ours) or not len(theirs):
        return 0.5
    below = np.searchsorted(ours, theirs, "left") + np.searchsorted(ours, theirs, "right")
    return float(below.mean()) / (2 * len(ours))


def _distances(rows: _Matrix, directions: _Matrix) -> FloatArray:
    rest = rows - (rows @ directions.T) @ directions
    distances: FloatArray = np.sqrt(np.sum(rest**2, axis=1))
    return distances
