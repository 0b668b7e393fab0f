"""Sums of floating-point numbers without rounding, so that they come out alike however the numbers are split.

A sum is a Python integer in units of the smallest positive number, 2**-1074. Numbers of the same binary exponent stand
side by side in sorted data, so that their significands add up as integers.
"""

from __future__ import annotations

import math

import numpy as np

from mlops_tui.analysis.sparse_columns import FloatArray

_FRACTION_BITS = 52
_FRACTION = (1 << _FRACTION_BITS) - 1
# So many significands add up without leaving 63 bits.
_STRETCH = 1_024
_UNIT = 1 << 1074


def exact_sum(ascending: FloatArray) -> int:
    """The sum of finite numbers in ascending order, in units of 2**-1074."""
    first = int(np.searchsorted(ascending, 0.0))
    below = np.ascontiguousarray(-ascending[:first][::-1])
    return _sum_of_magnitudes(ascending[first:]) - _sum_of_magnitudes(below)


def exact_sum_of_squares(ascending: FloatArray) -> int | None:
    """The sum of the squares, each rounded once, of finite numbers in ascending order.

    None where a square is too large for a number.
    """
    if len(ascending) == 0:
        return 0
    if max(abs(float(ascending[0])), abs(float(ascending[-1]))) > math.sqrt(np.finfo(np.float64).max):
        return None
    first = int(np.searchsorted(ascending, 0.0))
    below = np.ascontiguousarray(ascending[:first][::-1])
    above = ascending[first:]
    return _sum_of_magnitudes(above * above) + _sum_of_magnitudes(below * below)


def as_number(total: int | None) -> float:
    """The nearest number to a sum; infinite where there is none."""
    if total is None:
        return math.inf
    try:
        return total / _UNIT
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def _sum_of_magnitudes(ascending: FloatArray) -> int:
    """The sum of numbers of at least zero."""
    size = len(ascending)
    if size == 0:
        return 0
    # Adding zero turns a negative zero, whose sign bit would spoil the order, into a positive one.
    bits = (ascending + 0.0 if ascending[0] == 0 else np.ascontiguousarray(ascending)).view(np.int64)
    exponents = np.arange(bits[0] >> _FRACTION_BITS, (bits[-1] >> _FRACTION_BITS) + 1)
    changes = np.searchsorted(bits, exponents << _FRACTION_BITS)
    starts = np.union1d(changes[changes < size], np.arange(0, size, _STRETCH))
    fractions = np.add.reduceat(bits & _FRACTION, starts)
    lengths = np.diff(starts, append=size)
    total = 0
    for exponent, length, fraction in zip(
        (bits[starts] >> _FRACTION_BITS).tolist(), lengths.tolist(), fractions.tolist(), strict=True
    ):
        significand = fraction + (length << _FRACTION_BITS if exponent else 0)
        total += significand << max(exponent - 1, 0)
    return total
