"""The one way to change something: an intent is previewed, confirmed, checked again, journaled, sent once, receipted.

The same path serves the keyboard, the command line and automatic rollback. Read-only mode, confirmation and changed
state are refused here and nowhere above.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlops_tui.domain.actions import ActionKind, CallRecord, Intent, Outcome, Preview, Receipt, Subject
from mlops_tui.domain.api_calls import ApiAnswer, ApiCall
from mlops_tui.domain.canonical import JsonValue, canonical_json
from mlops_tui.domain.errors import (
    NotConfirmedError,
    ReadOnlyError,
    RemoteError,
    ServerFaultError,
    StateChangedError,
    UnreachableError,
    UnreadableAnswerError,
)
from mlops_tui.operations.session import Session
from mlops_tui.storage.journal_entries import intent_draft, receipt_draft

State = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of the calls: a sentence, GitLab's pages, and ids to follow.

    ``outcome`` is FAILED where several calls belong together and one of them surely did not happen.
    """

    message: str
    links: tuple[str, ...] = ()
    followed: Mapping[str, JsonValue] = field(default_factory=dict)
    outcome: Outcome = Outcome.DONE


@dataclass(slots=True)
class Sender:
    """Sends the calls of one action, each once and dated by ``moment``, and keeps what became of each."""

    session: Session
    moment: datetime
    sent: list[CallRecord] = field(default_factory=list)

    async def send(self, call: ApiCall) -> ApiAnswer:
        """Send one call; whatever happens to it is recorded."""
        transport = await self.session.through(call.door)
        try:
            answer = await transport.send(call.dated(self.moment))
        except RemoteError as error:
            url = error.url or self.session.context.url + call.path
            self.sent.append(CallRecord(call.method.value, url, error.status, error.request_id))
            raise
        except asyncio.CancelledError:
            self.sent.append(CallRecord(call.method.value, self.session.context.url + call.path, None, ""))
            raise
        self.sent.append(CallRecord(call.method.value, answer.url, answer.status, answer.request_id))
        return answer


@dataclass(frozen=True, slots=True)
class Action:
    """A previewed action that can be run: how to read again what it rests on, and how to perform it."""

    preview: Preview
    read_state: Callable[[], Awaitable[State]]
    perform: Callable[[Sender], Awaitable[Performed]]


def new_intent(session: Session, kind: ActionKind, subject: Subject, expected: State, reason: str = "") -> Intent:
    """An intent with an id of its own, made now."""
    return Intent(str(uuid.uuid4()), kind, subject, session.clock.now(), expected, reason, session.username)


def mark_of(intent: Intent, word: str = "intent") -> str:
    """What names an intent in a pipeline's name, short enough to read: "intent 3f2a90c1"."""
    return f"{word} {intent.id[:8]}"


def refuse_when_read_only(session: Session) -> None:
    """Raise ReadOnlyError in a read-only context."""
    if session.context.is_read_only:
        raise ReadOnlyError(
            "Nothing was sent",
            why=f"the context {session.context.name} is read-only",
            remedy="Set read_only = false for it, or leave out --read-only",
        )


async def run(session: Session, action: Action, typed: str) -> Receipt:
    """Carry out a confirmed action.

    Raises a RefusedError when it must not be: read-only, not confirmed, changed since the preview, or an earlier action
    on the same model and environment is unsettled. Once the intent is in the journal this always returns a receipt.
    Cancelled after that, it first lets the calls come to their end, or writes down how far they came.
    """
    intent = action.preview.intent
    refuse_when_read_only(session)
    _require_confirmation(action.preview, typed)
    _require_unchanged(intent.expected, await action.read_state())
    return await session.uninterrupted.run(_recorded(session, action))


async def _recorded(session: Session, action: Action) -> Receipt:
    moment = session.server_now()
    calls = [call.dated(moment) for call in action.preview.calls]
    await session.journal.append(intent_draft(action.preview.intent, calls))
    receipt = await _perform(action, Sender(session, moment))
    await session.journal.append(receipt_draft(receipt))
    return receipt


async def _perform(action: Action, sender: Sender) -> Receipt:
    intent = action.preview.intent
    try:
        performed = await action.perform(sender)
    except RemoteError as error:
        if may_have_happened(error):
            message = f"{error} Whether GitLab did it is not known yet; it is asked before the next action"
            return Receipt(intent, Outcome.UNKNOWN, message, tuple(sender.sent))
        return Receipt(intent, Outcome.FAILED, str(error), tuple(sender.sent))
    except asyncio.CancelledError:
        # The program ends, and GitLab did not answer in the time that was left: what was sent is all that is known.
        return _interrupted(intent, tuple(sender.sent))
    return Receipt(
        intent, performed.outcome, performed.message, tuple(sender.sent), performed.links, performed.followed
    )


def _interrupted(intent: Intent, sent: tuple[CallRecord, ...]) -> Receipt:
    if not sent:
        return Receipt(intent, Outcome.FAILED, "It was interrupted before anything was sent", ())
    answered = sum(call.status is not None for call in sent)
    message = f"It was interrupted when {answered} of {len(sent)} calls that were sent had been answered."
    message += " What GitLab did is not known yet; it is asked before the next action"
    return Receipt(intent, Outcome.UNKNOWN, message, sent)


def _require_confirmation(preview: Preview, typed: str) -> None:
    if not preview.confirmation.accepts(typed):
        raise NotConfirmedError(
            "Nothing was sent",
            why="the confirmation does not match",
            remedy=f"Type {preview.confirmation.name} exactly as it is written",
        )


def _require_unchanged(expected: State, actual: State) -> None:
    changed = sorted(
        key
        for key in expected.keys() | actual.keys()
        if canonical_json(expected.get(key)) != canonical_json(actual.get(key))
    )
    if changed:
        key = changed[0]
        raise StateChangedError(
            "Nothing was sent",
            why=f"{key} changed since the preview: it was {expected.get(key)!s} and is now {actual.get(key)!s}",
            remedy="Look at the new state and decide again",
        )


def may_have_happened(error: RemoteError) -> bool:
    """Whether the change that ended in this error may have been made all the same."""
    match error:
        case UnreachableError():
            return error.may_have_arrived
        case ServerFaultError() | UnreadableAnswerError():
            return True
        case _:
            return False
