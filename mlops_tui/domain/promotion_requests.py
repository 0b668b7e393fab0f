"""Requests for a promotion as issues, and decisions on them as notes, in a form that programs read.

Both begin with a fenced block of exactly one line of canonical JSON; whatever follows is for people. A request::

    ```mlops-request
    {"environment":"production","evidence":"<64 hex>","intent":"<uuid>","model":"fraud",...}
    ```

A decision::

    ```mlops-decision
    {"decision":"approved","evidence":"<64 hex>","intent":"<uuid>","journal":"<16 hex>","schema":"mlops-tui/decision/1"}
    ```

A text that differs from this form in one character is a text and no decision. What a note must hold besides to count
is told by ``mlops_tui.domain.votes``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from mlops_tui.domain.approvals import Decision
from mlops_tui.domain.canonical import canonical_json

REQUEST_SCHEMA = "mlops-tui/request/1"
DECISION_SCHEMA = "mlops-tui/decision/1"
PENDING, APPROVED, REJECTED = "approval-pending", "approved", "rejected"

_FENCE = "```"
_REQUEST_FENCE = f"{_FENCE}mlops-request"
_DECISION_FENCE = f"{_FENCE}mlops-decision"
_TICKS = re.compile(r"`{3,}|~{3,}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_HEX16 = re.compile(r"[0-9a-f]{16}")
_INTENT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,255}")
_COMMIT = re.compile(r"(?:[0-9a-f]{7,64})?")
_LINE_LIMIT = 2_000

_REQUEST_FIELDS = {
    "environment": _NAME,
    "evidence": _HEX64,
    "intent": _INTENT,
    "model": _NAME,
    "policy": _COMMIT,
    "requested_by": _NAME,
    "schema": re.compile(re.escape(REQUEST_SCHEMA)),
    "version": _NAME,
}
_DECISION_FIELDS = {
    "decision": re.compile("|".join(Decision)),
    "evidence": _HEX64,
    "intent": _INTENT,
    "journal": _HEX16,
    "schema": re.compile(re.escape(DECISION_SCHEMA)),
}


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """What is asked for: a version into an environment, on this evidence; ``policy`` is the policy file's commit."""

    model: str
    version: str
    environment: str
    evidence: str
    requested_by: str
    intent: str
    policy: str = ""

    @property
    def title(self) -> str:
        """The issue's title."""
        return f"Promote {self.model} {self.version} to {self.environment}"


@dataclass(frozen=True, slots=True)
class DecisionNote:
    """What a note decides, on which evidence; ``journal`` begins the hash of the writer's last journal entry."""

    decision: Decision
    evidence: str
    intent: str
    journal: str


def labels(*, scoped: bool) -> dict[str, str]:
    """The labels of requests by what they say: exclusive scoped ones where the licence has them, else plain ones."""
    separator = "::" if scoped else "-"
    return {name: f"mlops{separator}{name}" for name in (PENDING, APPROVED, REJECTED)}


def request_text(request: PromotionRequest, evidence: str) -> str:
    """The issue's description; ``evidence`` is Markdown of our own making."""
    fields = {
        "environment": request.environment,
        "evidence": request.evidence,
        "intent": request.intent,
        "model": request.model,
        "policy": request.policy,
        "requested_by": request.requested_by,
        "schema": REQUEST_SCHEMA,
        "version": request.version,
    }
    head = f"{_REQUEST_FENCE}\n{canonical_json(fields)}\n{_FENCE}"
    how = (
        "Decide with `mlops-tui approvals approve` or `reject`, or with `A` and `X` in the dashboard. "
        "Only such decision notes count: reactions, labels and other comments do not."
    )
    return f"{head}\n\n{how}\n\n{evidence}".rstrip() + "\n"


def decision_text(note: DecisionNote, comment: str) -> str:
    """The note's body."""
    fields = {
        "decision": note.decision.value,
        "evidence": note.evidence,
        "intent": note.intent,
        "journal": note.journal,
        "schema": DECISION_SCHEMA,
    }
    head = f"{_DECISION_FENCE}\n{canonical_json(fields)}\n{_FENCE}\n\nDecision: **{note.decision.value}**"
    return f"{head}\n\n{fenced(comment)}" if comment.strip() else head


def comment_text(comment: str, mark: str) -> str:
    """A note that decides nothing; ``mark`` names evidence and journal."""
    return f"{fenced(comment)}\n\n`{mark}`"


def read_request(body: str) -> PromotionRequest | None:
    """The request that an issue's raw description makes, or None."""
    fields = _head(body, _REQUEST_FENCE, _REQUEST_FIELDS)
    if fields is None:
        return None
    return PromotionRequest(
        model=fields["model"],
        version=fields["version"],
        environment=fields["environment"],
        evidence=fields["evidence"],
        requested_by=fields["requested_by"],
        intent=fields["intent"],
        policy=fields["policy"],
    )


def read_decision(body: str) -> DecisionNote | None:
    """The decision that a note's raw body makes, or None."""
    fields = _head(body, _DECISION_FENCE, _DECISION_FIELDS)
    if fields is None:
        return None
    return DecisionNote(Decision(fields["decision"]), fields["evidence"], fields["intent"], fields["journal"])


def fenced(text: str) -> str:
    """People's text in a fence longer than any in it, so that it can neither command, mention nor end the fence."""
    longest = max((len(found.group()) for found in _TICKS.finditer(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.strip()}\n{fence}"


def _head(body: str, fence: str, fields: dict[str, re.Pattern[str]]) -> dict[str, str] | None:
    """The fields of the first block, if the text begins with one in exactly our form."""
    lines = body.split("\n", 3)
    if len(lines) < 3 or lines[0] != fence or lines[2] != _FENCE or len(lines[1]) > _LINE_LIMIT:
        return None
    try:
        parsed: Any = json.loads(lines[1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict) or parsed.keys() != fields.keys():
        return None
    if not all(isinstance(value, str) and fields[name].fullmatch(value) for name, value in parsed.items()):
        return None
    return parsed if canonical_json(parsed) == lines[1] else None
