from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given

from mlops_tui.analysis.exact_sums import as_number, exact_sum, exact_sum_of_squares
from tests.analysis.drift_samples import Floats, any_number, numbers


@given(numbers(any_number, least=0))
def test_a_sum_is_exact(values: Floats) -> None:
    exact = sum(map(Fraction, values.tolist()), Fraction(0))
    assert Fraction(exact_sum(np.sort(values)), 1 << 1074) == exact


@given(numbers(any_number, least=0))
def test_squares_are_rounded_once_and_then_summed_exactly(values: Floats) -> None:
    total = exact_sum_of_squares(np.sort(values))
    with np.errstate(over="ignore"):
        squares = values * values
    if total is None:
        assert np.abs(values).max() > 1.3e154
    else:
        assert Fraction(total, 1 << 1074) == sum(map(Fraction, squares.tolist()), Fraction(0))


def test_long_stretches_of_one_exponent_do_not_overflow() -> None:
    values = np.full(70_000, np.nextafter(2.0, 0))
    assert as_number(exact_sum(values)) == math.fsum(values.tolist())
    assert as_number(exact_sum(-values)) == -math.fsum(values.tolist())


def test_a_sum_beyond_all_numbers_is_infinite() -> None:
    values = np.full(3, 1.7e308)
    assert as_number(exact_sum(values)) == math.inf
    assert as_number(exact_sum(-values)) == -math.inf
    assert as_number(exact_sum_of_squares(values)) == math.inf
