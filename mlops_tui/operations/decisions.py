"""Deciding: approve, reject or comment on what a sheet shows, with exactly the calls that the preview names."""

from __future__ import annotations

import asyncio

from mlops_tui.domain.actions import (
    ActionKind,
    Change,
    Confirmation,
    ConfirmationKind,
    Outcome,
    Preview,
    Subject,
)
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.approval_states import ApprovalState, Obstacle
from mlops_tui.domain.approvals import Approval, ApprovalKind, Decision
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import MlopsError, RefusedError, RemoteError, UsageError
from mlops_tui.domain.evidence_sheets import mark
from mlops_tui.domain.projects import User
from mlops_tui.domain.promotion_requests import comment_text
from mlops_tui.gitlab import issues
from mlops_tui.gitlab.jobs import read_job
from mlops_tui.operations.actions import (
    Action,
    Performed,
    Sender,
    State,
    may_have_happened,
    new_intent,
    refuse_when_read_only,
)
from mlops_tui.operations.approvals import find_approval
from mlops_tui.operations.decision_calls import DecisionCalls, Wish, decision_calls, only_starts
from mlops_tui.operations.evidence_sheets import EvidenceSheet, read_guard
from mlops_tui.operations.session import Session


async def prepare_decision(session: Session, sheet: EvidenceSheet, wish: Wish) -> Action:
    """Preview a decision on what the sheet shows; nothing is sent.

    Raises UsageError for a rejection without a comment or one too long, RefusedError when the person may not decide or
    the evidence is no longer what was asked about.
    """
    refuse_when_read_only(session)
    me = await session.identify()
    approval = sheet.approval
    _refuse(sheet, wish)
    kind = ActionKind.APPROVE if wish.decision is Decision.APPROVED else ActionKind.REJECT
    intent = new_intent(session, kind, _subject(session, approval), sheet.guard, wish.comment)
    noted = mark(sheet.digest, await _journal_head(session))
    calls = decision_calls(sheet, wish, intent, noted, me)
    preview = Preview(
        intent=intent,
        title=_title(approval, wish),
        calls=calls.all,
        changes=(Change("state", approval.state.value, _expected_state(approval, wish)), *sheet.changes),
        confirmation=_confirmation(approval),
        is_production=approval.is_production,
        obstacles=tuple(_obstacles(approval, wish, me)),
        gaps=sheet.gaps,
    )

    async def read_state() -> State:
        return await read_guard(session, approval.id)

    async def perform(sender: Sender) -> Performed:
        return await _perform(sender, approval, wish, calls)

    return Action(preview, read_state, perform)


async def prepare_comment(session: Session, sheet: EvidenceSheet, comment: str) -> Action:
    """Preview a comment, which decides nothing.

    Raises RefusedError where GitLab keeps no comments: on deployments and jobs.
    """
    refuse_when_read_only(session)
    await session.identify()
    approval = sheet.approval
    if not comment.strip():
        raise UsageError("There is no comment", remedy="Pass --comment TEXT")
    place = _notes_place(approval)
    if place is None:
        raise RefusedError(
            f"GitLab keeps no comments on a {approval.id.kind.words}",
            remedy="Say it with the decision, or on the merge request or issue behind it",
        )
    intent = new_intent(session, ActionKind.COMMENT, _subject(session, approval), {"approval": str(approval.id)})
    text = comment_text(comment, mark(sheet.digest, await _journal_head(session)))
    call = issues.note_call(approval.project.ref, approval.id.number, text, "write a comment", place)
    preview = Preview(
        intent,
        f"Comment on {approval.title}",
        (call,),
        (Change("comment", "", comment.strip()),),
        Confirmation(ConfirmationKind.YES),
        is_production=False,
    )

    async def read_state() -> State:
        return {"approval": str(approval.id)}

    async def perform(sender: Sender) -> Performed:
        answer = await sender.send(call)
        issues.written_note(answer.body, answer.status)
        return Performed("GitLab recorded the comment; it decides nothing", (approval.web_url,))

    return Action(preview, read_state, perform)


