"""Making the reference profile of a column from batches of its values, in any number and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from mlops_tui.analysis.bins import category_bins, numeric_bins, table_counts
from mlops_tui.analysis.moments import Moments
from mlops_tui.analysis.profile_documents import profile_digest
from mlops_tui.analysis.sorted_values import SortedValues
from mlops_tui.analysis.sparse_columns import FloatArray
from mlops_tui.analysis.value_tables import MOST_ENTRIES, ValueTable
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import (
    MOST_BINS,
    FeatureCounts,
    FeatureProfile,
    ProfileError,
    ReferenceProfile,
    UnsuitedColumnError,
)

MOST_CATEGORIES = 100_000


@dataclass(slots=True, eq=False)
class NumericReference:
    """The distribution of a numeric column; memory does not grow with the rows.

    Values wait until there are ``batch_rows`` of them, as one large sort costs less than many small merges.
    ``most_entries`` is the size of the table beyond which it rounds.
    """

    most_entries: int = MOST_ENTRIES
    batch_rows: int = 262_144
    moments: Moments = field(default_factory=Moments)
    _table: ValueTable = field(default_factory=ValueTable.empty)
    _waiting: list[tuple[FloatArray, int]] = field(default_factory=list)
    _rows_waiting: int = 0

    def add(self, values: FloatArray, missing: int = 0) -> None:
        """Take a batch in which missing values stand as NaN and are ``missing`` in number."""
        self._waiting.append((values, missing))
        self._rows_waiting += len(values)
        if self._rows_waiting >= self.batch_rows:
            self._settle()

    def merged(self, other: NumericReference) -> NumericReference:
        """The distribution of both columns together."""
        both = NumericReference(self.most_entries, self.batch_rows)
        both.moments = self._all_moments().merged(other._all_moments())
        both._table = self.table().merged(other.table(), self.most_entries)
        return both

    def table(self) -> ValueTable:
        """The finite values seen so far."""
        self._settle()
        return self._table

    def profile(
        self, name: str, kind: FeatureKind, most_bins: int = MOST_BINS, more_missing: int = 0
    ) -> FeatureProfile:
        """The profile of the column; ``more_missing`` rows never mentioned it.

        Raises:
            ProfileError: there is no finite value to make bins of.
        """
        table = self.table()
        if len(table.counts) == 0:
            why = (
                "no row holds a value"
                if self.moments.rows == self.moments.nan + self.moments.missing
                else "no row holds a finite number"
            )
            raise ProfileError(f"{name} cannot be profiled", why=why)
        bins = numeric_bins(table, most_bins)
        return FeatureProfile(name, kind, bins, self.moments.counted(table_counts(table, bins), more_missing))

    def _all_moments(self) -> Moments:
        self._settle()
        return self.moments

    def _settle(self) -> None:
        if not self._waiting:
            return
        batch = SortedValues.of(np.concatenate([values for values, _ in self._waiting]))
        missing = sum(count for _, count in self._waiting)
        self._waiting.clear()
        self._rows_waiting = 0
        self.moments = self.moments.merged(Moments.of(batch, missing))
        self._table = self._table.merged(ValueTable.of(batch.finite, self.most_entries), self.most_entries)


@dataclass(slots=True, eq=False)
class CategoricalReference:
    """The distribution of a categorical column.

    ``is_overflown`` once there are more different values than anybody would call categories; the counts are then gone.
    """

    counts: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    is_overflown: bool = False

    def add(self, counts: Mapping[str, int], missing: int = 0, most: int = MOST_CATEGORIES) -> None:
        """Take a batch: how often each category came, and how many rows had none."""
        self.missing += missing
        if self.is_overflown:
            return
        self.counts.update(counts)
        if len(self.counts) > most:
            self.is_overflown = True
            self.counts.clear()

    def merged(self, other: CategoricalReference) -> CategoricalReference:
        """The distribution of both columns together."""
        both = CategoricalReference(Counter(self.counts), self.missing, self.is_overflown or other.is_overflown)
        both.add(other.counts, other.missing)
        return both

    def profile(
        self, name: str, kind: FeatureKind, most_bins: int = MOST_BINS, more_missing: int = 0
    ) -> FeatureProfile:
        """The profile of the column; ``more_missing`` rows never mentioned it.

        Raises:
            ProfileError: there is no value, or nearly every row has a value of its own.
        """
        if self.is_overflown:
            raise UnsuitedColumnError(
                f"{name} cannot be profiled", why=f"it holds more than {MOST_CATEGORIES:,} different texts"
            )
        if not self.counts:
            raise ProfileError(f"{name} cannot be profiled", why="no row holds a value")
        bins = category_bins(self.counts, most_bins)
        known = [self.counts[category] for category in bins.categories]
        other = self.counts.total() - sum(known)
        missing = self.missing + more_missing
        counts = FeatureCounts(self.counts.total() + missing, missing, 0, 0, 0, 0.0, 0.0, None, None, (*known, other))
        return FeatureProfile(name, kind, bins, counts)


def reference_profile(features: Iterable[FeatureProfile]) -> ReferenceProfile:
    """Put a profile together; the order of the features is kept and does not change the identity.

    Raises:
        ProfileError: two features have the same name.
    """
    chosen = tuple(features)
    names = [feature.name for feature in chosen]
    if len(set(names)) < len(names):
        raise ProfileError("The profile holds a feature twice")
    return ReferenceProfile(chosen, profile_digest(chosen))
