"""Stretches of time in a few characters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from mlops_tui.domain.drift_windows import Stretch


def stretch_text(stretch: Stretch, now: datetime) -> str:
    """From when until when where ``now`` is local time: "14:02 to 14:07", with a date unless it is today's."""
    zone = now.astimezone().tzinfo or UTC
    start, end = stretch.start.astimezone(zone), stretch.end.astimezone(zone)
    form = "%H:%M:%S" if stretch.width < timedelta(minutes=1) else "%H:%M"
    last = f"{end:{form}}" if end.date() == start.date() else f"{end:%m-%d} {end:{form}}"
    day = "" if start.date() == now.astimezone(zone).date() else f"{start:%m-%d} "
    return f"{day}{start:{form}} to {last}"


def day_time(moment: datetime, now: datetime) -> str:
    """A moment where ``now`` is local time: "14:02", with its date unless it is today's."""
    local = moment.astimezone(now.astimezone().tzinfo or UTC)
    return f"{local:%H:%M}" if local.date() == now.astimezone(local.tzinfo).date() else f"{local:%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class TimeText:
    """Writes moments in one form; two of the same form are equal, so that a plot of the same data is the same plot."""

    form: str
    zone: tzinfo

    def __call__(self, seconds: float) -> str:
        """The moment so many seconds after the epoch."""
        return f"{datetime.fromtimestamp(seconds, self.zone):{self.form}}"


def time_writer(first: float, last: float, zone: tzinfo) -> TimeText:
    """How to write the places of a time axis between two moments in seconds since the epoch."""
    if last - first > timedelta(days=2).total_seconds():
        return TimeText("%m-%d", zone)
    if last - first > timedelta(hours=20).total_seconds():
        return TimeText("%m-%d %H:%M", zone)
    return TimeText("%H:%M" if last - first > timedelta(minutes=10).total_seconds() else "%H:%M:%S", zone)
