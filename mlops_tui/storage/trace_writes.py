"""Storing spans: each once, however often it comes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus
from mlops_tui.storage import trace_rows
from mlops_tui.storage.trace_rows import SPAN_COLUMNS, StoredSpan, SubjectFinder, insert_many
from mlops_tui.storage.trace_values import dump_attributes, load_attributes

PRUNED_GRID_SECONDS = 300
_LATE_NS = 3_600 * 1_000_000_000
_GRID_NS = PRUNED_GRID_SECONDS * 1_000_000_000
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


@dataclass(slots=True)
class _Batch:
    """The rows of one insertion."""

    spans: list[tuple[Any, ...]] = field(default_factory=list)
    labels: list[tuple[Any, ...]] = field(default_factory=list)
    subjects: SubjectFinder = field(default_factory=SubjectFinder)
    origins: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)
    stored: list[StoredSpan] = field(default_factory=list)


def insert(connection: sqlite3.Connection, spans: Iterable[Span], received_ns: int) -> Stored:
    """Store spans inside the caller's transaction."""
    fresh: dict[bytes, Span] = {}
    total = 0
    for span in spans:
        total += 1
        fresh.setdefault(trace_rows.span_key(span), span)
    late = _too_late(connection, fresh, received_ns)
    for key in late:
        del fresh[key]
    stored = _insert_all(connection, fresh, received_ns)
    if stored is None:
        for key in _existing(connection, list(fresh)):
            del fresh[key]
        stored = _insert_all(connection, fresh, received_ns) or []
    return Stored(tuple(stored), total - len(late) - len(stored), len(late))


def _insert_all(connection: sqlite3.Connection, fresh: dict[bytes, Span], received_ns: int) -> list[StoredSpan] | None:
    """Store spans that are most likely new; None, with nothing changed, when some are there already."""
    batch = _batch(fresh, _next_number(connection), received_ns)
    connection.execute("SAVEPOINT spans")
    if insert_many(connection, "spans", SPAN_COLUMNS, batch.spans) < len(batch.spans):
        connection.execute("ROLLBACK TO spans")
        connection.execute("RELEASE spans")
        return None
    connection.execute("RELEASE spans")
    insert_many(connection, "subjects", _SUBJECT_COLUMNS, list(batch.subjects.found.values()))
    insert_many(connection, "origins", _ORIGIN_COLUMNS, list(batch.origins.values()))
    insert_many(connection, "labels", _LABEL_COLUMNS, batch.labels)
    return batch.stored


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
    return insert(connection, [_joined(half, _half_span(key, other[0]))], received_ns)


def release_halves(connection: sqlite3.Connection, before_ns: int, received_ns: int) -> Stored:
    """Store halves that waited since before ``before_ns`` in vain as spans of their own."""
    rows = connection.execute(
        "SELECT id, document FROM halves WHERE received_ns < ? ORDER BY received_ns LIMIT 1000", (before_ns,)
    ).fetchall()
    spans = [_half_span(key, document) for key, document in rows]
    connection.executemany("DELETE FROM halves WHERE id = ?", [(key,) for key, _ in rows])
    return insert(connection, spans, received_ns)


def _next_number(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM spans").fetchone()
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


def _too_late(connection: sqlite3.Connection, fresh: dict[bytes, Span], received_ns: int) -> list[bytes]:
    """The spans that ended long ago, in a time of which spans of their subject were removed."""
    old = {key: span for key, span in fresh.items() if received_ns - span.end_ns > _LATE_NS}
    if not old or connection.execute("SELECT 1 FROM pruned LIMIT 1").fetchone() is None:
        return []
    subjects = SubjectFinder()
    late = []
    for key, span in old.items():
        subject_id, _ = subjects.find(span, dump_attributes(span.attributes))
        place = (span.end_ns // _GRID_NS * PRUNED_GRID_SECONDS, subject_id)
        if connection.execute("SELECT 1 FROM pruned WHERE start = ? AND subject = ?", place).fetchone():
            late.append(key)
    return late


def _batch(fresh: dict[bytes, Span], first: int, received_ns: int) -> _Batch:
    batch = _Batch()
    for number, (key, span) in enumerate(fresh.items(), first):
        attributes = dump_attributes(span.attributes)
        subject_id, subject = batch.subjects.find(span, attributes)
        place = (id(span.resource), id(span.scope))
        origin = batch.origins.get(place)
        if origin is None:
            origin = batch.origins[place] = trace_rows.origin_row(span)
        batch.stored.append(StoredSpan(number, subject, span))
        batch.spans.append(
            (
                *(number, key, span.parent_id, span.name, int(span.kind), span.start_ns, span.end_ns),
                *(int(span.status), subject_id, origin[0], received_ns, trace_rows.prediction_of(span)),
                *(attributes.decode(), trace_rows.rest_of(span)),
            )
        )
        label = trace_rows.label_row(number, span) if trace_rows.LABEL_SIGN in attributes else None
        if label is not None:
            batch.labels.append(label)
    return batch


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
