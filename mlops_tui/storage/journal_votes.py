"""Votes that were seen, as entries of the journal: a note that vanishes later shows by what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from mlops_tui.domain.approvals import ApprovalId, Decision, Vote
from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.journal import EntryKind, JournalEntry
from mlops_tui.domain.projects import User
from mlops_tui.storage.journal_entries import Draft


def vote_draft(host: str, approval: ApprovalId, vote: Vote) -> Draft:
    """Tell that a vote counted when it was looked at."""
    payload: dict[str, JsonValue] = {
        "seen": "vote",
        "host": host,
        "approval": str(approval),
        "note": vote.note_id,
        "user": {"id": vote.user.id, "username": vote.user.username, "name": vote.user.name},
        "decision": vote.decision.value,
        "at": instant(vote.at),
        "comment": vote.comment,
    }
    return Draft(EntryKind.OBSERVATION, f"vote {approval} {vote.note_id}", payload)


def seen_votes(entries: Iterable[JournalEntry], host: str, approval: ApprovalId) -> dict[int, Vote]:
    """The votes on one approval that the entries tell of, by their note's id."""
    found: dict[int, Vote] = {}
    prefix = f"vote {approval} "
    for entry in entries:
        if entry.kind is not EntryKind.OBSERVATION or not entry.intent_id.startswith(prefix):
            continue
        payload = json.loads(entry.payload)
        if payload["host"] == host:
            note = int(payload["note"])
            at = datetime.fromisoformat(payload["at"])
            found[note] = Vote(
                User(**payload["user"]), Decision(payload["decision"]), at, payload["comment"], note_id=note
            )
    return found
