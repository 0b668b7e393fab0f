"""Lines of figures in a cell."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.widgets.sparkline import BARS, sparkline


def test_lowest_and_highest_values_get_the_lowest_and_highest_bar() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == BARS


def test_equal_values_stand_in_the_middle_and_gaps_stay_gaps() -> None:
    assert sparkline([3, math.nan, 3, math.inf], 4) == f"{BARS[4]} {BARS[4]} "
    assert sparkline([], 5) == ""
    assert sparkline([math.nan], 5) == " "


@given(st.lists(st.floats(), max_size=60), st.integers(0, 20))
def test_never_takes_more_room_than_it_is_given(values: list[float], width: int) -> None:
    assert len(sparkline(values, width)) == min(width, len(values))
