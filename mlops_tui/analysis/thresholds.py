"""From p-values to verdicts: the false alarms of many tests, and differences too small to matter.

With the Benjamini-Hochberg procedure at ``level``, an analysis of unchanged data says drift with a probability of at
most ``level``, however many features it has, and of the features it names at most that share is unchanged on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

LEVEL = 0.05
# A population stability index of 0.02 is a shift of the mean by about a seventh of a standard deviation.
SMALLEST_EFFECT = 0.02
# An analysis that could not even have seen a change that credit scoring calls major says nothing.
LARGEST_UNSEEN = 0.25
FEWEST_ROWS = 100

_MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an analysis calls drift.

    ``level`` is the probability of a false alarm; ``smallest_effect`` the population stability index below which a
    difference is no drift however sure; ``largest_unseen`` the index that must have been visible before "ok" is said;
    ``fewest_rows`` the rows of each side that "ok" takes.
    """

    level: float = LEVEL
    smallest_effect: float = SMALLEST_EFFECT
    largest_unseen: float = LARGEST_UNSEEN
    fewest_rows: int = FEWEST_ROWS

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError("a level lies between 0 and 1")
        if self.smallest_effect < 0 or self.largest_unseen <= 0 or self.fewest_rows < 1:
            raise ValueError("an effect or a number of rows cannot be negative")


def benjamini_hochberg(p_values: Sequence[float], level: float) -> float:
    """The p-value up to which tests reject; ``level`` over their number where none does."""
    tests = max(1, len(p_values))
    accepted = [rank for rank, p in enumerate(sorted(p_values), 1) if p <= level * rank / tests]
    return level * max(accepted, default=1) / tests


def false_alarms_per_month(level: float, every: timedelta) -> float:
    """How many analyses of unchanged data say drift in thirty days, at most and on average."""
    return level * (_MONTH / every)


def level_for(false_alarms: float, every: timedelta) -> float:
    """The level at which analyses of unchanged data say drift so many times in thirty days, at most and on average."""
    return min(0.5, false_alarms / (_MONTH / every))
