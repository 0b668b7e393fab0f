from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mlops_tui.analysis.multivariate import reconstruction, separation


def correlated(seed: int, correlation: float, rows: int = 500) -> NDArray[np.float64]:
    """Standard normal columns of which every two are correlated, so that single columns look alike."""
    covariance = np.full((5, 5), correlation) + (1 - correlation) * np.eye(5)
    return np.random.default_rng(seed).multivariate_normal(np.zeros(5), covariance, rows)


def test_a_changed_correlation_is_found_though_no_column_changed() -> None:
    found = separation(correlated(1, 0.0), correlated(2, 0.8))
    assert found.auc > 0.8
    assert found.p_value == 1 / 200
    left = reconstruction(correlated(1, 0.8), correlated(2, 0.0))
    assert left.current_error > 2 * left.reference_error
    assert left.p_value < 1e-10
    assert left.directions == 1


def test_samples_that_are_alike_cannot_be_told_apart() -> None:
    p_values = [
        separation(correlated(seed, 0.3, 120), correlated(seed + 100, 0.3, 90), permutations=39).p_value
        for seed in range(40)
    ]
    assert sum(p <= 0.05 for p in p_values) <= 7
    errors = [reconstruction(correlated(seed, 0.3), correlated(seed + 100, 0.3)).p_value for seed in range(40)]
    assert sum(p <= 0.05 for p in errors) <= 7


def test_where_values_are_missing_tells_samples_apart() -> None:
    ours, theirs = correlated(1, 0.0), correlated(2, 0.0)
    theirs[::3, 2] = np.nan
    assert separation(ours, theirs).p_value == 1 / 200


def test_the_same_seed_gives_the_same_answer() -> None:
    ours, theirs = correlated(1, 0.2), correlated(2, 0.3)
    assert separation(ours, theirs, seed=5) == separation(ours, theirs, seed=5)
    assert reconstruction(ours, theirs, seed=5) == reconstruction(ours, theirs, seed=5)


def test_a_constant_column_is_harmless() -> None:
    ours, theirs = correlated(1, 0.2), correlated(2, 0.2)
    ours[:, 0] = theirs[:, 0] = 3.0
    assert 0.4 < separation(ours, theirs).auc < 0.6
    assert reconstruction(ours, theirs).p_value > 0.001
    same = np.ones((50, 2))
    assert separation(same, same).p_value == 1.0
    assert reconstruction(same, same).p_value == 1.0


def test_samples_that_do_not_compare_are_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        separation(np.ones((20, 2)), np.ones((20, 3)))
    with pytest.raises(ValueError, match="ten rows"):
        reconstruction(np.ones((20, 2)), np.ones((9, 2)))
