"""Leases that watchers of this machine took and gave back, as entries of the journal."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.journal import EntryKind, JournalEntry
from mlops_tui.domain.rollout_leases import LeaseNote, lease_name, lease_number
from mlops_tui.storage.journal_entries import Draft


def lease_draft(rollout: str, note: LeaseNote) -> Draft:
    """Tell that a watcher took a lease, or gave it back."""
    payload: dict[str, JsonValue] = {
        "lease": lease_name(rollout, note.number),
        "holder": note.holder,
        "at": instant(note.at),
    }
    if note.is_given_back:
        payload["given_back"] = True
    return Draft(EntryKind.OBSERVATION, rollout, payload)


def lease_notes(entries: Iterable[JournalEntry]) -> Mapping[str, tuple[LeaseNote, ...]]:
    """What the entries tell of leases, by rollout and in the order in which it was written."""
    found: defaultdict[str, list[LeaseNote]] = defaultdict(list)
    for entry in entries:
        if entry.kind is not EntryKind.OBSERVATION:
            continue
        payload = json.loads(entry.payload)
        number = lease_number(str(payload.get("lease", "")), entry.intent_id)
        if number is not None:
            at = datetime.fromisoformat(payload["at"])
            found[entry.intent_id].append(
                LeaseNote(number, str(payload["holder"]), at, is_given_back=bool(payload.get("given_back")))
            )
    return {rollout: tuple(notes) for rollout, notes in found.items()}
