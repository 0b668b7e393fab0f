"""Stamps: a time while fresh, an age once stale, and what went wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlops_tui.domain.errors import UnreachableError
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.as_of import Freshness

NOW = datetime(2026, 3, 14, 14, 2, 59, tzinfo=UTC)


def stamp(age: float, *, error: UnreachableError | None = None, is_paused: bool = False) -> tuple[str, Token]:
    snapshot: Snapshot[object] = Snapshot(None, NOW - timedelta(seconds=age), "gitlab.example.com", error)
    cell = Freshness(snapshot, interval=10, is_paused=is_paused).cell(NOW)
    return cell.text, cell.token


def test_fresh_data_show_the_time_without_seconds() -> None:
    assert stamp(20) == ("as of 14:02", Token.MUTED)
    assert stamp(30) == ("as of 14:02", Token.MUTED)


def test_stale_data_show_their_age() -> None:
    text, token = stamp(31 * 60)
    assert "31 min old" in text
    assert token is Token.WARNING


def test_a_failed_renewal_shows_the_age_at_once() -> None:
    text, token = stamp(12, error=UnreachableError("gitlab.example.com does not answer"))
    assert "less than 1 min old" in text
    assert token is Token.WARNING


def test_paused_data_say_so() -> None:
    assert "paused" in stamp(5, is_paused=True)[0]


def test_without_data_it_says_whether_anything_is_coming() -> None:
    assert Freshness().cell(NOW).text == "loading"
    assert Freshness(error=UnreachableError("nothing answers")).cell(NOW).text == "no data yet"
