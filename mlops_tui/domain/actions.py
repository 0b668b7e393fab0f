"""Acting, in records: an intent becomes a preview, a confirmed preview becomes a receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue


class ActionKind(StrEnum):
    """What a person or a policy may ask for."""

    PROMOTE = "promote"
    ROLL_BACK = "rollback"
    CREATE_VERSION = "create_version"
    EDIT_CARD = "edit_card"
    DELETE_VERSION = "delete_version"
    DELETE_MODEL = "delete_model"
    REQUEST_APPROVAL = "request_approval"
    APPROVE = "approve"
    REJECT = "reject"
    COMMENT = "comment"
    PROTECT = "protect"
    STORE_PROFILE = "store_profile"
    STORE_REPORT = "store_report"
    STOP_ENVIRONMENT = "stop_environment"
    ESCALATE_ALERT = "escalate_alert"
    ACKNOWLEDGE_ALERT = "acknowledge_alert"
    SILENCE_ALERT = "silence_alert"
    RETRAIN = "retrain"
    START_ROLLOUT = "start_rollout"
    ADVANCE_ROLLOUT = "advance_rollout"
    HOLD_ROLLOUT = "hold_rollout"
    RESUME_ROLLOUT = "resume_rollout"
    ABORT_ROLLOUT = "abort_rollout"
    FINISH_ROLLOUT = "finish_rollout"


@dataclass(frozen=True, slots=True)
class Subject:
    """On what an action acts; empty where a part does not apply. ``host`` is the origin of the instance."""

    host: str
    project: str
    model: str
    version: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is wanted, on what, and the state it was decided on.

    ``expected`` is everything the decision rests on, in JSON form; ``run`` reads it again and refuses when it differs.
    """

    id: str
    kind: ActionKind
    subject: Subject
    created_at: datetime
    expected: Mapping[str, JsonValue] = field(default_factory=dict)
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the before and after."""

    label: str
    before: str
    after: str
    is_better: bool | None = None


class ConfirmationKind(StrEnum):
    """How strongly a person has to confirm."""

    YES = "yes"
    TYPE_NAME = "type_name"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the person has to do; ``name`` is the text to type where a name is asked for."""

    kind: ConfirmationKind
    name: str = ""

    def accepts(self, typed: str) -> bool:
        """Whether ``typed`` is enough."""
        return typed == self.name if self.kind is ConfirmationKind.TYPE_NAME else True


@dataclass(frozen=True, slots=True)
class Preview:
    """Exactly what would be sent and what it would change.

    ``obstacles`` are reasons why GitLab may refuse or wait (an approval, a job that cannot be retried); ``gaps`` are
    things that are missing from the evidence. Both are sentences.
    """

    intent: Intent
    title: str
    calls: tuple[ApiCall, ...]
    changes: tuple[Change, ...]
    confirmation: Confirmation
    is_production: bool
    obstacles: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


class Outcome(StrEnum):
    """How an action ended, as far as we know."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that was made; ``status`` is None when no answer came."""

    method: str
    url: str
    status: int | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an intent, with the pages where GitLab shows it."""

    intent: Intent
    outcome: Outcome
    message: str
    calls: tuple[CallRecord, ...]
    links: tuple[str, ...] = ()
    followed: Mapping[str, JsonValue] = field(default_factory=dict)
