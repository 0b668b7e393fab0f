"""A batch of numbers in order, with what is no finite number counted and set aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlops_tui.analysis.sparse_columns import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SortedValues:
    """Finite numbers in ascending order, and how many values of the batch were NaN or infinite."""

    finite: FloatArray
    nan: int
    pos_inf: int
    neg_inf: int

    @classmethod
    def of(cls, values: FloatArray) -> SortedValues:
        """Sort a batch; the array that is handed in stays as it is."""
        ordered = np.sort(values)
        numbers = int(np.searchsorted(ordered, np.nan))
        low, high = np.searchsorted(ordered[:numbers], [-np.inf, np.inf], side="right")
        first_inf = int(np.searchsorted(ordered[:numbers], np.inf))
        finite = ordered[low:first_inf]
        return cls(finite, len(ordered) - numbers, int(high) - first_inf, int(low))
