from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.staleness import age_in_words, as_of, stamp
from tests.clocks import START

SNAPSHOT = Snapshot((), START, "gitlab.example.com")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "less than 1 min old"),
        (59.9, "less than 1 min old"),
        (60, "1 min old"),
        (3 * 60 + 59, "3 min old"),
        (3600, "1 h old"),
        (86_399, "23 h old"),
        (86_400, "1 day old"),
        (2 * 86_400, "2 days old"),
        (400 * 86_400, "400 days old"),
    ],
)
def test_an_age_is_told_in_whole_units(seconds: float, words: str) -> None:
    assert age_in_words(timedelta(seconds=seconds)) == words


def test_the_time_of_day_is_local_and_without_seconds() -> None:
    assert as_of(START + timedelta(hours=2, minutes=2, seconds=59), UTC) == "as of 14:02"
    assert as_of(START, ZoneInfo("Asia/Kolkata")) == "as of 17:30"


def test_data_are_fresh_for_three_intervals() -> None:
    fresh = stamp(SNAPSHOT, START + timedelta(seconds=15), 5.0, UTC)
    stale = stamp(SNAPSHOT, START + timedelta(seconds=15.1), 5.0, UTC)
    assert (fresh.text, fresh.is_stale) == ("as of 12:00", False)
    assert (stale.text, stale.is_stale) == ("less than 1 min old", True)
