"""Columns of a table on their way into a profile or into the bins of one; what is wrong with one stays with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_tui.analysis.profiles import MOST_CATEGORIES, CategoricalReference, NumericReference
from mlops_tui.analysis.tallies import CategoricalTally, NumericTally, tally_of
from mlops_tui.datasets.columns import Cells, Nature
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import FeatureCounts, FeatureProfile, ProfileError, UnsuitedColumnError

# A column with so many different numbers is not meant as categories, even if a text follows.
_MOST_NUMBERS_AS_TEXTS = 2_000
# Up to so many different texts are categories even if hardly any comes twice.
_FEW_TEXTS = 50


@dataclass(slots=True, eq=False)
class ReferenceReader:
    """Takes a column of the reference; whether it is numbers or categories may only show on the way.

    ``kind`` is what the user says it is, None where the data decide: texts that all read as numbers are numbers.
    """

    name: str
    kind: FeatureKind | None
    _rows: int = 0
    _numbers: NumericReference | None = field(default_factory=NumericReference)
    _texts: CategoricalReference | None = field(default_factory=CategoricalReference)
    _problem: str = ""
    _is_unsuited: bool = False

    def __post_init__(self) -> None:
        match self.kind:
            case FeatureKind.NUMERIC | FeatureKind.SCORE:
                self._texts = None
            case FeatureKind.CATEGORICAL:
                self._numbers = None
            case FeatureKind.PREDICTION | None:
                pass

    def add(self, cells: Cells) -> None:
        """Take the next stretch of the column."""
        first_row, self._rows = self._rows + 1, self._rows + cells.rows
        if self._problem:
            return
        if self._is_unfit(cells.nature):
            self._problem = f"it holds {cells.nature.value}"
            self._is_unsuited = cells.nature is Nature.OTHER
            return
        if self._numbers is not None:
            self._add_numbers(self._numbers, cells, first_row)
        if self._texts is not None:
            self._add_texts(self._texts, cells)

    def profile(self, rows: int, most_bins: int) -> FeatureProfile:
        """The profile, in a table of so many rows.

        Raises:
            ProfileError: the column cannot be profiled.
        """
        missing = rows - self._rows
        if self._numbers is not None and not self._problem:
            return self._numbers.profile(self.name, self.kind or FeatureKind.NUMERIC, most_bins, missing)
        if self._texts is not None and not self._problem:
            if self.kind is None and _is_identifying(self._texts):
                raise UnsuitedColumnError(
                    f"{self.name} cannot be profiled", why="nearly every row has a text of its own"
                )
            return self._texts.profile(self.name, self.kind or FeatureKind.CATEGORICAL, most_bins, missing)
        error = UnsuitedColumnError if self._is_unsuited else ProfileError
        raise error(f"{self.name} cannot be profiled", why=self._problem)

    def _is_unfit(self, nature: Nature) -> bool:
        match nature:
            case Nature.OTHER:
                return True
            case Nature.MIXED:
                return self.kind is not FeatureKind.CATEGORICAL
            case Nature.NUMBERS:
                return self._numbers is None and self.kind is not FeatureKind.CATEGORICAL
            case _:
                return False

    def _add_numbers(self, numbers: NumericReference, cells: Cells, first_row: int) -> None:
        read = cells.numbers()
        if not read.strange:
            numbers.add(read.values, read.missing)
        elif self._texts is not None:
            self._numbers = None
        else:
            self._problem = _strange(read.strange, read.example, first_row, self._rows)

    def _add_texts(self, texts: CategoricalReference, cells: Cells) -> None:
        if self._numbers is not None and cells.nature is Nature.NUMBERS:
            self._texts = None
            return
        counts, missing = _categories(cells)
        texts.add(counts, missing, _MOST_NUMBERS_AS_TEXTS if self._numbers is not None else MOST_CATEGORIES)
        if self._numbers is not None and texts.is_overflown:
            self._texts = None


@dataclass(slots=True, eq=False)
class CurrentReader:
    """Takes a column of current data and counts it in the bins of its reference."""

    feature: FeatureProfile
    problem: str = ""
    _rows: int = 0
    _tally: NumericTally | CategoricalTally = field(init=False)

    def __post_init__(self) -> None:
        self._tally = tally_of(self.feature.bins)

    def add(self, cells: Cells) -> None:
        """Take the next stretch of the column."""
        first_row, self._rows = self._rows + 1, self._rows + cells.rows
        if self.problem:
            return
        if cells.nature is Nature.OTHER:
            self.problem = f"it holds {cells.nature.value}"
            return
        match self._tally:
            case NumericTally() as tally:
                read = cells.numbers()
                if read.strange:
                    self.problem = _strange(read.strange, read.example, first_row, self._rows)
                else:
                    tally.add(read.values, read.missing)
            case CategoricalTally() as tally:
                tally.add(*_categories(cells))

    def counts(self, rows: int) -> FeatureCounts | None:
        """The counts, in a table of so many rows; None where there is a problem."""
        return None if self.problem else self._tally.counts(rows - self._rows)


def _is_identifying(texts: CategoricalReference) -> bool:
    return len(texts.counts) > max(_FEW_TEXTS, texts.counts.total() / 2)


def _categories(cells: Cells) -> tuple[Mapping[str, int], int]:
    counts = cells.categories()
    missing = counts.pop(None, 0)
    return {text: count for text, count in counts.items() if text is not None}, missing


def _strange(count: int, example: str, first_row: int, last_row: int) -> str:
    more = f" and {count - 1:,} more like it" if count > 1 else ""
    return f"it holds text where numbers are expected: {example!r}{more} in rows {first_row:,} to {last_row:,}"
