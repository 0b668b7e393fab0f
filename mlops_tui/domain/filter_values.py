"""The values a filter compares with: numbers, texts, moments and durations."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.ASCII | re.IGNORECASE
)
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:us|ms|[smhdw]))+")
_DURATION_PART = re.compile(r"([0-9.]+)([a-z]+)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_MOMENT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2}(?:\.(?P<fraction>[0-9]{1,6}))?)?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)


class Comparator(Enum):
    """How two values are compared; the value is its spelling."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="

    @property
    def function(self) -> Callable[[Any, Any], Any]:
        """Python's own comparison of that name, which works on floats, texts and arrays alike."""
        return _FUNCTIONS[self]


_FUNCTIONS: dict[Comparator, Callable[[Any, Any], Any]] = {
    Comparator.EQUAL: operator.eq,
    Comparator.UNEQUAL: operator.ne,
    Comparator.LESS: operator.lt,
    Comparator.AT_MOST: operator.le,
    Comparator.MORE: operator.gt,
    Comparator.AT_LEAST: operator.ge,
}


class Matching(Enum):
    """How a text and a pattern go together; the value is its spelling."""

    FOUND = "~"
    ABSENT = "!~"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written; two are equal when they are written alike."""

    text: str
    value: float = field(compare=False)

    def compares(self, comparator: Comparator, value: float) -> bool:
        """Whether ``value`` stands so to this number.

        NaN is equal to NaN and to nothing else, and it is neither unequal, less nor more: ``= nan`` alone finds it,
        ``!= nan`` finds every number that is one.
        """
        if math.isnan(value):
            return comparator is Comparator.EQUAL and math.isnan(self.value)
        return bool(comparator.function(value, self.value))


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted or bare text; compares by code points."""

    text: str

    def compares(self, comparator: Comparator, value: str) -> bool:
        """Whether ``value`` stands so to this text."""
        return bool(comparator.function(value, self.text))


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as precise as it was written: from ``low`` (inclusive) to ``high``, in Unix seconds.

    A bare date is that whole day in UTC, so ``= 2025-06-10`` finds all of it and ``> 2025-06-10`` what came after.
    """

    text: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time such as ``90s``, ``1h30m``, ``2w`` or ``250ms``."""

    text: str
    seconds: float

    @property
    def nanoseconds(self) -> int:
        """The same in whole nanoseconds."""
        return round(self.seconds * 1e9)


def parse_number(text: str) -> float | None:
    """Read a number as filters and sorting understand one, or None; no underscores, spaces or foreign digits."""
    return float(text) if _NUMBER.fullmatch(text) else None


def parse_duration(text: str) -> Duration | None:
    """Read one or more counts of us, ms, s, m, h, d or w, or None."""
    if not _DURATION.fullmatch(text):
        return None
    parts: list[tuple[str, str]] = _DURATION_PART.findall(text)
    return Duration(text, sum(float(count) * _SECONDS[unit] for count, unit in parts))


def parse_moment(text: str) -> Moment | None:
    """Read an ISO 8601 date or time, or None; without an offset it is UTC."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    zone = found["zone"] or "Z"
    written = f"{found['day']}T{found['minute'] or '00:00'}{found['second'] or ''}{zone}"
    try:
        low = datetime.fromisoformat(written).astimezone(UTC)
        high = low + _precision(found)
    except (ValueError, OverflowError):
        return None
    return Moment(text, low.timestamp(), high.timestamp())


def _precision(found: re.Match[str]) -> timedelta:
    if found["minute"] is None:
        return timedelta(days=1)
    if found["second"] is None:
        return timedelta(minutes=1)
    return timedelta(microseconds=10 ** (6 - len(found["fraction"] or "")))
