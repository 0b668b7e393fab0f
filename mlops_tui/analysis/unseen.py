"""What a reference cannot know of categories: those it never saw, and how often the rare ones really come.

A sample has no new categories by its own making, and too many rows of those that it saw just once. With each number of
sightings the error moves on to the next: of all rows that will come, those of categories seen ``r`` times are about
``r + 1`` times the number of categories seen ``r + 1`` times (Good, 1953). Where no category was seen ``r + 1`` times
the error ends, and common and rare categories can be told apart without favour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count


def rows_at_the_edge(counts: Sequence[int]) -> int:
    """How many rows of the reference are of categories that it has only just: without one of them it would not.

    ``counts`` are those of a profile: of each listed category, and last of all others. Where the list is full, their
    names decided among the categories at its edge, so that the next ones count as well.
    """
    edge = _edge(counts)
    sightings = (edge, edge + 1) if counts[-1] else (edge,)
    return sum(times * counts[:-1].count(times) for times in sightings)


def excess_variance(counts: Sequence[int]) -> float:
    """How much more than a share of so many rows the share of unseen categories varies, at least 1 (Good, 1953)."""
    edge = _edge(counts)
    there, beyond = (times * counts[:-1].count(times) for times in (edge, edge + 1))
    return 1 + beyond / there if there else 1.0


def most_rare_sightings(counts: Sequence[int]) -> int:
    """Up to how many sightings a category is to be counted together with new ones; 0 where all are common.

    That is where no category has either of the next two numbers of sightings: one alone may be missing by chance.
    """
    seen = Counter(counts[:-1])
    edge = _edge(counts)
    if not seen[edge]:
        return edge - 1
    return next(sightings for sightings in count(edge) if not seen[sightings + 1] and not seen[sightings + 2])


def _edge(counts: Sequence[int]) -> int:
    """How often a category must be seen to be listed: once, or as often as the rarest one if the list is full."""
    return min(counts[:-1], default=1) if counts[-1] else 1
