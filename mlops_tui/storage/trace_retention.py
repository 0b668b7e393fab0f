"""Removing old spans: windows and their counts stay, and nothing is removed that was not counted yet."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from mlops_tui.domain.trace_queries import TimeRange
from mlops_tui.storage.trace_batches import pruned_start

_NANOSECONDS = 1_000_000_000
_STEP = 2_000
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Retention:
    """How long spans are kept after they arrived, in how many bytes at most, and how long windows are kept."""

    span_seconds: float = 7 * DAY_SECONDS
    most_bytes: int = 2_000_000_000
    window_seconds: float = 400 * DAY_SECONDS


def used_bytes(connection: sqlite3.Connection) -> int:
    """How much of the file is in use; pages that were freed are used again before it grows."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)


def prune_spans(connection: sqlite3.Connection, retention: Retention, counted: int, now_ns: int) -> int:
    """Remove a step of the spans that are too old or too many; answers how many, 0 when all is as it should be.

    Of those after ``counted`` none is removed, nor is the newest, whose number must not come again.
    """
    too_large = used_bytes(connection) > retention.most_bytes
    oldest_ns = now_ns - int(retention.span_seconds * _NANOSECONDS)
    rows = connection.execute(
        """SELECT number, end_ns, subject FROM spans
        WHERE number <= ? AND number < (SELECT max(number) FROM spans) AND (? OR received_ns < ?)
        ORDER BY number LIMIT ?""",
        (counted, too_large, oldest_ns, _STEP),
    ).fetchall()
    if not rows:
        return 0
    _remember(connection, {(pruned_start(end_ns), subject) for _, end_ns, subject in rows})
    removed = [(number,) for number, _, _ in rows]
    connection.executemany("DELETE FROM spans WHERE number = ?", removed)
    connection.executemany("DELETE FROM labels WHERE span = ?", removed)
    return len(rows)


def anything_pruned(connection: sqlite3.Connection, times: TimeRange) -> bool:
    """Whether spans of a range of time were removed."""
    (found,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM pruned WHERE start >= ? AND start < ?)",
        (pruned_start(times.start_ns), math.ceil(times.end_ns / _NANOSECONDS)),
    ).fetchone()
    return bool(found)


def prune_windows(connection: sqlite3.Connection, retention: Retention, now_ns: int) -> None:
    """Remove windows, and notes of removed spans, that are too old."""
    oldest = int(now_ns / _NANOSECONDS - retention.window_seconds)
    connection.execute("DELETE FROM windows WHERE start < ?", (oldest,))
    connection.execute("DELETE FROM pruned WHERE start < ?", (oldest,))


def _remember(connection: sqlite3.Connection, places: Iterable[tuple[int, int]]) -> None:
    connection.executemany("INSERT OR IGNORE INTO pruned (start, subject) VALUES (?, ?)", places)
