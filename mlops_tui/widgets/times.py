"""Moments and ages in a few characters, as tables show them."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((365 * 86_400, "y"), (86_400, "d"), (3_600, "h"), (60, "min"))


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago, rounded down: "now", "5 min", "3 h", "12 d", "2 y"; empty where nobody knows."""
    if moment is None:
        return ""
    seconds = int((now - moment).total_seconds())
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (0, ""))
    return f"{seconds // size} {unit}" if size else "now"


def moment_text(moment: datetime | None, now: datetime) -> str:
    """Date and time of day where ``now`` is local time, for instance "2026-03-14 09:12"; "-" where nobody knows."""
    if moment is None:
        return "-"
    return f"{moment.astimezone(now.astimezone().tzinfo or UTC):%Y-%m-%d %H:%M}"
