"""Telling GitLab, and a program of the user's, that an alert fires or is over: once, and found again in GitLab.

What was told is looked for in GitLab by the alert's fingerprint before anything is sent, so that several consoles and
CI jobs open one issue between them. What remains is the moment between that look and the call: whoever then finds an
older issue than their own closes their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from mlops_tui.domain.actions import (
    ActionKind,
    Change,
    Confirmation,
    ConfirmationKind,
    Intent,
    Preview,
    Receipt,
    Subject,
)
from mlops_tui.domain.alert_board import Alert, EscalationStep, needed_step
from mlops_tui.domain.alert_issues import Told, issue_text, issue_title, note_text, value_text
from mlops_tui.domain.api_calls import ApiCall, Door, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import MlopsError, RefusedError
from mlops_tui.domain.policy import EscalationPolicy
from mlops_tui.domain.projects import Project
from mlops_tui.domain.text import sentence
from mlops_tui.gitlab.alert_endpoint import notify_call
from mlops_tui.gitlab.alert_issues import AlertIssue, close_call, list_alert_issues, open_call
from mlops_tui.gitlab.issues import note_call, written_issue
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only, run
from mlops_tui.operations.alert_programs import run_alert_program
from mlops_tui.operations.session import Session

_TITLES = {
    EscalationStep.OPEN: "Tell that an alert fires",
    EscalationStep.REMIND: "Tell that an alert still fires",
    EscalationStep.CLOSE: "Tell that an alert is over",
}


@dataclass(frozen=True, slots=True)
class Escalated:
    """What became of telling one alert: a receipt, or why nothing was sent."""

    alert: Alert
    step: EscalationStep
    receipt: Receipt | None
    refusal: str = ""


async def planned(session: Session, alerts: Sequence[Alert]) -> tuple[tuple[Alert, EscalationStep], ...]:
    """What has to be told now, of those for whom there is anybody to tell."""
    found: list[tuple[Alert, EscalationStep]] = []
    for alert in alerts:
        policy = await _policy(session, alert)
        step = needed_step(alert, policy, session.clock.now())
        if step is not None and _ways(session, policy):
            found.append((alert, step))
    return tuple(found)


async def escalate(session: Session, alerts: Sequence[Alert]) -> AsyncIterator[Escalated]:
    """Tell of every alert what has to be told now, one after the other, without asking anybody.

    Only who was told to do so may call this: ``alerts check --escalate`` and ``alerts watch``.
    """
    for alert, step in await planned(session, alerts):
        try:
            action = await prepare_escalation(session, alert, step)
            yield Escalated(alert, step, await run(session, action, ""))
        except MlopsError as error:
            yield Escalated(alert, step, None, str(error))


async def prepare_escalation(session: Session, alert: Alert, step: EscalationStep) -> Action:
    """Preview what would be told of an alert; nothing is sent. Raises RefusedError where there is nobody to tell."""
    refuse_when_read_only(session)
    await session.identify()
    project = await session.directory.project(alert.subject.project)
    policy = await _policy(session, alert)
    if not _ways(session, policy):
        raise RefusedError(
            f"There is nobody to tell of {alert.title}",
            why="the policy wants no issue, and neither an endpoint with its key nor a program is set",
            remedy="Set escalation.issue in the policy file, or alerts.command in the context",
        )
    expected = await _state(session, project, alert)
    subject = Subject(session.context.origin, project.ref.path, alert.subject.model)
    intent = new_intent(session, ActionKind.ESCALATE_ALERT, subject, expected, alert.title)
    calls = _calls(session, project, alert, step, policy, intent)
    preview = Preview(
        intent=intent,
        title=f"{_TITLES[step]}: {alert.title}",
        calls=calls,
        changes=tuple(_changes(session, alert)),
        confirmation=Confirmation(ConfirmationKind.YES),
        is_production=alert.is_production,
    )

    async def read_state() -> State:
        return await _state(session, project, alert)

    async def perform(sender: Sender) -> Performed:
        performed = await _perform(sender, project, alert, calls)
        await (await session.alerts()).tell(
            alert.fingerprint, "" if step is EscalationStep.CLOSE else alert.status.episode
        )
        said = await run_alert_program(session.context.alerts.command, step, alert)
        return Performed(performed.message + said, performed.links, performed.followed)

    return Action(preview, read_state, perform)


async def _policy(session: Session, alert: Alert) -> EscalationPolicy:
    project = await session.directory.project(alert.subject.project)
    return (await session.policy(project)).for_model(alert.subject.model).monitoring.escalation


def _ways(session: Session, policy: EscalationPolicy) -> bool:
    channels = session.context.alerts
    return policy.opens_issue or (policy.integration is not None and channels.has_key) or bool(channels.command)


async def _state(session: Session, project: Project, alert: Alert) -> dict[str, JsonValue]:
    """The open issue of the alert as GitLab has it now."""
    found = await _open_issues(session, project, alert)
    return {"open issue": found[0].iid if found else None, "firing since": alert.status.episode}


async def _open_issues(session: Session, project: Project, alert: Alert) -> list[AlertIssue]:
    found = await list_alert_issues(session.transport, project.ref)
    return [item for item in found if item.mark.fingerprint == alert.fingerprint]


def _calls(
    session: Session, project: Project, alert: Alert, step: EscalationStep, policy: EscalationPolicy, intent: Intent
) -> tuple[ApiCall, ...]:
    calls: list[ApiCall] = []
    issue = alert.issue
    fired_at = alert.status.fired_at
    if issue is not None:
        told = Told.RESOLVED if step is EscalationStep.CLOSE else Told.STILL_FIRING
        calls.append(note_call(project.ref, issue.iid, note_text(alert, told, intent.id), f"tell that it is {told}"))
    if step is EscalationStep.CLOSE and issue is not None:
        calls.append(close_call(project.ref, issue.iid))
    if step is EscalationStep.OPEN and policy.opens_issue and fired_at is not None:
        text = issue_text(alert, fired_at, intent.id)
        calls.append(open_call(project.ref, issue_title(alert), text, is_confidential=policy.is_confidential))
    if policy.integration is not None and session.context.alerts.has_key and step is not EscalationStep.REMIND:
        calls.append(notify_call(policy.integration, alert))
    return tuple(calls)


def _changes(session: Session, alert: Alert) -> list[Change]:
    issue = f"#{alert.issue.iid}" if alert.issue else "none"
    changes = [
        Change("alert", alert.limit, alert.status.state.value),
        Change(alert.rule.metric, alert.limit, value_text(alert)),
        Change("open issue", issue, issue if alert.issue else "one is opened"),
    ]
    if session.context.alerts.command:
        changes.append(Change("program", "", session.context.alerts.command[0]))
    return changes


async def _perform(sender: Sender, project: Project, alert: Alert, calls: Sequence[ApiCall]) -> Performed:
    """Send the calls; what the endpoint refuses is told, since the issue does not rest on it."""
    done: list[str] = []
    links: list[str] = [alert.issue.web_url] if alert.issue else []
    followed: dict[str, JsonValue] = {}
    for call in calls:
        if call.door is Door.ALERTS:
            done.append(await _notified(sender, call))
            continue
        answer = await sender.send(call)
        if call.path.endswith("/issues"):
            iid, page = written_issue(answer.body)
            kept = await _kept_issue(sender, project, alert, iid)
            done.append(f"issue {kept} was opened" if kept == iid else f"issue {kept} was there already")
            links.append(page)
            followed["issue"] = kept
        elif alert.issue is not None:
            done.append(f"issue {alert.issue.iid} was {'closed' if call.method is Method.PUT else 'told'}")
    return Performed(sentence(", ".join(done) or "nothing to send"), tuple(links), followed)


async def _notified(sender: Sender, call: ApiCall) -> str:
    try:
        await sender.send(call)
    except MlopsError as error:
        return f"the endpoint did not take it ({error.why or error.what})"
    return "the endpoint was told"


async def _kept_issue(sender: Sender, project: Project, alert: Alert, mine: int) -> int:
    """The issue that stays: where somebody else was a moment earlier, ours is closed."""
    found = await _open_issues(sender.session, project, alert)
    oldest = min((item.iid for item in found), default=mine)
    if oldest < mine:
        await sender.send(close_call(project.ref, mine, "close it: an older issue is about the same alert"))
    return min(oldest, mine)
