"""Whether the arms got the share of the observations that they were meant to get."""

from __future__ import annotations

from collections.abc import Mapping

LIMIT = 0.001
_LEAST_EXPECTED = 5.0


def mismatch_p(observed: Mapping[str, float], weights: Mapping[str, float]) -> float | None:
    """The p-value of Pearson's chi-squared test of observations per arm against the expected shares.

    None while an arm may expect fewer than five observations, too few for the test.
    """
    from scipy.special import chdtrc

    total, whole = sum(observed.get(arm, 0.0) for arm in weights), sum(weights.values())
    expected = {arm: total * weight / whole for arm, weight in weights.items()}
    if min(expected.values()) < _LEAST_EXPECTED:
        return None
    statistic = sum((observed.get(arm, 0.0) - mean) ** 2 / mean for arm, mean in expected.items())
    return float(chdtrc(len(weights) - 1, statistic))
