"""Intervals of 95 % for shares and means."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
# The 97.5th percentile of the normal law.
Z = 1.959963984540054


def wilson(successes: float, n: float) -> tuple[float, float]:
    """Wilson's score interval of a share of ``n`` > 0 rows: never outside [0, 1], and never of no width."""
    share = successes / n
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def normal_mean(values: FloatArray) -> tuple[float, float] | None:
    """The mean plus and minus 1.96 standard errors; None below two values."""
    if len(values) < 2:
        return None
    half = Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    mean = float(values.mean())
    return mean - half, mean + half


def percentiles(draws: FloatArray) -> tuple[float, float] | None:
    """The middle 95 % of simulated values; None where no draw has one."""
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return None
    low, high = np.percentile(finite, (2.5, 97.5))
    return float(low), float(high)
