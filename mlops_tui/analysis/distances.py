"""Distances between two distributions over the same bins, each given as shares that add up to one."""

from __future__ import annotations

import math

import numpy as np

from mlops_tui.analysis.sparse_columns import FloatArray

# The share that stands in for an empty bin in the population stability index, as is usual in credit scoring.
EMPTY_SHARE = 1e-4


def population_stability_index(reference: FloatArray, current: FloatArray, empty: float = EMPTY_SHARE) -> float:
    """The sum of ``(r - c) * ln(r / c)``; symmetric, at least zero, unbounded.

    ``empty`` stands in for a share of zero; bins that are empty on both sides count for nothing.
    """
    is_used = (reference > 0) | (current > 0)
    ours = np.where(reference > 0, reference, empty)[is_used]
    theirs = np.where(current > 0, current, empty)[is_used]
    return float(np.sum((ours - theirs) * np.log(ours / theirs)))


def jensen_shannon_distance(reference: FloatArray, current: FloatArray, base: float = math.e) -> float:
    """The square root of the Jensen-Shannon divergence, at most ``sqrt(log(2, base))``."""
    middle = (reference + current) / 2
    divergence = (_relative_entropy(reference, middle) + _relative_entropy(current, middle)) / 2
    return math.sqrt(max(0.0, divergence) / math.log(base))


def hellinger_distance(reference: FloatArray, current: FloatArray) -> float:
    """The distance of the square roots over the square root of two: from 0 to 1."""
    return float(np.linalg.norm(np.sqrt(reference) - np.sqrt(current))) / math.sqrt(2)


def total_variation_distance(reference: FloatArray, current: FloatArray) -> float:
    """The share of values that would have to change for the two to be equal."""
    return float(np.abs(reference - current).sum()) / 2


def l_infinity_distance(reference: FloatArray, current: FloatArray) -> float:
    """The greatest difference of a share."""
    return float(np.abs(reference - current).max(initial=0.0))


def _relative_entropy(shares: FloatArray, from_shares: FloatArray) -> float:
    is_used = shares > 0
    return float(np.sum(shares[is_used] * np.log(shares[is_used] / from_shares[is_used])))
