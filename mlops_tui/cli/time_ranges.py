"""Ranges of time as people write them on the command line: ``6h`` (until now), ``FROM/UNTIL``, or ``6h/UNTIL``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlops_tui.cli.moments import moment_of
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.trace_queries import TimeRange

RANGE_HELP = "How far back from now (6h), or FROM/UNTIL in ISO 8601; 6h/UNTIL is so long before it."
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AskedRange:
    """A range of time (UTC); ``is_rolling`` where its length was told instead of its start."""

    start: datetime
    end: datetime
    is_rolling: bool

    @property
    def times(self) -> TimeRange:
        """The range as readers take it."""
        return TimeRange(_nanoseconds(self.start), _nanoseconds(self.end))


def asked_range(text: str, now: datetime) -> AskedRange:
    """Read a range.

    Raises:
        UsageError: it is none, or it is empty.
    """
    first, slash, last = text.partition("/")
    end = moment_of(last) if slash else now
    try:
        asked = AskedRange(end - parse_duration(first), end, is_rolling=True)
    except ValueError:
        if not slash:
            raise UsageError(f"{text!r} is no range of time", remedy="Write 6h, or FROM/UNTIL") from None
        asked = AskedRange(moment_of(first), end, is_rolling=False)
    except OverflowError:
        raise UsageError(f"{text!r} reaches back too far", remedy="Write 6h, or FROM/UNTIL") from None
    if asked.start >= asked.end:
        raise UsageError(f"{text!r} is an empty range of time", remedy="Write 6h, or FROM/UNTIL")
    return asked


def range_of(text: str, now: datetime) -> TimeRange:
    """Read a range as readers take it; raises UsageError as ``asked_range`` does."""
    return asked_range(text, now).times


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * _NANOSECONDS
