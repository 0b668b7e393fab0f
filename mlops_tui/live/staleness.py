"""How old a view's data are, in the words that its stamp shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TypeVar

from mlops_tui.domain.snapshots import Snapshot

T = TypeVar("T")

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Stamp:
    """The text of a view's stamp, and whether it tells that the data are old."""

    text: str
    is_stale: bool


def as_of(moment: datetime, zone: tzinfo) -> str:
    """Return for instance "as of 14:02": the time of day in ``zone``, without seconds."""
    return f"as of {moment.astimezone(zone):%H:%M}"


def age_in_words(age: timedelta) -> str:
    """Return for instance "less than 1 min old", "3 min old", "2 h old" or "2 days old", rounded down."""
    seconds = max(0, int(age.total_seconds()))
    if seconds < _MINUTE:
        return "less than 1 min old"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min old"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h old"
    days = seconds // _DAY
    return "1 day old" if days == 1 else f"{days} days old"


def stamp(snapshot: Snapshot[T], now: datetime, interval: float, zone: tzinfo) -> Stamp:
    """Return "as of" while the data are fresh and their age once three polling ``interval`` seconds have passed."""
    age = snapshot.age(now)
    if snapshot.is_stale(now, interval):
        return Stamp(age_in_words(age), True)
    return Stamp(as_of(snapshot.fetched_at, zone), False)