def _refuse(sheet: EvidenceSheet, wish: Wish) -> None:
    approval = sheet.approval
    if wish.decision is Decision.REJECTED:
        _refuse_rejection(approval, wish)
    elif approval.obstacle is not None and not only_starts(approval, wish):
        raise RefusedError(
            f"Nothing was sent for {approval.title}",
            why=approval.reason[:1].lower() + approval.reason[1:],
            remedy=_who_else(approval),
        )
    if not sheet.is_current:
        raise RefusedError(
            "The evidence is no longer what this request names",
            why="the version, the policy or the request was changed, or this token may not see all of it",
            remedy="Ask for the promotion anew with `mlops-tui approvals request`",
        )


def _refuse_rejection(approval: Approval, wish: Wish) -> None:
    if not wish.comment.strip():
        raise UsageError("A rejection needs a comment", remedy="Say why with --comment TEXT")
    if approval.id.kind is ApprovalKind.MANUAL_JOB:
        raise RefusedError(
            "A manual job cannot be rejected",
            why="GitLab only knows to start it or to leave it",
            remedy="Leave it, or protect the environment with approval rules",
        )
    if not approval.may_reject:
        settled = Obstacle.of_state(approval.state)
        why = settled.sentence if settled else approval.reason or Obstacle.NOT_ON_RULE.sentence
        raise RefusedError(f"Nothing was sent for {approval.title}", why=why[:1].lower() + why[1:])


def _who_else(approval: Approval) -> str:
    for rule in approval.rules:
        people = approval.can_still_approve(rule, approval.barred) if rule.missing else None
        if people:
            return f"{rule.name} can still approve it: {', '.join(user.username for user in people[:8])}"
    return ""


def _subject(session: Session, approval: Approval) -> Subject:
    return Subject(
        session.context.origin, approval.project.ref.path, approval.model, approval.version, approval.environment
    )


def _title(approval: Approval, wish: Wish) -> str:
    verb = "Reject" if wish.decision is Decision.REJECTED else "Approve and run" if wish.runs else "Approve"
    return f"{verb}: {approval.title}"


def _confirmation(approval: Approval) -> Confirmation:
    if approval.is_production:
        return Confirmation(ConfirmationKind.TYPE_NAME, approval.model or approval.project.ref.name)
    return Confirmation(ConfirmationKind.YES)


def _expected_state(approval: Approval, wish: Wish) -> str:
    if wish.decision is Decision.REJECTED:
        return "a comment" if approval.id.kind is ApprovalKind.MERGE_REQUEST else ApprovalState.REJECTED.value
    left = max(0, approval.missing - 1)
    return f"waiting for {left} more" if left else ApprovalState.APPROVED.value


def _obstacles(approval: Approval, wish: Wish, me: User) -> list[str]:
    said = list(approval.notices)
    if wish.runs and approval.missing > 1:
        said.append(f"{approval.missing - 1} more approvals are missing, so the job will not be started")
    rules = approval.open_rules(me)
    if len(rules) > 1 and not wish.represented_as:
        names = ", ".join(rule.represented_as or rule.name for rule in rules)
        said.append(f"Several rules admit you ({names}); this decision is for {rules[0].name}")
    if approval.id.kind is ApprovalKind.DEPLOYMENT and not wish.runs and wish.decision is Decision.APPROVED:
        said.append("An approval does not start the job; approve and run does both")
    if approval.id.kind is ApprovalKind.DEPLOYMENT and wish.decision is Decision.REJECTED:
        said.append("The rejected job can never be started again; a new pipeline is needed")
    if approval.id.kind is ApprovalKind.MERGE_REQUEST and wish.decision is Decision.REJECTED:
        said.append("GitLab has no rejection of merge requests: your approval is withdrawn and the comment stays")
    return said


