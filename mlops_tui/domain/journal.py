"""The journal of actions as a chain: each entry carries the hash of the one before, so a change anywhere shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlops_tui.domain.canonical import JsonValue, canonical_json, instant

GENESIS = "0" * 64


class EntryKind(StrEnum):
    """What an entry tells: what is about to be done, what came of it, what was found out later, what was seen.

    An observation belongs to no intent: its id names what was seen.
    """

    INTENT = "intent"
    RECEIPT = "receipt"
    RECONCILED = "reconciled"
    OBSERVATION = "observation"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal.

    ``sequence`` counts from 1 without gaps; ``payload`` is canonical JSON; ``previous`` is the hash of the entry
    before (64 zeros for the first) and ``hash`` = SHA-256 of ``previous`` followed by the canonical entry.
    """

    sequence: int
    at: datetime
    kind: EntryKind
    intent_id: str
    payload: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Whether the chain holds: ``broken_at`` is the first bad sequence number, with the reason."""

    entries: int
    head: str
    broken_at: int | None = None
    reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether every entry follows from the one before."""
        return self.broken_at is None


def seal(
    sequence: int, at: datetime, kind: EntryKind, intent_id: str, payload: JsonValue, previous: str
) -> JournalEntry:
    """Make the entry that follows the one whose hash is ``previous``."""
    text = canonical_json(payload)
    return JournalEntry(
        sequence, at, kind, intent_id, text, previous, _hash(sequence, at, kind, intent_id, text, previous)
    )


def verify_chain(entries: Iterable[JournalEntry], *, start: int = 0, head: str = GENESIS) -> ChainReport:
    """Walk the chain in order and name the first entry that does not follow from the one before.

    To go on from an earlier report, give its number of entries as ``start`` and its ``head``.
    """
    count = start
    for entry in entries:
        if entry.sequence != count + 1:
            return ChainReport(count, head, count + 1, f"entry {count + 1} is missing")
        if entry.previous != head:
            return ChainReport(count, head, entry.sequence, "it does not follow from the entry before it")
        expected = _hash(entry.sequence, entry.at, entry.kind, entry.intent_id, entry.payload, entry.previous)
        if entry.hash != expected:
            return ChainReport(count, head, entry.sequence, "its content was changed after it was written")
        head, count = entry.hash, count + 1
    return ChainReport(count, head)


def _hash(sequence: int, at: datetime, kind: EntryKind, intent_id: str, payload: str, previous: str) -> str:
    entry = {"at": instant(at), "intent": intent_id, "kind": kind.value, "payload": payload, "sequence": sequence}
    return hashlib.sha256((previous + canonical_json(entry)).encode("utf-8")).hexdigest()
