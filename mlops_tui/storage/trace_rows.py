"""Spans as rows of the database and back."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from mlops_tui.domain.inferences import (
    GROUND_TRUTH,
    PREDICTION_ID,
    SUBJECT_KEYS,
    Subject,
    is_label,
    label_of,
    subject_of,
)
from mlops_tui.domain.trace_queries import TimeRange
from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus, Trace, text_of
from mlops_tui.storage.trace_values import (
    dump_attributes,
    dump_events,
    dump_links,
    load_attributes,
    load_events,
    load_links,
)

LABEL_SIGN = f'"{GROUND_TRUTH}'.encode()
_KNOWN_SUBJECTS = 16_384
# One statement takes many rows: each statement hands Python's lock around, which costs more than a row does.
_PARAMETERS = 16_000
_SIZES = (1_024, 256, 64, 16, 4, 1)

SPAN_COLUMNS = (
    "id", "parent", "name", "kind", "start_ns", "end_ns", "status", "subject", "origin", "received_ns",
    "prediction", "attributes", "rest",
)  # fmt: skip
_SELECT = """
    SELECT s.id, s.parent, s.name, s.kind, s.start_ns, s.end_ns, s.status, s.attributes, s.rest, s.origin,
        s.number, u.service, u.project, u.model, u.version, u.arm, u.environment
    FROM spans AS s JOIN subjects AS u ON u.id = s.subject"""


class StoredSpan(NamedTuple):
    """A span with its number and the subject it is counted under."""

    number: int
    subject: Subject
    span: Span


def insert_many(connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Sequence[Any]) -> int:
    """Insert rows with as few statements as possible; answers how many, since those that are there already stay."""
    start, width, inserted = 0, len(columns), 0
    head = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - names of ours
    one = f"({', '.join('?' * width)})"
    for size in _SIZES:
        if size * width > _PARAMETERS:
            continue
        statement = head + ", ".join([one] * size)
        while len(rows) - start >= size:
            inserted += connection.execute(
                statement, [value for row in rows[start : start + size] for value in row]
            ).rowcount
            start += size
    return inserted


def span_key(span: Span) -> bytes:
    """What identifies a span: 16 bytes of its trace and 8 of its own."""
    return bytes.fromhex(span.trace_id + span.span_id)


class SubjectFinder:
    """Finds the subjects of many spans, each kind of them once; ``found`` holds the rows of those it met."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[Any, ...]] = {}
        self._known: dict[tuple[Any, ...], tuple[int, Subject]] = {}

    def find(self, span: Span, attributes: bytes) -> tuple[int, Subject]:
        """The subject of a span and its number; ``attributes`` are the span's own as they are stored.

        A span that brings labels is no inference and counts for its service only.
        """
        if LABEL_SIGN in attributes and is_label(span):
            return self._keep(replace(subject_of(span), model="", version="", arm=""))
        told = (id(span.resource), *map(span.attributes.get, SUBJECT_KEYS))
        try:
            known = self._known.get(told)
        except TypeError:  # a nested value, which cannot be looked up
            return self._keep(subject_of(span))
        if known is None:
            known = self._known[told] = self._keep(subject_of(span))
        return known

    def _keep(self, subject: Subject) -> tuple[int, Subject]:
        subject = _one_of(subject)
        row = subject_row(subject)
        self.found[row[0]] = row
        return row[0], subject


@lru_cache(_KNOWN_SUBJECTS)
def _one_of(subject: Subject) -> Subject:
    """The same object for equal subjects, so that they are cheap to compare."""
    return subject


@lru_cache(_KNOWN_SUBJECTS)
def subject_id(subject: Subject) -> int:
    """A number for a subject that is the same in every database."""
    return _digest(_subject_row(subject))


def subject_row(subject: Subject) -> tuple[Any, ...]:
    """The row of a subject."""
    return (subject_id(subject), *_subject_row(subject))


def origin_row(span: Span) -> tuple[Any, ...]:
    """The row of a span's resource and scope, its number first."""
    resource = dump_attributes(span.resource.attributes).decode()
    values = (resource, span.scope.name, span.scope.version)
    return (_digest(values), *values)


