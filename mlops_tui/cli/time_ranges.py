"""Ranges of time as people write them on the command line: ``6h`` (until now), or ``FROM/UNTIL``."""

from __future__ import annotations

from datetime import datetime

from mlops_tui.cli.moments import moment_of
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.trace_queries import TimeRange

RANGE_HELP = "How far back from now (6h), or FROM/UNTIL in ISO 8601."
_NANOSECONDS = 1_000_000_000


def range_of(text: str, now: datetime) -> TimeRange:
    """Read a range.

    Raises:
        UsageError: it is none, or it is empty.
    """
    first, slash, last = text.partition("/")
    if slash:
        times = TimeRange(_nanoseconds(moment_of(first)), _nanoseconds(moment_of(last)))
    else:
        try:
            times = TimeRange(_nanoseconds(now - parse_duration(text)), _nanoseconds(now))
        except (ValueError, OverflowError):
            raise UsageError(f"{text!r} is no range of time", remedy="Write 6h, or FROM/UNTIL") from None
    if times.start_ns >= times.end_ns:
        raise UsageError(f"{text!r} is an empty range of time", remedy="Write 6h, or FROM/UNTIL")
    return times


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * _NANOSECONDS
