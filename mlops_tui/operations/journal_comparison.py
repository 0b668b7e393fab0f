"""The journal held against what GitLab says: every difference, named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlops_tui.domain.actions import ActionKind, Intent, Outcome
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.approvals import ApprovalId, ApprovalKind
from mlops_tui.domain.errors import NotAllowedError, NotFoundError, RemoteError
from mlops_tui.domain.evidence_sheets import read_mark
from mlops_tui.domain.journal import GENESIS, EntryKind, JournalEntry
from mlops_tui.domain.projects import Project
from mlops_tui.gitlab.approvals import triggerer_and_votes
from mlops_tui.gitlab.issues import list_notes, list_requests
from mlops_tui.gitlab.pipelines import get_pipeline
from mlops_tui.operations.decision_reconciliation import traces_of_decision, traces_of_request
from mlops_tui.operations.journal import Story, stories
from mlops_tui.operations.session import Session
from mlops_tui.storage.journal_entries import calls_of
from mlops_tui.storage.journal_votes import seen_votes

_SHORT = 16
_DECISIONS = frozenset({ActionKind.APPROVE, ActionKind.REJECT, ActionKind.COMMENT})


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that journal and GitLab tell differently; ``sequence`` is None where the journal has no entry."""

    sequence: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared with GitLab and how they differ."""

    compared: int
    differences: tuple[Difference, ...]


async def compare_with_gitlab(session: Session) -> Comparison:
    """Ask GitLab about every action of the journal that was done on the context's projects."""
    await session.identify()
    entries = await asyncio.to_thread(session.journal.entries)
    calls = {entry.intent_id: calls_of(entry) for entry in entries if entry.kind is EntryKind.INTENT}
    projects = {project.ref.path: project for project in await session.projects()}
    done = [
        story
        for story in stories(session.journal)
        if story.outcome is Outcome.DONE
        and story.intent.subject.host == session.context.origin
        and story.intent.subject.project in projects
    ]
    differences: list[Difference] = []
    for story in reversed(done):
        project = projects[story.intent.subject.project]
        try:
            said = await _missing(session, project, story, calls.get(story.intent.id, ()))
        except RemoteError as error:
            said = f"{_named(story)} cannot be compared: {error.why or error.what}"
        if said:
            differences.append(Difference(story.sequence, said))
    votes = [item for project in projects.values() for item in await _lost_votes(session, project, entries)]
    heads = await _unknown_heads(session, done, projects, entries)
    return Comparison(len(done), (*differences, *votes, *heads))


async def _missing(session: Session, project: Project, story: Story, calls: Sequence[ApiCall]) -> str:
    """What GitLab does not show of an action that was done, empty when it shows it."""
    intent = story.intent
    if intent.kind in {ActionKind.PROMOTE, ActionKind.ROLL_BACK}:
        return await _missing_pipeline(session, project, story)
    if intent.kind in _DECISIONS:
        traces = await traces_of_decision(session, project, intent, calls)
        return "" if traces else f"{_named(story)} is in the journal, and GitLab does not show it"
    if intent.kind is ActionKind.REQUEST_APPROVAL:
        issues, _ = await traces_of_request(session, project, intent)
        return "" if issues else f"{_named(story)} is in the journal, and GitLab has no such issue"
    return ""


async def _missing_pipeline(session: Session, project: Project, story: Story) -> str:
    number = story.receipt.followed.get("pipeline") if story.receipt else None
    if not isinstance(number, int):
        return ""
    try:
        pipeline = await get_pipeline(session.transport, project.ref, number)
    except (NotFoundError, NotAllowedError):
        return f"{_named(story)} started pipeline {number}, which GitLab does not show"
    is_renamed = story.intent.kind is ActionKind.PROMOTE and story.intent.id[:8] not in pipeline.name
    return f"Pipeline {number} no longer carries the name of {_named(story)}" if is_renamed else ""


async def _lost_votes(session: Session, project: Project, entries: Iterable[JournalEntry]) -> list[Difference]:
    """Votes that were seen and are gone or changed since."""
    kept = [entry for entry in entries if entry.kind is EntryKind.OBSERVATION]
    found: list[Difference] = []
    for issue in await list_requests(session.transport, project.ref, state="all") if kept else ():
        approval = ApprovalId(ApprovalKind.ISSUE, project.ref.id, issue.iid)
        seen = seen_votes(kept, session.context.origin, approval)
        notes = {note.id: note for note in await list_notes(session.transport, project.ref, issue.iid)} if seen else {}
        for number, vote in seen.items():
            note = notes.get(number)
            who = f"{vote.user.username}'s vote ({vote.decision.value}) on {issue.title}"
            if note is None:
                found.append(Difference(_sequence(kept, approval, number), f"{who} was seen and is gone"))
            elif note.updated_at != note.created_at or note.decision is None:
                found.append(Difference(_sequence(kept, approval, number), f"{who} was edited after it was seen"))
    return found


async def _unknown_heads(
    session: Session, done: Sequence[Story], projects: dict[str, Project], entries: Iterable[JournalEntry]
) -> list[Difference]:
    """Comments of ours that name a journal entry which the journal does not hold: its end was cut off."""
    known = {GENESIS[:_SHORT]} | {entry.hash[:_SHORT] for entry in entries}
    found: list[Difference] = []
    for project_path, approval in sorted({place for story in done if (place := _deployment_of(story.intent))}, key=str):
        _, given = await triggerer_and_votes(session.transport, projects[project_path].ref, approval.number)
        for vote in given:
            noted = read_mark(vote.comment)
            if vote.user.username == session.username and noted is not None and noted[1] not in known:
                what = f"Your decision on {approval} names journal entry {noted[1]}, which this journal does not hold"
                found.append(Difference(None, what))
    return found


def _deployment_of(intent: Intent) -> tuple[str, ApprovalId] | None:
    text = str(intent.expected.get("approval", ""))
    if not text.startswith(f"{ApprovalKind.DEPLOYMENT.value}:"):
        return None
    return intent.subject.project, ApprovalId.parse(text)


def _named(story: Story) -> str:
    subject = story.intent.subject
    what = " ".join(filter(None, (story.intent.kind.value, subject.model, subject.version, subject.environment)))
    return f"{what} (entry {story.sequence})"


def _sequence(entries: Iterable[JournalEntry], approval: ApprovalId, note: int) -> int | None:
    wanted = f"vote {approval} {note}"
    return next((entry.sequence for entry in entries if entry.intent_id == wanted), None)