def rest_of(span: Span) -> str | None:
    """What few spans have, as JSON; None for most."""
    if not (span.withheld or span.dropped or span.status_message or span.events or span.links):
        return None
    rest: dict[str, Any] = {}
    if span.status_message:
        rest["message"] = span.status_message
    if span.dropped:
        rest["dropped"] = span.dropped
    if span.withheld:
        rest["withheld"] = span.withheld
    if span.events:
        rest["events"] = dump_events(span.events)
    if span.links:
        rest["links"] = dump_links(span.links)
    return orjson.dumps(rest).decode()


def label_row(span: Span) -> tuple[Any, ...] | None:
    """The row of the labels a span brings, without its number; None when it brings none that could be joined."""
    label = label_of(span)
    if label is None:
        return None
    subject = subject_of(span)
    target = bytes.fromhex(label.trace_id + label.span_id) if label.span_id and label.trace_id else None
    outcomes = dump_attributes(label.outcomes).decode()
    return (label.prediction_id or None, target, subject.project, subject.model, span.end_ns, outcomes)


def prediction_of(span: Span) -> str | None:
    """The name of a prediction to which labels may come."""
    value = span.attributes.get(PREDICTION_ID)
    return None if value is None else text_of(value) or None


class SpanLoader:
    """Reads spans on one connection, each resource once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._origins: dict[int, tuple[Resource, Scope]] = {}

    def trace(self, trace_id: str) -> Trace | None:
        """The trace of that id."""
        first = bytes.fromhex(trace_id)
        rows = self._connection.execute(f"{_SELECT} WHERE s.id BETWEEN ? AND ?", (first, first + b"\xff" * 8))
        spans = [self._stored(row).span for row in rows]
        return Trace.of(trace_id, spans) if spans else None

    def after(self, number: int, limit: int) -> list[StoredSpan]:
        """The spans that arrived next after the one of that number."""
        rows = self._connection.execute(f"{_SELECT} WHERE s.number > ? ORDER BY s.number LIMIT ?", (number, limit))
        return [self._stored(row) for row in rows]

    def ended(self, times: TimeRange, step: int) -> Iterator[list[StoredSpan]]:
        """The spans that ended in a range of time, ``step`` at a time."""
        rows = self._connection.execute(
            f"{_SELECT} WHERE s.end_ns >= ? AND s.end_ns < ?", (times.start_ns, times.end_ns)
        )
        while some := rows.fetchmany(step):
            yield [self._stored(row) for row in some]

    def numbered(self, numbers: Iterable[int]) -> Iterator[StoredSpan]:
        """The spans of these numbers that are there."""
        for number in numbers:
            row = self._connection.execute(f"{_SELECT} WHERE s.number = ?", (number,)).fetchone()
            if row is not None:
                yield self._stored(row)

    def _stored(self, row: Sequence[Any]) -> StoredSpan:
        key, parent, name, kind, start_ns, end_ns, status, attributes, rest, origin, number, *subject = row
        more = orjson.loads(rest) if rest else {}
        resource, scope = self._origin(origin)
        span = Span(
            key[:16].hex(),
            key[16:].hex(),
            parent,
            name,
            SpanKind(kind),
            start_ns,
            end_ns,
            SpanStatus(status),
            more.get("message", ""),
            load_attributes(attributes),
            resource,
            scope,
            load_events(more.get("events", ())),
            load_links(more.get("links", ())),
            more.get("dropped", 0),
            more.get("withheld", 0),
        )
        return StoredSpan(number, _one_of(Subject(*subject)), span)

    def _origin(self, number: int) -> tuple[Resource, Scope]:
        if number not in self._origins:
            resource, name, version = self._connection.execute(
                "SELECT resource, scope_name, scope_version FROM origins WHERE id = ?", (number,)
            ).fetchone()
            self._origins[number] = Resource(load_attributes(resource)), Scope(name, version)
        return self._origins[number]


def _subject_row(subject: Subject) -> tuple[str, ...]:
    return (subject.service, subject.project, subject.model, subject.version, subject.arm, subject.environment)


def _digest(values: Sequence[str]) -> int:
    """63 bits of a digest, which SQLite can hold."""
    text = "\0".join(f"{len(value)}:{value}" for value in values)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
