"""Moments and ages in a few characters, as tables show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlops_tui.domain.durations import coarse_duration


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago, in its largest unit and never negative; empty where nobody knows."""
    return "" if moment is None else coarse_duration(max(now - moment, timedelta()))


def moment_text(moment: datetime | None, now: datetime) -> str:
    """Date and time of day where ``now`` is local time, for instance "2026-03-14 09:12"; "-" where nobody knows."""
    if moment is None:
        return "-"
    return f"{_local(moment, now):%Y-%m-%d %H:%M}"


def short_moment(moment: datetime | None, now: datetime) -> str:
    """The same in at most 11 columns: of this year "03-14 09:12", of another one the date alone."""
    if moment is None:
        return "-"
    local = _local(moment, now)
    return f"{local:%m-%d %H:%M}" if local.year == _local(now, now).year else f"{local:%Y-%m-%d}"


def clock_time(moment: datetime, now: datetime) -> str:
    """The time of day, for instance "14:02"; with the date where it is not of the day of ``now``."""
    local = _local(moment, now)
    return f"{local:%H:%M}" if local.date() == _local(now, now).date() else f"{local:%m-%d %H:%M}"


def _local(moment: datetime, now: datetime) -> datetime:
    return moment.astimezone(now.astimezone().tzinfo or UTC)