async def _journal_head(session: Session) -> str:
    return (await asyncio.to_thread(session.journal.verify)).head


def _notes_place(approval: Approval) -> str | None:
    match approval.id.kind:
        case ApprovalKind.ISSUE:
            return "issues"
        case ApprovalKind.MERGE_REQUEST:
            return "merge_requests"
        case ApprovalKind.DEPLOYMENT | ApprovalKind.MANUAL_JOB:
            return None


async def _perform(sender: Sender, approval: Approval, wish: Wish, calls: DecisionCalls) -> Performed:
    """Send the calls one after the other and tell what became of each of them."""
    said = await _tolerated(sender, calls.storing, "The evidence sheet could not be kept with the version")
    try:
        for call in calls.deciding:
            answer = await sender.send(call)
            if call.path.endswith("/notes"):
                issues.written_note(answer.body, answer.status)
    except RemoteError as error:
        if may_have_happened(error):
            raise
        now = await _read_again(sender.session, approval)
        return Performed(f"{error} {_standing(now)}".strip(), (approval.web_url,), outcome=Outcome.FAILED)
    for call in calls.showing:
        said += await _tolerated(sender, call, "What belongs to the decision was not written")
    now = await _read_again(sender.session, approval)
    recorded = f"GitLab recorded that you {_past(wish)} it. {_standing(now)}" if calls.deciding else ""
    if calls.starting is None:
        return Performed(" ".join(filter(None, (recorded, *said))), (approval.web_url,), {"approval": str(approval.id)})
    return await _start(sender, approval, calls.starting, now, [recorded, *said])


async def _start(sender: Sender, approval: Approval, call: ApiCall, now: Approval | None, said: list[str]) -> Performed:
    """Start the job if every approval is there; a refusal leaves the approval as it is."""
    is_open = now is None or now.state is ApprovalState.APPROVED or approval.id.kind is ApprovalKind.MANUAL_JOB
    followed: dict[str, JsonValue] = {"approval": str(approval.id)}
    if not is_open:
        said.append("The job was not started")
        return Performed(_joined(said), (approval.web_url,), followed, Outcome.FAILED)
    try:
        answer = await sender.send(call)
    except RemoteError as error:
        if may_have_happened(error):
            raise
        said.append(f"The job was not started: {error.why or error.what}")
        return Performed(_joined(said), (approval.web_url,), followed, Outcome.FAILED)
    job = read_job(answer.body, approval.project.ref)
    followed |= {"pipeline": job.pipeline_id, "project": approval.project.ref.id, "job": job.id}
    said.append(f"The job {job.name} was started")
    return Performed(_joined(said), (job.web_url,), followed)


async def _tolerated(sender: Sender, call: ApiCall | None, otherwise: str) -> list[str]:
    """Send a call on which the decision does not rest; why it failed is told."""
    if call is None:
        return []
    try:
        await sender.send(call)
    except RemoteError as error:
        return [f"{otherwise}: {error.why or error.what}"]
    return []


async def _read_again(session: Session, approval: Approval) -> Approval | None:
    try:
        return await find_approval(session, approval.id)
    except MlopsError:
        return None


def _standing(now: Approval | None) -> str:
    if now is None:
        return "Where it stands now could not be read"
    match now.state:
        case ApprovalState.WAITING:
            return f"It waits for {now.missing} more"
        case ApprovalState.APPROVED:
            return "It has every approval"
        case ApprovalState.REJECTED:
            voters = [vote.user.username for vote in now.votes if vote.decision is Decision.REJECTED]
            return f"It is rejected, by {', '.join(voters)}" if voters else "It is rejected"
        case ApprovalState.SUPERSEDED | ApprovalState.EXPIRED | ApprovalState.DONE:
            return f"It is {now.state.value}"


def _past(wish: Wish) -> str:
    return "approved" if wish.decision is Decision.APPROVED else "rejected"


def _joined(said: list[str]) -> str:
    return ". ".join(part.rstrip(".") for part in said if part)
