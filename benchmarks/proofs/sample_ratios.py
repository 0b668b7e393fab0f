"""How often a split of the traffic is called wrong by the judge's test, and by Pearson's at the same level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy.special import chdtrc

from mlops_tui.analysis.sample_ratio import LIMIT, mismatch_p

_LOOKS = 100
# Its error is one in a thousand, and a look is cheap.
_TIMES = 10
_LEAST_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class Split:
    """A share of the canary as planned and as it is, and how many observations come per look."""

    planned: float
    actual: float
    size: int

    def canary(self, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The canary's observations up to each look."""
        random = np.random.default_rng([seed, self.size])
        return random.binomial(self.size, self.actual, _LOOKS).cumsum()

    def found(self, seed: int) -> int | None:
        """After how many observations the judge's test first calls the split wrong; None if it never does."""
        weights = {"stable": 1.0 - self.planned, "canary": self.planned}
        for look, canary in enumerate(self.canary(seed).tolist(), 1):
            total = look * self.size
            if mismatch_p({"stable": total - canary, "canary": canary}, weights) < LIMIT:
                return total
        return None

    def is_found_by_pearson(self, seed: int) -> bool:
        """Whether Pearson's test, asked at every look, ever calls the split wrong."""
        total = self.size * np.arange(1, _LOOKS + 1)
        expected = total * self.planned
        statistic = (self.canary(seed) - expected) ** 2 * (1.0 / expected + 1.0 / (total - expected))
        return bool(((chdtrc(1, statistic) < LIMIT) & (expected >= _LEAST_EXPECTED)).any())


SPLITS = (
    Split(0.5, 0.5, 100),
    Split(0.1, 0.1, 100),
    Split(0.01, 0.01, 1_000),
    Split(0.5, 0.45, 100),
    Split(0.1, 0.13, 100),
    Split(0.1, 0.0, 100),
    Split(0.01, 0.02, 1_000),
)
TITLES = ("canary's share", "instead of", "a look", "judge, 100 looks", "median observations", "Pearson, 100 looks")
TEXT = f"""\
Observations fall to the arms by chance. Where the canary's share is as planned an INVALID is a false one, and at most
{LIMIT:.1%} of the steps may have one. The judge's test is valid at every look; Pearson's, at the same level, at one.
{_TIMES} times as many streams as above."""


def rows(repetitions: int) -> list[Sequence[str]]:
    """The table's rows."""
    return [_row(split, _TIMES * repetitions) for split in SPLITS]


def _row(split: Split, repetitions: int) -> Sequence[str]:
    found = [split.found(seed) for seed in range(repetitions)]
    by_pearson = sum(split.is_found_by_pearson(seed) for seed in range(repetitions))
    middle = median(float("inf") if total is None else total for total in found)
    return (
        f"{split.actual:.0%}",
        f"{split.planned:.0%}",
        f"{split.size:,}",
        f"{sum(total is not None for total in found) / repetitions:.2%}",
        "not reached" if middle == float("inf") else f"{middle:,.0f}",
        f"{by_pearson / repetitions:.2%}",
    )
