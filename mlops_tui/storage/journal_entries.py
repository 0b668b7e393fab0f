"""What the entries of the journal say: intents, receipts and reconciliations, to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlops_tui.domain.actions import ActionKind, CallRecord, Intent, Outcome, Receipt, Subject
from mlops_tui.domain.api_calls import ApiCall, FileBody, Method
from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.journal import EntryKind, JournalEntry


@dataclass(frozen=True, slots=True)
class Draft:
    """What an entry is to say, before it has a place in the chain; an intent names its ``subject``.

    One that ``may_overtake`` does not wait for an earlier one on the same subject whose outcome is not known.
    """

    kind: EntryKind
    intent_id: str
    payload: Mapping[str, JsonValue]
    subject: Subject | None = None
    may_overtake: bool = False


def intent_draft(intent: Intent, calls: Sequence[ApiCall]) -> Draft:
    """Tell that ``calls`` are about to be made for ``intent``; must be written before the first of them.

    Aborting a rollout waits for nothing: it takes traffic away, and whatever was half done is undone by it.
    """
    payload: dict[str, JsonValue] = {
        "action": intent.kind.value,
        "subject": _subject_payload(intent.subject),
        "created_at": instant(intent.created_at),
        "expected": intent.expected,
        "reason": intent.reason,
        "by": intent.by,
        "calls": [call.record() for call in calls],
    }
    return Draft(EntryKind.INTENT, intent.id, payload, intent.subject, intent.kind is ActionKind.ABORT_ROLLOUT)


def receipt_draft(receipt: Receipt) -> Draft:
    """Tell what came of an intent; the outcome UNKNOWN leaves it unsettled."""
    return Draft(EntryKind.RECEIPT, receipt.intent.id, _receipt_payload(receipt))


def reconciliation_draft(receipt: Receipt) -> Draft:
    """Tell what was found out later about an intent that had no certain outcome."""
    return Draft(EntryKind.RECONCILED, receipt.intent.id, _receipt_payload(receipt))


def intent_of(entry: JournalEntry) -> Intent:
    """The intent that an intent's entry tells of."""
    payload = _payload(entry)
    return Intent(
        id=entry.intent_id,
        kind=ActionKind(payload["action"]),
        subject=Subject(**payload["subject"]),
        created_at=datetime.fromisoformat(payload["created_at"]),
        expected=payload["expected"],
        reason=payload["reason"],
        by=payload["by"],
    )


def calls_of(entry: JournalEntry) -> tuple[ApiCall, ...]:
    """The calls that an intent's entry announced."""
    return tuple(
        ApiCall(
            Method(call["method"]),
            call["path"],
            call["body"],
            file=FileBody(**call["file"]) if "file" in call else None,
        )
        for call in _payload(entry)["calls"]
    )


def receipt_of(entry: JournalEntry, intent: Intent) -> Receipt:
    """The receipt or reconciliation of ``intent`` that ``entry`` tells of."""
    payload = _payload(entry)
    return Receipt(
        intent=intent,
        outcome=Outcome(payload["outcome"]),
        message=payload["message"],
        calls=tuple(CallRecord(**call) for call in payload["calls"]),
        links=tuple(payload["links"]),
        followed=payload["followed"],
    )


def _payload(entry: JournalEntry) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(entry.payload)
    return payload


def _subject_payload(subject: Subject) -> dict[str, JsonValue]:
    return {
        "host": subject.host,
        "project": subject.project,
        "model": subject.model,
        "version": subject.version,
        "environment": subject.environment,
    }


def _receipt_payload(receipt: Receipt) -> dict[str, JsonValue]:
    return {
        "outcome": receipt.outcome.value,
        "message": receipt.message,
        "calls": [
            {"method": call.method, "url": call.url, "status": call.status, "request_id": call.request_id}
            for call in receipt.calls
        ],
        "links": list(receipt.links),
        "followed": receipt.followed,
    }
