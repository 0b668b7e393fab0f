"""Whether the arms got the share of the observations that they were meant to get, asked as often as one likes.

The evidence is that of a Dirichlet-multinomial mixture against fixed shares: Lindon and Malek, "Anytime-valid inference
for multinomial count data" (NeurIPS 2022), theorem 1. While the split is as planned it is a martingale that starts at
one, so by Ville's inequality the chance that it ever reaches ``1 / LIMIT`` is at most ``LIMIT``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

LIMIT = 0.001
# How sure each part of the mixture is that a wrong split is near the planned one: as sure as so many observations
# would make it. The first soon finds an arm without any traffic, the last finds a small fault in much traffic.
_TRUST = np.array([2.0, 20.0, 200.0, 2_000.0])


def mismatch_p(observed: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The p-value, valid whenever it is looked at, of the observations per arm against their expected shares."""
    return float(np.exp(-max(_log_e(observed, weights), 0.0)))


def _log_e(observed: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The logarithm of the e-value against the expected shares, averaged over the parts of the mixture."""
    from scipy.special import gammaln, xlogy

    counts = np.array([observed.get(arm, 0.0) for arm in weights])
    shares = np.array(list(weights.values())) / sum(weights.values())
    if counts[shares == 0.0].any():
        return float("inf")
    counts, shares = counts[shares > 0.0], shares[shares > 0.0]
    prior = _TRUST[:, None] * shares
    beta = (gammaln(prior + counts) - gammaln(prior)).sum(axis=1)
    mixture = gammaln(_TRUST) - gammaln(_TRUST + counts.sum()) + beta
    return float(np.logaddexp.reduce(mixture) - np.log(len(_TRUST)) - xlogy(counts, shares).sum())
