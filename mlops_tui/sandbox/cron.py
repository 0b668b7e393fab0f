"""Times in cron's five fields, as deploy freezes are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_FARTHEST = timedelta(days=366)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """A time that comes again: the minutes, hours, days of month, months and days of week (Sunday is 0) that match."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read five fields of numbers, `*`, ranges, lists and steps.

        Raises:
            ValueError: if the text is none.
        """
        fields = text.split()
        if len(fields) != len(_BOUNDS):
            raise ValueError("a cron expression has five fields")
        values = [_field(field, *bounds) for field, bounds in zip(fields, _BOUNDS, strict=True)]
        weekdays = frozenset(0 if day == 7 else day for day in values[4])
        return cls(values[0], values[1], values[2], values[3], weekdays, "*" not in {fields[2][0], fields[4][0]})

    def previous(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the last such time at or before a moment, None if there is none within a year."""
        return self._search(moment, zone, -1)

    def following(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the next such time after a moment, None if there is none within a year."""
        return self._search(moment + _MINUTE, zone, 1)

    def _search(self, moment: datetime, zone: ZoneInfo, direction: int) -> datetime | None:
        local = moment.astimezone(zone).replace(second=0, microsecond=0)
        limit = local + direction * _FARTHEST
        while (local - limit) * direction < timedelta(0):
            if not self._on_day(local):
                # The edge of the next day in this direction: its last minute backwards, its first forwards.
                midnight = local.replace(hour=0, minute=0)
                local = midnight - _MINUTE if direction < 0 else midnight + _DAY
            elif local.hour in self.hours and local.minute in self.minutes:
                return local
            else:
                local += direction * _MINUTE
        return None

    def _on_day(self, local: datetime) -> bool:
        """Days of month and of week both hold, but where both are given either is enough."""
        if local.month not in self.months:
            return False
        of_month, of_week = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either_day else of_month and of_week


def _field(text: str, least: int, greatest: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            low, high = least, greatest
        else:
            low = int(first)
            high = int(last) if last else (greatest if step else low)
        pace = int(step) if step else 1
        if not least <= low <= high <= greatest or pace < 1:
            raise ValueError(f"{part!r} is out of range")
        found.update(range(low, high + 1, pace))
    return frozenset(found)
