"""The distribution of any number of values in bounded memory, the same however the values were split.

A table counts values by the leading bits of their binary form. As long as there are few different values, that is all
of their bits and the table is exact. Beyond, just so many trailing bits are left out that the table keeps its size;
how many depends on the set of values alone, not on their order, so tables of parts merge into the table of the whole.
Every entry remembers its smallest and its largest value: ranks at these are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.sparse_columns import FloatArray

MOST_ENTRIES = 65_536

_Keys = NDArray[np.int64]
_BITS = 64


@dataclass(frozen=True, slots=True, eq=False)
class ValueTable:
    """Entries in ascending order: ``counts[i]`` values lie between ``lows[i]`` and ``highs[i]``.

    ``dropped`` is the number of trailing bits that do not tell entries apart.
    """

    lows: FloatArray
    highs: FloatArray
    counts: NDArray[np.int64]
    dropped: int

    @classmethod
    def empty(cls) -> ValueTable:
        """The table of no values."""
        return cls(np.empty(0), np.empty(0), np.empty(0, np.int64), 0)

    @classmethod
    def of(cls, ascending: FloatArray, most: int = MOST_ENTRIES) -> ValueTable:
        """The table of finite values that come in ascending order."""
        if len(ascending) == 0:
            return cls.empty()
        values = _without_negative_zeros(ascending)
        keys = _keys(values)
        apart = (keys[1:] ^ keys[:-1]).view(np.uint64)
        dropped = _bits_to_drop(apart, most, 0)
        starts = _starts(apart, dropped)
        ends = np.append(starts[1:], len(values))
        return cls(values[starts], values[ends - 1], (ends - starts).astype(np.int64), dropped)

    def merged(self, other: ValueTable, most: int = MOST_ENTRIES) -> ValueTable:
        """The table of the values of both."""
        if not len(self.counts) or not len(other.counts):
            return self if len(self.counts) else other
        highs = np.concatenate([self.highs, other.highs])
        order = np.argsort(highs, kind="stable")
        highs = highs[order]
        lows = np.concatenate([self.lows, other.lows])[order]
        counts = np.concatenate([self.counts, other.counts])[order]
        keys = _keys(highs)
        apart = (keys[1:] ^ keys[:-1]).view(np.uint64)
        dropped = _bits_to_drop(apart, most, max(self.dropped, other.dropped))
        starts = _starts(apart, dropped)
        ends = np.append(starts[1:], len(highs))
        return ValueTable(np.minimum.reduceat(lows, starts), highs[ends - 1], np.add.reduceat(counts, starts), dropped)


def _without_negative_zeros(ascending: FloatArray) -> FloatArray:
    first, last = np.searchsorted(ascending, 0.0), np.searchsorted(ascending, 0.0, side="right")
    if first == last or not bool(np.signbit(ascending[first:last]).any()):
        return ascending
    values = ascending.copy()
    values[first:last] = 0.0
    return values


def _keys(values: FloatArray) -> _Keys:
    """Integers in the order of the values: the binary form, with the bits below the sign turned for negative ones."""
    bits = np.ascontiguousarray(values).view(np.int64)
    keys: _Keys = bits ^ ((bits >> (_BITS - 1)) & np.int64(2 ** (_BITS - 1) - 1))
    return keys


def _bits_to_drop(apart: NDArray[np.uint64], most: int, least: int) -> int:
    """The fewest trailing bits, at least ``least``, without which at most ``most`` keys differ."""
    low, high = least, _BITS - 1
    while low < high:
        middle = (low + high) // 2
        if _different(apart, middle) <= most:
            high = middle
        else:
            low = middle + 1
    return low


def _different(apart: NDArray[np.uint64], dropped: int) -> int:
    return 1 + int(np.count_nonzero(apart >= np.uint64(1 << dropped)))


def _starts(apart: NDArray[np.uint64], dropped: int) -> NDArray[np.intp]:
    return np.append(0, np.flatnonzero(apart >= np.uint64(1 << dropped)) + 1)
