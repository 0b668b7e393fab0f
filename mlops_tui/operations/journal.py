"""What the journal of actions tells: the story of each intent, and what later actions have to know of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.actions import ActionKind, Intent, Outcome, Receipt
from mlops_tui.domain.journal import ChainReport, EntryKind, JournalEntry
from mlops_tui.domain.projects import Project
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.session import Session
from mlops_tui.storage.journal import Journal
from mlops_tui.storage.journal_entries import intent_of, receipt_of

_LEAVING = frozenset({ActionKind.ROLL_BACK, ActionKind.ABORT_ROLLOUT})


@dataclass(frozen=True, slots=True)
class Story:
    """One intent with what came of it; ``receipt`` is None while that is not known."""

    sequence: int
    at: datetime
    intent: Intent
    receipt: Receipt | None

    @property
    def outcome(self) -> Outcome:
        """How it ended as far as we know."""
        return self.receipt.outcome if self.receipt else Outcome.UNKNOWN


def intent_title(intent: Intent) -> str:
    """What was wanted, in a few words: "promote fraud 2.1.0 → production"."""
    subject = intent.subject
    place = f"→ {subject.environment}" if subject.environment else ""
    words = (intent.kind.value.replace("_", " "), subject.model, subject.version, place)
    return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class JournalPage:
    """The newest actions, newest first, with whether the whole chain holds; ``total`` counts all actions."""

    stories: tuple[Story, ...]
    total: int
    chain: ChainReport


async def show_journal(session: Session, limit: int) -> Snapshot[JournalPage]:
    """The newest ``limit`` actions, read from this machine while the event loop goes on."""

    def read() -> JournalPage:
        told = stories(session.journal)
        return JournalPage(told[:limit], len(told), session.journal.verify())

    page = await asyncio.to_thread(read)
    return Snapshot(page, session.clock.now(), "this machine")


def stories(journal: Journal, limit: int | None = None) -> tuple[Story, ...]:
    """Every action, newest first; at most ``limit``."""
    told = stories_of(journal.entries())
    return told if limit is None else told[:limit]


def stories_of(entries: Iterable[JournalEntry]) -> tuple[Story, ...]:
    """Every action that some entries tell of, newest first."""
    told = list(_told(entries))
    told.reverse()
    return tuple(told)


def rolled_back_deployments(session: Session, project: Project, model: str, environment: str) -> frozenset[int]:
    """The ids of deployments that a rollback from this machine left."""
    left: set[int] = set()
    for story in stories(session.journal):
        subject = story.intent.subject
        place = (subject.host, subject.project, subject.model, subject.environment)
        if story.intent.kind not in _LEAVING or story.outcome is not Outcome.DONE:
            continue
        number = story.intent.expected.get("left deployment")
        if place == (session.context.origin, project.ref.path, model, environment) and isinstance(number, int):
            left.add(number)
    return frozenset(left)


def _told(entries: Iterable[JournalEntry]) -> Iterable[Story]:
    """Join each intent with the last thing that was said of it."""
    intents: dict[str, Story] = {}
    for entry in entries:
        if entry.kind is EntryKind.INTENT:
            intents[entry.intent_id] = Story(entry.sequence, entry.at, intent_of(entry), None)
        elif entry.intent_id in intents:
            told = intents[entry.intent_id]
            receipt = receipt_of(entry, told.intent)
            intents[entry.intent_id] = Story(told.sequence, told.at, told.intent, receipt)
    return intents.values()
