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

import re
from dataclasses import dataclass

from mlops_tui.domain.approvals import Decision
from mlops_tui.domain.marked_texts import HEX64, INTENT, NAME, fenced, marked, read_marked

REQUEST_SCHEMA = "mlops-tui/request/1"
DECISION_SCHEMA = "mlops-tui/decision/1"
PENDING, APPROVED, REJECTED = "approval-pending", "approved", "rejected"

_REQUEST_WORD = "mlops-request"
_DECISION_WORD = "mlops-decision"
_HEX16 = re.compile(r"[0-9a-f]{16}")
_COMMIT = re.compile(r"(?:[0-9a-f]{7,64})?")

_REQUEST_FIELDS = {
    "environment": NAME,
    "evidence": HEX64,
    "intent": INTENT,
    "model": NAME,
    "policy": _COMMIT,
    "requested_by": NAME,
    "schema": re.compile(re.escape(REQUEST_SCHEMA)),
    "version": NAME,
}
_DECISION_FIELDS = {
    "decision": re.compile("|".join(Decision)),
    "evidence": HEX64,
    "intent": INTENT,
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
    head = marked(_REQUEST_WORD, fields)
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
    head = f"{marked(_DECISION_WORD, fields)}\n\nDecision: **{note.decision.value}**"
    return f"{head}\n\n{fenced(comment)}" if comment.strip() else head


def comment_text(comment: str, mark: str) -> str:
    """A note that decides nothing; ``mark`` names evidence and journal."""
    return f"{fenced(comment)}\n\n`{mark}`"


def read_request(body: str) -> PromotionRequest | None:
    """The request that an issue's raw description makes, or None."""
    fields = read_marked(body, _REQUEST_WORD, _REQUEST_FIELDS)
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
    fields = read_marked(body, _DECISION_WORD, _DECISION_FIELDS)
    if fields is None:
        return None
    return DecisionNote(Decision(fields["decision"]), fields["evidence"], fields["intent"], fields["journal"])
