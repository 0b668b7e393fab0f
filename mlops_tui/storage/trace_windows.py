"""Windows on disk: slices added to what is there, and read back."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import orjson

from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange
from mlops_tui.domain.window_slices import ColumnCounts, SliceKey, Traffic, WindowSlice
from mlops_tui.storage import trace_rows
from mlops_tui.storage.trace_rows import insert_many

_NANOSECONDS = 1_000_000_000
_COLUMNS = (
    "profile", "width", "start", "subject", "spans", "errors", "total_ns", "first_ns", "last_ns", "predictions",
    "latencies", "columns",
)  # fmt: skip
_SUBJECT = 6
_SELECT = """
    SELECT w.start, w.spans, w.errors, w.total_ns, w.first_ns, w.last_ns, w.predictions, w.latencies, w.columns,
        u.service, u.project, u.model, u.version, u.arm, u.environment
    FROM windows AS w JOIN subjects AS u ON u.id = w.subject
    WHERE w.profile = ? AND w.width = ?"""


def add_slices(connection: sqlite3.Connection, slices: Sequence[WindowSlice]) -> None:
    """Add slices to what is there, inside the caller's transaction."""
    rows = []
    for part in slices:
        known = _stored(connection, part.key)
        rows.append(_row(part if known is None else known + part))
        connection.execute(
            "DELETE FROM windows WHERE profile = ? AND width = ? AND start = ? AND subject = ?", _place(part.key)
        )
    insert_many(connection, "windows", _COLUMNS, rows)


def read_slices(
    connection: sqlite3.Connection,
    profile_id: str,
    width: int,
    times: TimeRange,
    subjects: SubjectFilter,
    columns: Collection[str] | None = None,
) -> list[WindowSlice]:
    """The slices of windows that overlap a range of time, oldest first; of their columns only those named, if any are.

    What is left out is not read out of its text, which is most of the work.
    """
    rows = connection.execute(
        f"{_SELECT} AND w.start > ? AND w.start < ? ORDER BY w.start",
        (profile_id, width, times.start_ns // _NANOSECONDS - width, math.ceil(times.end_ns / _NANOSECONDS)),
    )
    return [_slice(row, profile_id, width, columns) for row in rows if subjects.admits(Subject(*row[-_SUBJECT:]))]


def merged(slices: Sequence[WindowSlice]) -> list[WindowSlice]:
    """The slices with those of the same key added up, oldest first and then by subject."""
    by_key: dict[SliceKey, WindowSlice] = {}
    for part in slices:
        by_key[part.key] = by_key[part.key] + part if part.key in by_key else part
    return sorted(by_key.values(), key=lambda part: (part.key.start, part.key.subject))


def _stored(connection: sqlite3.Connection, key: SliceKey) -> WindowSlice | None:
    row = connection.execute(f"{_SELECT} AND w.start = ? AND w.subject = ?", _place(key)).fetchone()
    return None if row is None else _slice(row, key.profile_id, key.width)


def _place(key: SliceKey) -> tuple[Any, ...]:
    return key.profile_id, key.width, key.start, trace_rows.subject_id(key.subject)


def _row(part: WindowSlice) -> tuple[Any, ...]:
    traffic = part.traffic
    latencies = {str(bucket): count for bucket, count in traffic.latencies.items()}
    columns = {name: _counts_document(counts) for name, counts in part.columns.items()}
    return (
        *_place(part.key),
        traffic.spans,
        traffic.errors,
        # SQLite's whole numbers end at 2**63, which is 292 years of latency in one window.
        min(traffic.total_ns, 2**63 - 1),
        traffic.first_ns,
        traffic.last_ns,
        part.predictions,
        orjson.dumps(latencies).decode(),
        orjson.dumps(columns).decode(),
    )


def _slice(row: Sequence[Any], profile_id: str, width: int, columns: Collection[str] | None = None) -> WindowSlice:
    start, spans, errors, total_ns, first_ns, last_ns, predictions, latencies, documents, *subject = row
    buckets = {int(bucket): count for bucket, count in orjson.loads(latencies).items()}
    written = orjson.loads(documents) if columns is None or columns else {}
    return WindowSlice(
        SliceKey(start, width, Subject(*subject), profile_id),
        Traffic(spans, errors, total_ns, first_ns, last_ns, buckets),
        predictions,
        {name: _counts(document) for name, document in written.items() if columns is None or name in columns},
    )


def _counts_document(counts: ColumnCounts) -> list[Any]:
    numbers = [_number(counts.sum), _number(counts.sum_sq), counts.min, counts.max]
    return [counts.n, counts.nan, counts.pos_inf, counts.neg_inf, counts.text, *numbers, list(counts.counts)]


def _counts(document: Sequence[Any]) -> ColumnCounts:
    n, nan, above, below, text, total, squares, least, greatest, counts = document
    return ColumnCounts(n, nan, above, below, text, float(total), float(squares), least, greatest, tuple(counts))


def _number(value: float) -> float | str:
    """A sum that no number can hold stands as text, which JSON lacks a number for."""
    return value if math.isfinite(value) else repr(value)
