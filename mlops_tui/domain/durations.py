"""Lengths of time as people write them: ``90s``, ``10m``, ``1h30m``, ``2d``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import ceil

PATTERN = r"^(?=[0-9])(?:[0-9]{1,6}w)?(?:[0-9]{1,6}d)?(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?$"
_WHOLE = re.compile(PATTERN)
_PART = re.compile(r"([0-9]+)([wdhms])")
_FORESEEABLE = timedelta(days=3_650)
_WAITING = {"d": timedelta(weeks=1), "h": timedelta(days=1), "m": timedelta(minutes=1), "s": timedelta(0)}
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def foreseeable(seconds: float) -> timedelta | None:
    """A time to wait as people can plan for it, None where it is longer than ten years."""
    return timedelta(seconds=seconds) if seconds <= _FORESEEABLE.total_seconds() else None


def moment_after(now: datetime, seconds: float) -> datetime | None:
    """When a time to wait is over, None where that is more than ten years away."""
    wait = foreseeable(seconds)
    return now + wait if wait is not None else None


def parse_duration(text: str) -> timedelta:
    """Read a length of time: whole numbers with w, d, h, m or s, the longest unit first. Raises ValueError."""
    if not _WHOLE.match(text) or text.endswith("\n"):
        message = f"{text[:20]!r} is no length of time; write 90s, 10m, 1h30m or 2d"
        raise ValueError(message)
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text)))


def format_duration(length: timedelta) -> str:
    """Write a length of time so that ``parse_duration`` reads it back, to the second; nothing is ``0s``."""
    rest = int(length.total_seconds())
    text = ""
    for unit, seconds in _SECONDS.items():
        count, rest = divmod(rest, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def waiting_duration(length: timedelta) -> str:
    """A time to wait, rounded up: from a minute on to minutes, from a day on to hours, from a week on to days."""
    unit = next(unit for unit, least in _WAITING.items() if length >= least)
    return format_duration(timedelta(seconds=ceil(length.total_seconds() / _SECONDS[unit]) * _SECONDS[unit]))


def coarse_duration(length: timedelta) -> str:
    """A length of time in its largest unit alone, rounded down: ``<1m``, ``3m``, ``2h``, ``120d``."""
    seconds = length.total_seconds()
    if seconds < _SECONDS["m"]:
        return "<1m"
    unit = next(unit for unit in "dhm" if seconds >= _SECONDS[unit])
    return f"{int(seconds // _SECONDS[unit])}{unit}"
