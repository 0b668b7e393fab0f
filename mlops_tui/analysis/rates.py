"""Exact tests of two shares that a distance over bins is blind to while they are small: missing values, new categories.

Bins that expect few values are put together before a distance is tested, and a category that the reference never had
goes under with them. Both tests look at the share alone: it may only have grown, the exact test says how surely, and
its part of the population stability index whether it matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mlops_tui.analysis.significance import difference_p, excess_p
from mlops_tui.analysis.unseen import excess_variance, rows_at_the_edge
from mlops_tui.domain.drift import Statistic
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, FeatureProfile

# What an empty share counts as, as in the population stability index.
_EMPTY = 1e-4


@dataclass(frozen=True, slots=True)
class RateTest:
    """A share of the reference's rows (``ours`` of ``n``) and of the current ones (``theirs`` of ``m``)."""

    statistic: Statistic
    ours: int
    n: int
    theirs: int
    m: int

    @property
    def value(self) -> float | None:
        """By how much the share has grown; None where a side has no rows."""
        return self.theirs / self.m - self.ours / self.n if self.n and self.m else None

    @property
    def p_value(self) -> float | None:
        """How probable such a difference is if nothing changed: either way for missing values, upwards for others."""
        if not self.n or not self.m:
            return None
        test = difference_p if self.statistic is Statistic.MISSING else excess_p
        return test(self.ours, self.n, self.theirs, self.m)

    @property
    def is_of_something(self) -> bool:
        """Whether either side has any such row, so that there is something to test."""
        return bool(self.n and self.m and (self.ours or self.theirs))

    @property
    def effect(self) -> float:
        """Its part of the population stability index, 0 where it has not grown."""
        if not self.n or not self.m:
            return 0.0
        before, after = max(self.ours / self.n, _EMPTY), max(self.theirs / self.m, _EMPTY)
        return (after - before) * math.log(after / before) if after > before else 0.0

    @property
    def sentence(self) -> str:
        """What has grown, in words."""
        what = "missing values" if self.statistic is Statistic.MISSING else "new categories"
        return f"{what} grew from {_percent(self.ours, self.n)} to {_percent(self.theirs, self.m)}"

    def is_drift(self, level: float, smallest_effect: float) -> bool:
        """Whether it has grown for sure, and by enough to matter."""
        p_value = self.p_value
        return p_value is not None and p_value <= level and self.effect > max(smallest_effect, 0.0)

    def threshold(self, level: float, smallest_effect: float) -> float | None:
        """The growth above which it is drift; None where no number of rows would be."""
        if not self.n or not self.m:
            return None
        low, high = self.theirs if not self.is_drift(level, smallest_effect) else 0, self.m
        if not self._with(high).is_drift(level, smallest_effect):
            return None
        while low < high:
            middle = (low + high) // 2
            if self._with(middle).is_drift(level, smallest_effect):
                high = middle
            else:
                low = middle + 1
        return (low - 1) / self.m - self.ours / self.n

    def _with(self, theirs: int) -> RateTest:
        return RateTest(self.statistic, self.ours, self.n, theirs, self.m)


def _percent(count: int, rows: int) -> str:
    return f"{100 * count / max(1, rows):.3g} %"


def missing_rate(reference: FeatureCounts, current: FeatureCounts) -> RateTest:
    """The share of rows without a value."""
    return RateTest(Statistic.MISSING, reference.absent, reference.n, current.absent, current.n)


def new_categories(reference: FeatureCounts, current: FeatureCounts) -> RateTest:
    """The share of values outside the reference's categories.

    The reference is counted as if each of its rows were compared with all others, so that a category that it saw once
    is a new one there. Such a count varies more than one of so many rows, and stands for fewer of them.
    """
    less = excess_variance(reference.counts)
    ours = reference.counts[-1] + rows_at_the_edge(reference.counts)
    return RateTest(
        Statistic.NEW_CATEGORY, round(ours / less), round(reference.valid / less), current.counts[-1], current.valid
    )


def rate_tests(feature: FeatureProfile, current: FeatureCounts) -> tuple[RateTest, ...]:
    """The tests that a feature has."""
    tests = [missing_rate(feature.counts, current)]
    if isinstance(feature.bins, CategoryBins):
        tests.append(new_categories(feature.counts, current))
    return tuple(tests)
