"""Values as text and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.tracing.sources.go_values import go_spelling, spellings, value_of


@given(st.floats())
def test_a_number_is_read_back_to_the_last_bit(number: float) -> None:
    found = value_of(go_spelling(number))
    assert isinstance(found, int | float)
    assert math.isnan(found) if math.isnan(number) else float(found) == number


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_stays_whole(number: int) -> None:
    found = value_of(str(number))
    assert (type(found), found) == (int, number)


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (0.1, "0.1"), (1e-6, "0.000001"), (1.5e-7, "1.5e-7"), (1e20, "100000000000000000000"),
     (1e21, "1e+21"), (-2.5e300, "-2.5e+300"), (-0.0, "-0"), (math.inf, "+Inf"), (math.nan, "NaN")],
)  # fmt: skip
def test_numbers_are_spelled_as_go_does(number: float, text: str) -> None:
    assert go_spelling(number) == text


@pytest.mark.parametrize("text", ["007", "1.0", "1.2.0", "+5", "1e5", "0x10", " 5", "", "nan", "1_000", "[1", "True"])
def test_what_no_number_is_written_like_stays_text(text: str) -> None:
    assert value_of(text) == text


def test_what_text_cannot_hold_is_understood() -> None:
    assert value_of("json: unsupported value: -Inf") == -math.inf
    assert value_of('[1,"a",null]') == (1, "a", None)
    assert (value_of("true"), value_of("false")) == (True, False)
    assert value_of("a\x1b[31mb") == "ab"


def test_a_category_that_is_a_number_has_both_spellings() -> None:
    assert spellings("DE") == ("DE",)
    assert spellings("5.0") == ("5.0", "5")
    assert spellings("5") == ("5",)
    assert spellings("nan") == ("nan", "NaN", "json: unsupported value: NaN")
