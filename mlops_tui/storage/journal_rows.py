"""The journal's table: its schema, its rows as entries, and what is asked of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from mlops_tui.domain.actions import Subject
from mlops_tui.domain.canonical import instant
from mlops_tui.domain.journal import ChainReport, EntryKind, JournalEntry, verify_chain
from mlops_tui.storage.database import Schema
from mlops_tui.storage.journal_entries import intent_of

SCHEMA = Schema(
    steps=(
        (
            """CREATE TABLE entries (
                sequence INTEGER PRIMARY KEY,
                at TEXT NOT NULL,
                kind TEXT NOT NULL,
                intent_id TEXT NOT NULL,
                payload TEXT NOT NULL,
                previous TEXT NOT NULL,
                hash TEXT NOT NULL
            )""",
            "CREATE INDEX entries_by_intent ON entries (intent_id)",
            """CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
                BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
            """CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
                BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
            # INSERT OR REPLACE would delete without asking the trigger above.
            """CREATE TRIGGER entries_are_appended BEFORE INSERT ON entries
                WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM entries)
                BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
        ),
    )
)

_AFTER = """
    SELECT sequence, at, kind, intent_id, payload, previous, hash
    FROM entries WHERE sequence > ? ORDER BY sequence"""
_UNSETTLED = """
    SELECT sequence, at, kind, intent_id, payload, previous, hash
    FROM entries AS opened
    WHERE kind = 'intent' AND NOT EXISTS (
        SELECT 1 FROM entries AS settled
        WHERE settled.intent_id = opened.intent_id AND settled.kind <> 'intent'
        AND json_extract(settled.payload, '$.outcome') <> 'unknown'
    )
    ORDER BY sequence"""


def insert(connection: sqlite3.Connection, entry: JournalEntry) -> None:
    """Append ``entry`` inside the caller's transaction."""
    connection.execute(
        "INSERT INTO entries (sequence, at, kind, intent_id, payload, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.sequence,
            instant(entry.at),
            entry.kind.value,
            entry.intent_id,
            entry.payload,
            entry.previous,
            entry.hash,
        ),
    )


def read_after(connection: sqlite3.Connection, sequence: int, reasons: list[str]) -> Iterator[JournalEntry]:
    """The entries after ``sequence`` up to the first that cannot be read; why it cannot is added to ``reasons``."""
    try:
        for row in connection.execute(_AFTER, (sequence,)):
            yield _entry(row)
    except (ValueError, TypeError):
        reasons.append("it is not an entry as this program writes them")
    except sqlite3.DatabaseError as error:
        reasons.append(str(error))


def verify_after(connection: sqlite3.Connection, known: ChainReport) -> ChainReport:
    """Verify what follows the chain that ``known`` reports to hold, and that its last entry is still there."""
    last = connection.execute("SELECT hash FROM entries WHERE sequence = ?", (known.entries,)).fetchone()
    if known.entries and (last is None or last[0] != known.head):
        return replace(known, broken_at=known.entries, reason="it was changed or removed after it was written")
    reasons: list[str] = []
    report = verify_chain(read_after(connection, known.entries, reasons), start=known.entries, head=known.head)
    return unreadable_after(report, reasons)


def unreadable_after(report: ChainReport, reasons: list[str]) -> ChainReport:
    """The report of a chain that could be read only so far, if there are ``reasons`` why."""
    if report.holds and reasons:
        return replace(report, broken_at=report.entries + 1, reason=reasons[0])
    return report


def unsettled(connection: sqlite3.Connection, subject: Subject | None) -> tuple[JournalEntry, ...]:
    """The intents without a certain outcome, oldest first; of ``subject``'s model and environment if given."""
    entries = (_entry(row) for row in connection.execute(_UNSETTLED))
    return tuple(entry for entry in entries if subject is None or _place(intent_of(entry).subject) == _place(subject))


def is_recorded(connection: sqlite3.Connection, intent_id: str) -> bool:
    """Whether an intent of this id was ever written."""
    found = connection.execute("SELECT 1 FROM entries WHERE intent_id = ? AND kind = 'intent'", (intent_id,))
    return found.fetchone() is not None


def _place(subject: Subject) -> tuple[str, str, str, str]:
    return subject.host, subject.project, subject.model, subject.environment


def _entry(row: Iterable[object]) -> JournalEntry:
    sequence, at, kind, intent_id, payload, previous, hash_ = row
    texts = (at, intent_id, payload, previous, hash_)
    if not isinstance(sequence, int) or not all(isinstance(text, str) for text in texts):
        raise TypeError("a column holds a value of another type")
    moment = datetime.fromisoformat(str(at)).astimezone(UTC)
    if instant(moment) != at:
        raise ValueError("the time is not written as this program writes it")
    return JournalEntry(sequence, moment, EntryKind(str(kind)), str(intent_id), str(payload), str(previous), str(hash_))
