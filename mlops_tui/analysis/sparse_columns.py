"""Columns that hold a value for some rows only, so that memory follows what was logged and not rows times names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.vocabularies import Vocabulary

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int32]
MaskArray = NDArray[np.bool_]

Values = TypeVar("Values", FloatArray, IndexArray)


@dataclass(frozen=True, slots=True, eq=False)
class SparseColumn(Generic[Values]):
    """Values and the rows they belong to; ``rows`` strictly increases and what is not in it is missing."""

    rows: IndexArray
    values: Values

    @classmethod
    def of(cls, rows: IndexArray, values: Values) -> SparseColumn[Values]:
        """Make a column from entries in any order; of several entries for one row the last counts."""
        if len(rows) > 1 and not bool(np.all(rows[1:] > rows[:-1])):
            order = np.argsort(rows, kind="stable")
            rows, values = rows[order], values[order]
            last = np.append(rows[1:] != rows[:-1], True)
            rows, values = rows[last], values[last]
        return cls(rows, values)

    def extended(self, rows: list[IndexArray], values: list[Values], every_row: IndexArray) -> SparseColumn[Values]:
        """The column with these entries of later rows.

        ``every_row`` counts all rows of the table; a column that misses none shares it.
        """
        longer = SparseColumn.of(
            np.concatenate([self.rows, *rows]), np.concatenate([self.values, *values], dtype=self.values.dtype)
        )
        return SparseColumn(every_row, longer.values) if len(longer.rows) == len(every_row) else longer

    def position(self, row: int) -> int | None:
        """Where a row's value stands in ``values``, or None when it is missing."""
        # With a number of another type numpy would convert all rows first.
        place = int(self.rows.searchsorted(np.int32(row)))
        return place if place < len(self.rows) and self.rows[place] == row else None

    def replaced(self, changed: MaskArray, rows: IndexArray, values: Values) -> SparseColumn[Values]:
        """The column without its entries for ``changed`` rows, and with these entries instead."""
        kept = ~changed[self.rows]
        return SparseColumn.of(
            np.concatenate([self.rows[kept], rows]), np.concatenate([self.values[kept], values], dtype=values.dtype)
        )


@dataclass(frozen=True, slots=True, eq=False)
class TextColumn:
    """A sparse column of texts, kept as codes of a vocabulary."""

    codes: SparseColumn[IndexArray]
    vocabulary: Vocabulary

    def text(self, row: int) -> str | None:
        """The text of a row, or None when it is missing."""
        position = self.codes.position(row)
        return None if position is None else self.vocabulary.terms[self.codes.values[position]]


def number_at(column: SparseColumn[FloatArray], row: int) -> float | None:
    """The number of a row, or None when it is missing."""
    position = column.position(row)
    return None if position is None else float(column.values[position])


def sorted_rows(keys: FloatArray, present: MaskArray, rows: IndexArray, *, descending: bool) -> IndexArray:
    """Sort ``rows`` by their keys, keeping the order of equal ones; then those that are NaN, then the missing ones.

    ``keys`` and ``present`` hold one entry per row of the whole table.
    """
    here = present[rows]
    known, missing = rows[here], rows[~here]
    values = keys[known]
    is_nan = np.isnan(values)
    numbers = known[~is_nan]
    order = np.argsort(-values[~is_nan] if descending else values[~is_nan], kind="stable")
    return np.concatenate([numbers[order], known[is_nan], missing])
