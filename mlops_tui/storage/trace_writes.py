"""Storing spans: each once, however often it comes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus
from mlops_tui.storage import trace_rows
from mlops_tui.storage.trace_batches import SpanBatch, prepare
from mlops_tui.storage.trace_rows import SPAN_COLUMNS, StoredSpan, insert_many
from mlops_tui.storage.trace_values import dump_attributes, load_attributes

_MOST_IDS = 4_096
_SUBJECT_COLUMNS = ("id", "service", "project", "model", "version", "arm", "environment")
_ORIGIN_COLUMNS = ("id", "resource", "scope_name", "scope_version")
_LABEL_COLUMNS = ("span", "prediction", "target", "project", "model", "end_ns", "outcomes")


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of spans: those stored, how many were there before, and how many came too late.

    Too late are those of a time whose spans were removed to save space, since nobody can tell any more whether they
    are among the removed ones, which are counted.
    """

    spans: tuple[StoredSpan, ...]
    duplicates: int = 0
    late: int = 0


def insert(connection: sqlite3.Connection, batch: SpanBatch) -> Stored:
    """Store spans inside the caller's transaction."""
    late = _too_late(connection, batch)
    chosen = [prepared for key, prepared in batch.spans.items() if key not in late]
    before = newest_number(connection)
    inserted = insert_many(connection, "spans", SPAN_COLUMNS, [prepared.row for prepared in chosen])
    if inserted < len(chosen):
        # Some were there. The others got the next numbers, in this order.
        rows = connection.execute("SELECT id FROM spans WHERE number > ? ORDER BY number", (before,)).fetchall()
        chosen = [batch.spans[key] for (key,) in rows]
    labels = [(number, *item.label) for number, item in enumerate(chosen, before + 1) if item.label is not None]
    insert_many(connection, "subjects", _SUBJECT_COLUMNS, list(batch.subjects.found.values()))
    insert_many(connection, "origins", _ORIGIN_COLUMNS, list(batch.origins.values()))
    insert_many(connection, "labels", _LABEL_COLUMNS, labels)
    stored = tuple(StoredSpan(number, item.subject, item.span) for number, item in enumerate(chosen, before + 1))
    return Stored(stored, len(batch.spans) + batch.repeated - len(stored) - len(late), len(late))


def insert_half(connection: sqlite3.Connection, half: Span, part: str, received_ns: int) -> Stored:
    """Store one half of a span; with the second half the whole span is stored and both are forgotten.

    The two have the same ids and different ``part``s.
    """
    key = trace_rows.span_key(half)
    if _existing(connection, [key]):
        return Stored((), duplicates=1)
    connection.execute(
        "INSERT OR IGNORE INTO halves (id, part, received_ns, document) VALUES (?, ?, ?, ?)",
        (key, part, received_ns, _half_document(half)),
    )
    other = connection.execute("SELECT document FROM halves WHERE id = ? AND part <> ?", (key, part)).fetchone()
    if other is None:
        return Stored(())
    connection.execute("DELETE FROM halves WHERE id = ?", (key,))
    return insert(connection, prepare([_joined(half, _half_span(key, other[0]))], received_ns))


def release_halves(connection: sqlite3.Connection, before_ns: int, received_ns: int) -> Stored:
    """Store halves that waited since before ``before_ns`` in vain as spans of their own."""
    rows = connection.execute(
        "SELECT id, document FROM halves WHERE received_ns < ? ORDER BY received_ns LIMIT 1000", (before_ns,)
    ).fetchall()
    spans = [_half_span(key, document) for key, document in rows]
    connection.executemany("DELETE FROM halves WHERE id = ?", [(key,) for key, _ in rows])
    return insert(connection, prepare(spans, received_ns))


def newest_number(connection: sqlite3.Connection) -> int:
    """The number of the span that arrived last, 0 when there is none."""
    (number,) = connection.execute("SELECT coalesce(max(number), 0) FROM spans").fetchone()
    return int(number)


def _existing(connection: sqlite3.Connection, keys: Sequence[bytes]) -> list[bytes]:
    found: list[bytes] = []
    for start in range(0, len(keys), _MOST_IDS):
        part: list[bytes | None] = list(keys[start : start + _MOST_IDS])
        # Filled up to a power of two, so that there are few statements, which are then prepared once.
        size = 1 << (len(part) - 1).bit_length()
        part += [None] * (size - len(part))
        statement = f"SELECT id FROM spans WHERE id IN ({', '.join('?' * size)})"  # noqa: S608 - only marks are in it
        found += [row[0] for row in connection.execute(statement, part)]
    return found


def _too_late(connection: sqlite3.Connection, batch: SpanBatch) -> frozenset[bytes]:
    """The spans that are not there and ended long ago, in a time of which spans of their subject were removed."""
    old = {key: prepared.place for key, prepared in batch.spans.items() if prepared.place is not None}
    if not old or connection.execute("SELECT 1 FROM pruned LIMIT 1").fetchone() is None:
        return frozenset()
    question = "SELECT 1 FROM pruned WHERE start = ? AND subject = ?"
    doubtful = [key for key, place in old.items() if connection.execute(question, place).fetchone()]
    return frozenset(doubtful) - set(_existing(connection, doubtful))


def _half_document(half: Span) -> str:
    document = {
        "parent": half.parent_id,
        "name": half.name,
        "kind": half.kind.value,
        "start": half.start_ns,
        "end": half.end_ns,
        "status": half.status.value,
        "attributes": orjson.Fragment(dump_attributes(half.attributes)),
        "resource": orjson.Fragment(dump_attributes(half.resource.attributes)),
        "withheld": half.withheld,
    }
    return orjson.dumps(document).decode()


def _half_span(key: bytes, document: str) -> Span:
    fields = orjson.loads(document)

    def attributes(name: str) -> dict[str, Any]:
        return dict(load_attributes(orjson.dumps(fields[name]).decode()))

    return Span(
        key[:16].hex(),
        key[16:].hex(),
        fields["parent"],
        fields["name"],
        SpanKind(fields["kind"]),
        fields["start"],
        fields["end"],
        SpanStatus(fields["status"]),
        "",
        attributes("attributes"),
        Resource(attributes("resource")),
        Scope(),
        withheld=fields["withheld"],
    )


def _joined(half: Span, other: Span) -> Span:
    """Both halves as one span: all attributes, from the first start to the last end."""
    return replace(
        half,
        start_ns=min(half.start_ns, other.start_ns),
        end_ns=max(half.end_ns, other.end_ns),
        status=max(half.status, other.status),
        attributes={**other.attributes, **half.attributes},
        withheld=half.withheld + other.withheld,
    )
