"""What came of an action, as text: the outcome, every call with GitLab's answer and request id, GitLab's pages."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_tui.domain.actions import CallRecord, Intent, Receipt
from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.screens.states import outcome
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.text_layout import TextLine


def receipt_lines(receipt: Receipt) -> Iterator[TextLine]:
    """The receipt for reading."""
    yield outcome(receipt.outcome).cell, Cell(f"  {receipt.message}")
    for link in receipt.links:
        yield Cell("page  ", Token.MUTED), Cell(link)
    for call in receipt.calls:
        yield _call_line(call)
    yield Cell("intent ", Token.MUTED), Cell(receipt.intent.id)


def _call_line(call: CallRecord) -> TextLine:
    answer = "no answer" if call.status is None else str(call.status)
    is_good = call.status is not None and call.status < 400
    request = f"  request {call.request_id}" if call.request_id else ""
    return (
        Cell(f"{call.method} {call.url} ", Token.PLAIN),
        Cell(answer, Token.OK if is_good else Token.ERROR),
        Cell(request, Token.MUTED),
    )


def intent_value(intent: Intent) -> dict[str, JsonValue]:
    """An intent with everything it rested on."""
    subject = intent.subject
    return {
        "intent": intent.id,
        "action": intent.kind.value,
        "at": instant(intent.created_at),
        "by": intent.by,
        "reason": intent.reason,
        "host": subject.host,
        "project": subject.project,
        "model": subject.model,
        "version": subject.version,
        "environment": subject.environment,
        "expected": dict(intent.expected),
    }


def receipt_value(receipt: Receipt) -> dict[str, JsonValue]:
    """A receipt with its intent."""
    return {
        **intent_value(receipt.intent),
        "outcome": receipt.outcome.value,
        "message": receipt.message,
        "links": list(receipt.links),
        "calls": [
            {"method": call.method, "url": call.url, "status": call.status, "request_id": call.request_id}
            for call in receipt.calls
        ],
    }
