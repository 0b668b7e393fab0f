"""How surprising a difference is if nothing changed: p-values, and the values that belong to them.

The laws of the population stability index and of Pearson's chi-square are those of large samples. Two corrections keep
the false alarms at or below what is said from two hundred rows on: the mean of the index is that of its second-order
expansion with the added term doubled, and Fisher's F stands in for chi-square, whose tail is too light for groups of a
few dozen values. Both vanish as samples grow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlops_tui.analysis.bin_groups import GroupedCounts

# So many rows of either sort are expected before the normal law is good enough far out.
_FEW = 50.0


@dataclass(frozen=True, slots=True)
class NullLaw:
    """The law of a statistic if nothing changed: ``scale`` times an F variable with these degrees of freedom.

    ``freedom`` is zero where there is only one group and nothing to test.
    """

    scale: float
    freedom: int
    tail_freedom: float

    def p_value(self, value: float) -> float:
        """How probable at least ``value`` is."""
        from scipy.special import fdtrc

        if not self.freedom or value <= 0:
            return 1.0
        return float(fdtrc(self.freedom, self.tail_freedom, value / self.scale))

    def critical(self, level: float) -> float:
        """The value that is exceeded with probability ``level``; infinite where nothing can be."""
        from scipy.special import fdtri

        if not self.freedom:
            return math.inf
        return self.scale * float(fdtri(self.freedom, self.tail_freedom, 1 - level))


def psi_law(groups: GroupedCounts) -> NullLaw:
    """The law of the population stability index: about ``1/n + 1/m`` times chi-square, a degree per group but one."""
    freedom = len(groups.reference) - 1
    if not freedom:
        return NullLaw(1.0, 0, 1.0)
    n, m = groups.n_reference, groups.n_current
    shares = (groups.reference + groups.current) / (n + m)
    leading = freedom * (1 / n + 1 / m)
    added = (float(np.sum(1 / shares)) - len(shares)) * (1 / n**2 + 1 / m**2)
    return NullLaw(leading + added, freedom, _tail_freedom(groups))


def chi_square_law(groups: GroupedCounts) -> NullLaw:
    """The law of Pearson's chi-square of a table of two rows."""
    freedom = len(groups.reference) - 1
    return NullLaw(float(freedom), freedom, _tail_freedom(groups) if freedom else 1.0)


def chi_square(groups: GroupedCounts) -> float:
    """Pearson's chi-square, without a correction for continuity."""
    n, m = groups.n_reference, groups.n_current
    pooled = groups.reference + groups.current
    differences = (groups.reference * float(m) - groups.current * float(n)) ** 2
    return float(np.sum(differences[pooled > 0] / pooled[pooled > 0])) / max(1.0, float(n) * m)


def kolmogorov_p(distance: float, n: int, m: int) -> float:
    """The p-value of a Kolmogorov-Smirnov distance of two samples, from the limit law with Stephens' correction."""
    from scipy.special import kolmogorov

    if not n or not m:
        return 1.0
    root = math.sqrt(n * m / (n + m))
    return float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def difference_p(ours: int, n: int, theirs: int, m: int) -> float:
    """The two-sided p-value of ``ours`` of ``n`` against ``theirs`` of ``m``: twice the smaller tail."""
    return min(1.0, 2 * min(excess_p(ours, n, theirs, m), excess_p(theirs, m, ours, n)))


def excess_p(ours: int, n: int, theirs: int, m: int) -> float:
    """The one-sided p-value that ``theirs`` of ``m`` is a greater share than ``ours`` of ``n``.

    The pooled z-test, or Fisher's exact test where few are expected.
    """
    from scipy.special import ndtr

    if not n or not m:
        return 1.0
    pooled = (ours + theirs) / (n + m)
    if min(n, m) * min(pooled, 1 - pooled) < _FEW:
        return fisher_p(ours, n, theirs, m)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(ndtr((ours / n - theirs / m) / deviation))


def fisher_p(ours: int, n: int, theirs: int, m: int) -> float:
    """The same by Fisher's exact test, which is right far out in the tail as well."""
    from scipy.special import betaln

    marked = ours + theirs
    possible = np.arange(max(theirs, marked - n), min(marked, m) + 1, dtype=np.float64)
    logs = -betaln(m - possible + 1, possible + 1) - betaln(n - marked + possible + 1, marked - possible + 1)
    logs -= math.log1p(m) + math.log1p(n) - math.log1p(n + m) - betaln(n + m - marked + 1, marked + 1)
    return min(1.0, float(np.sum(np.exp(logs))))


def _tail_freedom(groups: GroupedCounts) -> float:
    smaller = min(groups.n_reference, groups.n_current)
    emptiest = float(groups.expected.min())
    return max(1.0, min(2.0 * smaller, 2.0 * emptiest * max(10, len(groups.reference))))
