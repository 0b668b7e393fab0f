"""Fewer, fuller bins: what a test can rest on when a profile has a thousand bins and a window two hundred rows.

Which bins go together depends on the reference (tenths of it) and on both samples pooled (how many values a group
expects in the smaller one), so that the choice does not favour a difference.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.unseen import most_rare_sightings
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, FeatureProfile, NumericBins

GROUPS = 10
# So many values are expected of each group in the smaller sample.
LEAST_EXPECTED = 20.0

_Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GroupedCounts:
    """The two samples over the same groups; together all rows, those without a value included."""

    reference: _Counts
    current: _Counts

    @property
    def n_reference(self) -> int:
        """How many rows the reference has."""
        return int(self.reference.sum())

    @property
    def n_current(self) -> int:
        """How many rows the current data have."""
        return int(self.current.sum())

    @property
    def expected(self) -> NDArray[np.float64]:
        """How many values each group expects in the smaller sample if nothing differs."""
        pooled = (self.reference + self.current).astype(np.float64)
        rows = max(1.0, float(pooled.sum()))
        return pooled * min(self.n_reference, self.n_current) / rows


def all_groups(feature: FeatureProfile, current: FeatureCounts) -> GroupedCounts:
    """Tenths of the reference or single categories, then the rows without a finite value; empty groups left out."""
    ours, theirs = _bins_together(feature, feature.counts), _bins_together(feature, current)
    pairs = np.array([[*ours, *_special(feature.counts)], [*theirs, *_special(current)]], np.int64)
    pairs = pairs[:, pairs.sum(axis=0) > 0]
    return GroupedCounts(pairs[0], pairs[1])


def full_groups(feature: FeatureProfile, current: FeatureCounts, least: float = LEAST_EXPECTED) -> GroupedCounts:
    """The same, with groups put together until each expects at least ``least`` values; one group if that fails."""
    pairs = list(zip(_bins_together(feature, feature.counts), _bins_together(feature, current), strict=True))
    special = list(zip(_special(feature.counts), _special(current), strict=True))
    rows = [sum(pair[side] for pair in (*pairs, *special)) for side in (0, 1)]
    if not min(rows):
        return GroupedCounts(np.array(rows[:1]), np.array(rows[1:]))
    needed = least * sum(rows) / min(rows)
    if isinstance(feature.bins, NumericBins):
        pairs = _neighbours(pairs, needed)
    both = np.array(_filled([*pairs, *special], needed), np.int64).T
    return GroupedCounts(both[0], both[1])


_Pair = tuple[int, int]


def _special(values: FeatureCounts) -> tuple[int, ...]:
    return (values.missing, values.nan, values.pos_inf, values.neg_inf)


def _bins_together(feature: FeatureProfile, values: FeatureCounts) -> list[int]:
    match feature.bins:
        case CategoryBins():
            return _common(feature.counts.counts, values.counts)
        case NumericBins():
            ends = _tenth_ends(feature.counts.counts)
            return [sum(values.counts[start:end]) for start, end in pairwise((0, *ends))]


def _common(reference: Sequence[int], counts: Sequence[int]) -> list[int]:
    """The counts of common categories, and last that of all rare and new ones."""
    most = most_rare_sightings(reference)
    common = [theirs for ours, theirs in zip(reference[:-1], counts, strict=False) if ours > most]
    return [*common, sum(counts) - sum(common)]


@lru_cache(maxsize=1_024)
def _tenth_ends(counts: tuple[int, ...]) -> tuple[int, ...]:
    """For each tenth of the reference the place after its last bin; a bin belongs to the tenth its middle lies in."""
    own = np.array(counts, np.int64)
    middles = 2 * np.cumsum(own) - own
    tenths = np.minimum(middles * GROUPS // max(1, 2 * int(own.sum())), GROUPS - 1)
    return tuple(np.searchsorted(tenths, np.arange(GROUPS), side="right").tolist())


def _neighbours(pairs: Sequence[_Pair], needed: float) -> list[_Pair]:
    """Neighbours put together from the left until each group is full; the rest joins the last one."""
    groups: list[_Pair] = []
    open_group = (0, 0)
    for pair in pairs:
        open_group = _sum(open_group, pair)
        if sum(open_group) >= needed:
            groups.append(open_group)
            open_group = (0, 0)
    if groups:
        groups[-1] = _sum(groups[-1], open_group)
        return groups
    return [open_group]


def _filled(pairs: Sequence[_Pair], needed: float) -> list[_Pair]:
    """The two smallest put together again and again, until the smallest is full; empty ones are left out."""
    groups = [(sum(pair), place, pair) for place, pair in enumerate(pairs) if sum(pair)]
    heapq.heapify(groups)
    while len(groups) > 1 and groups[0][0] < needed:
        size, place, pair = heapq.heappop(groups)
        other_size, _, other = heapq.heappop(groups)
        heapq.heappush(groups, (size + other_size, place, _sum(pair, other)))
    return [pair for _, _, pair in sorted(groups, key=lambda group: group[1])]


def _sum(one: _Pair, other: _Pair) -> _Pair:
    return (one[0] + other[0], one[1] + other[1])
