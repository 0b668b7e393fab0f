"""Taking an alert on, and silencing one for a while: kept on this machine, and noted on the alert's issue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Preview, Subject
from mlops_tui.domain.alert_board import Acknowledgement, Alert, Silence
from mlops_tui.domain.alert_issues import Told, note_text
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.text import sentence
from mlops_tui.gitlab.issues import note_call, written_note
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only
from mlops_tui.operations.session import Session

LONGEST_SILENCE = timedelta(days=30)


async def prepare_acknowledgement(session: Session, alert: Alert, comment: str = "") -> Action:
    """Preview that this user takes a firing alert on: nobody is reminded of it any more.

    Raises RefusedError when it does not fire, or when somebody has taken it on already.
    """
    if not alert.status.is_firing:
        raise RefusedError(f"{alert.title} does not fire", remedy="There is nothing to take on")
    if alert.acknowledgement is not None:
        given = alert.acknowledgement
        raise RefusedError(f"{alert.title} was taken on already", why=f"by {given.by} at {instant(given.at)}")
    user = await session.identify()
    given = Acknowledgement(alert.status.episode, user.username, session.clock.now(), comment)

    async def keep() -> None:
        await (await session.alerts()).acknowledge(alert.fingerprint, given)

    change = Change("looked after by", "nobody", user.username)
    return await _prepare(session, alert, ActionKind.ACKNOWLEDGE_ALERT, comment, change, keep)


async def prepare_silence(session: Session, alert: Alert, length: timedelta, reason: str = "") -> Action:
    """Preview that nobody is told of an alert for a while; a ``length`` of nothing ends a silence.

    Raises UsageError for a silence that is too long.
    """
    if length > LONGEST_SILENCE:
        raise UsageError(
            "The silence is too long",
            why=f"an alert that nobody hears of for more than {LONGEST_SILENCE.days} days is forgotten",
            remedy="Choose a shorter one, or change the rule in the policy file",
        )
    user = await session.identify()
    now = session.clock.now()
    current = alert.silence(now)
    given = Silence(now + length, user.username, now, reason) if length else None
    if given is None and current is None:
        raise RefusedError(f"{alert.title} is not silenced")

    async def keep() -> None:
        await (await session.alerts()).silence(alert.fingerprint, given)

    change = Change("silenced until", _until(current), _until(given))
    return await _prepare(session, alert, ActionKind.SILENCE_ALERT, reason, change, keep)


def _until(silence: Silence | None) -> str:
    return instant(silence.until) if silence else "not silenced"


async def _prepare(
    session: Session,
    alert: Alert,
    kind: ActionKind,
    reason: str,
    change: Change,
    keep: Callable[[], Awaitable[None]],
) -> Action:
    refuse_when_read_only(session)
    project = await session.directory.project(alert.subject.project)
    store = await session.alerts()
    subject = Subject(session.context.origin, alert.subject.project, alert.subject.model)

    async def read_state() -> State:
        handling = (await store.handlings()).get(alert.fingerprint)
        silence = handling.silence if handling else None
        return {
            "alert": alert.fingerprint,
            "firing since": alert.status.episode,
            "silenced until": _moment(silence.until if silence else None),
        }

    intent = new_intent(session, kind, subject, await read_state(), reason)
    told = Told.ACKNOWLEDGED if kind is ActionKind.ACKNOWLEDGE_ALERT else Told.SILENCED
    text = f"{change.label}: {change.after}\n{reason}".strip()
    calls: tuple[ApiCall, ...] = ()
    if alert.issue is not None:
        note = note_text(alert, told, intent.id, text)
        calls = (note_call(project.ref, alert.issue.iid, note, f"note that it is {told}"),)
    obstacle = "Without an open issue it is kept on this machine alone, and other consoles do not know of it"
    preview = Preview(
        intent=intent,
        title=f"{'Take on' if told is Told.ACKNOWLEDGED else 'Silence'} {alert.title}",
        calls=calls,
        changes=(change,),
        confirmation=Confirmation(ConfirmationKind.YES),
        is_production=alert.is_production,
        obstacles=() if calls else (obstacle,),
    )

    async def perform(sender: Sender) -> Performed:
        for call in calls:
            answer = await sender.send(call)
            written_note(answer.body, answer.status)
        await keep()
        links = (alert.issue.web_url,) if alert.issue else ()
        return Performed(sentence(f"{change.label} {change.after}"), links)

    return Action(preview, read_state, perform)


def _moment(moment: datetime | None) -> JsonValue:
    return None if moment is None else instant(moment)
