"""Counting a column into the bins of its reference, batch by batch; tallies of parts add up to that of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.bins import edge_array
from mlops_tui.analysis.moments import Moments
from mlops_tui.analysis.sorted_values import SortedValues
from mlops_tui.analysis.sparse_columns import FloatArray
from mlops_tui.domain.profiles import Bins, CategoryBins, FeatureCounts, NumericBins

# Batches of this size are sorted inside the processor's cache.
_BATCH = 65_536


@dataclass(slots=True, eq=False)
class NumericTally:
    """How a numeric column fell into bins so far."""

    bins: NumericBins
    moments: Moments = field(default_factory=Moments)
    _counts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self._counts = np.zeros(self.bins.size, np.int64)

    def add(self, values: FloatArray, missing: int = 0) -> None:
        """Take a batch in which missing values stand as NaN and are ``missing`` in number."""
        edges = edge_array(self.bins)
        for start in range(0, len(values), _BATCH):
            batch = SortedValues.of(values[start : start + _BATCH])
            up_to = np.searchsorted(batch.finite, edges, side="right")
            self._counts += np.diff(up_to, prepend=0, append=len(batch.finite))
            # Missing values are NaN here, so a batch has at least as many of these as are still to be accounted for.
            here = min(missing, batch.nan)
            missing -= here
            self.moments = self.moments.merged(Moments.of(batch, here))

    def counts(self, more_missing: int = 0) -> FeatureCounts:
        """What was counted; ``more_missing`` rows never mentioned the column."""
        return self.moments.counted(tuple(self._counts.tolist()), more_missing)

    def merged(self, other: NumericTally) -> NumericTally:
        """Both together; they have the same bins.

        Raises:
            ValueError: they have not.
        """
        if self.bins != other.bins:
            raise ValueError("tallies of different bins do not add up")
        both = NumericTally(self.bins, self.moments.merged(other.moments))
        both._counts = self._counts + other._counts
        return both


@dataclass(slots=True, eq=False)
class CategoricalTally:
    """How a categorical column fell into bins so far."""

    bins: CategoryBins
    missing: int = 0
    _counts: list[int] = field(init=False)
    _places: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._counts = [0] * self.bins.size
        self._places = {category: place for place, category in enumerate(self.bins.categories)}

    def add(self, counts: Mapping[str, int], missing: int = 0) -> None:
        """Take a batch: how often each category came, and how many rows had none."""
        self.missing += missing
        other = self.bins.size - 1
        for category, count in counts.items():
            self._counts[self._places.get(category, other)] += count

    def counts(self, more_missing: int = 0) -> FeatureCounts:
        """What was counted; ``more_missing`` rows never mentioned the column."""
        missing = self.missing + more_missing
        return FeatureCounts(sum(self._counts) + missing, missing, 0, 0, 0, 0.0, 0.0, None, None, tuple(self._counts))

    def merged(self, other: CategoricalTally) -> CategoricalTally:
        """Both together; they have the same bins.

        Raises:
            ValueError: they have not.
        """
        if self.bins != other.bins:
            raise ValueError("tallies of different bins do not add up")
        both = CategoricalTally(self.bins, self.missing + other.missing)
        both._counts = [mine + theirs for mine, theirs in zip(self._counts, other._counts, strict=True)]
        return both


ColumnTally: TypeAlias = NumericTally | CategoricalTally


def tally_of(bins: Bins) -> ColumnTally:
    """An empty tally for bins of either sort."""
    match bins:
        case NumericBins():
            return NumericTally(bins)
        case CategoryBins():
            return CategoricalTally(bins)
