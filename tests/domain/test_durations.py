from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.durations import coarse_duration, format_duration, parse_duration, waiting_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("1w1s", 604_801)]
)
def test_lengths_of_time_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "m", "1.5h", "30m1h", "-5m", "10 m", "10M", "5m\n", "9999999s", "\u0661m"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        parse_duration(text)


@given(st.integers(0, 10**8))
def test_what_is_written_is_read_back(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "<1m"), (0, "<1m"), (59, "<1m"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h"), (10**7, "115d")],
)
def test_the_largest_unit_alone_is_rounded_down(seconds: int, text: str) -> None:
    assert coarse_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (5.2, "6s"), (60, "1m"), (97, "2m"), (10_980, "3h3m"), (86_401, "1d1h"), (604_801, "1w1d")],
)
def test_a_time_to_wait_is_rounded_up(seconds: float, text: str) -> None:
    assert waiting_duration(timedelta(seconds=seconds)) == text
