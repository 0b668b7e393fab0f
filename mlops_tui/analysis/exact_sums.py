"""Sums of floating-point numbers without rounding, so that they come out alike however the numbers are split.

A sum is a Python integer in units of the smallest positive number, 2**-1074. Numbers of the same binary exponent stand
side by side in sorted data, so that their significands add up as integers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mlops_tui.analysis.sparse_columns import FloatArray

_FRACTION_BITS = 52
_FRACTION = (1 << _FRACTION_BITS) - 1
# So many significands add up without leaving 63 bits.
_STRETCH = 1_024
# What is worked on at a time fits the processor's cache.
_SLICE = 32_768
_HALF = 31
_LOWER_HALF = (1 << _HALF) - 1
_UNIT = 1 << 1074
_EXPONENT = 0x7FF
_LARGEST_ROOT = math.sqrt(np.finfo(np.float64).max)


def exact_sum(ascending: FloatArray) -> int:
    """The sum of finite numbers in ascending order, in units of 2**-1074."""
    return sum(_sum(part) for part in _slices(ascending))


def exact_sum_of_squares(ascending: FloatArray) -> int | None:
    """The sum of the squares, each rounded once, of finite numbers in ascending order.

    None where a square is too large for a number.
    """
    if len(ascending) and max(-float(ascending[0]), float(ascending[-1])) > _LARGEST_ROOT:
        return None
    return sum(_sum(part * part) for part in _slices(ascending))


def as_number(total: int | None) -> float:
    """The nearest number to a sum; infinite where there is none."""
    if total is None:
        return math.inf
    try:
        return total / _UNIT
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def _slices(values: FloatArray) -> Iterator[FloatArray]:
    return (values[start : start + _SLICE] for start in range(0, len(values), _SLICE))


def _sum(values: FloatArray) -> int:
    """The sum of numbers that are ordered so that there are few changes of exponent or sign."""
    size = len(values)
    if size == 0:
        return 0
    bits = np.ascontiguousarray(values).view(np.int64)
    fields = bits >> _FRACTION_BITS
    changes = np.flatnonzero(fields[1:] != fields[:-1]) + 1
    starts = np.union1d(changes, np.arange(0, size, _STRETCH))
    fractions = np.add.reduceat(bits & _FRACTION, starts)
    # The stretches of one exponent and sign, in halves so that their sums leave 63 bits neither.
    firsts = np.searchsorted(starts, np.append(0, changes))
    halves = np.add.reduceat(fractions >> _HALF, firsts), np.add.reduceat(fractions & _LOWER_HALF, firsts)
    present = fields[starts[firsts]]
    lengths = np.diff(starts[firsts], append=size)
    least = max(int((present & _EXPONENT).min()) - 1, 0)
    total = 0
    for field, length, upper, lower in zip(
        present.tolist(), lengths.tolist(), halves[0].tolist(), halves[1].tolist(), strict=True
    ):
        exponent = field & _EXPONENT
        # Numbers below the normal ones have exponent zero, stand for exponent one and lack the leading digit.
        significand = (upper << _HALF) + lower + (length << _FRACTION_BITS if exponent else 0)
        shifted = significand << (exponent - 1 - least if exponent else 0)
        total += -shifted if field < 0 else shifted
    return total << least
