"""Reports for those who have to sign off: who did what, when, on which evidence, with which calls and which result."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue, canonical_json, digest, instant
from mlops_tui.domain.journal import ChainReport, EntryKind, JournalEntry
from mlops_tui.domain.marked_texts import fenced
from mlops_tui.operations.journal import Story, stories
from mlops_tui.storage.journal import Journal
from mlops_tui.storage.journal_entries import calls_of

SCHEMA = "mlops-tui/journal-export/1"
_EVIDENCE = re.compile(r"evidence(?: sha256:|-|\\?\":\\?\")(?P<digest>[0-9a-f]{64})")
_MARKUP = re.compile(r"([\\`*_\[\]<>|~#])")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which actions a report is about; empty and None leave nothing out."""

    model: str = ""
    version: str = ""
    environment: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, story: Story) -> bool:
        """Whether an action belongs to the report."""
        subject = story.intent.subject
        return (
            self.model in {"", subject.model}
            and self.version in {"", subject.version}
            and self.environment in {"", subject.environment}
            and (self.since is None or story.at >= self.since)
            and (self.until is None or story.at < self.until)
        )

    def record(self) -> dict[str, JsonValue]:
        """The selection as the report tells it."""
        return {
            "model": self.model or None,
            "version": self.version or None,
            "environment": self.environment or None,
            "since": instant(self.since) if self.since else None,
            "until": instant(self.until) if self.until else None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its actions, oldest first, each with the digest of its own record, and where the journal stands."""

    selection: Selection
    made_at: datetime
    items: tuple[dict[str, JsonValue], ...]
    chain: ChainReport

    @property
    def manifest(self) -> list[JsonValue]:
        """The digest of every item's canonical JSON."""
        return [{"intent": item["intent"], "sha256": digest(item)} for item in self.items]

    def document(self) -> dict[str, JsonValue]:
        """The report as JSON."""
        return {
            "schema": SCHEMA,
            "as_of": instant(self.made_at),
            "source": "journal",
            "selection": self.selection.record(),
            "items": list(self.items),
            "manifest": self.manifest,
            "journal": {
                "entries": self.chain.entries,
                "head": self.chain.head,
                "holds": self.chain.holds,
                "reason": self.chain.reason or None,
            },
        }

    def markdown(self) -> str:
        """The report for people."""
        return "\n".join(_lines(self)) + "\n"


def make_report(journal: Journal, selection: Selection, now: datetime) -> Report:
    """Read the journal and tell what it says about the selection. Blocks."""
    entries = journal.entries()
    announced = {entry.intent_id: calls_of(entry) for entry in entries if entry.kind is EntryKind.INTENT}
    chosen = [story for story in reversed(stories(journal)) if selection.takes(story)]
    items = tuple(_item(story, announced.get(story.intent.id, ()), entries) for story in chosen)
    return Report(selection, now, items, journal.verify())


def manifest_text(files: Sequence[tuple[str, str]]) -> str:
    """The digests of files by name, as ``sha256sum --check`` reads them."""
    return "".join(f"{hashlib.sha256(text.encode('utf-8')).hexdigest()}  {name}\n" for name, text in files)


def evidence_of(calls: Sequence[ApiCall]) -> str | None:
    """The digest of the evidence that an action's calls name, or None."""
    for call in calls:
        found = _EVIDENCE.search(f"{call.path} {canonical_json(call.body)}")
        if found:
            return found["digest"]
    return None


def _item(story: Story, calls: Sequence[ApiCall], entries: Sequence[JournalEntry]) -> dict[str, JsonValue]:
    intent, subject, receipt = story.intent, story.intent.subject, story.receipt
    own = [entry for entry in entries if entry.intent_id == intent.id]
    return {
        "intent": intent.id,
        "at": instant(story.at),
        "by": intent.by,
        "action": intent.kind.value,
        "host": subject.host,
        "project": subject.project,
        "model": subject.model or None,
        "version": subject.version or None,
        "environment": subject.environment or None,
        "reason": intent.reason or None,
        "evidence": evidence_of(calls),
        "decided_on": dict(intent.expected),
        "announced": [call.record() for call in calls],
        "sent": [
            {"method": call.method, "url": call.url, "status": call.status, "request_id": call.request_id}
            for call in (receipt.calls if receipt else ())
        ],
        "outcome": story.outcome.value,
        "message": receipt.message if receipt else None,
        "links": list(receipt.links) if receipt else [],
        "entries": [{"sequence": entry.sequence, "kind": entry.kind.value, "hash": entry.hash} for entry in own],
    }


def _lines(report: Report) -> Iterator[str]:
    told = {key: value for key, value in report.selection.record().items() if value}
    about = ", ".join(f"{key} {_plain(str(value))}" for key, value in told.items()) or "everything"
    yield "# Decisions and promotions"
    yield ""
    yield f"Made {instant(report.made_at)} about {about}: {len(report.items)} actions."
    yield ""
    chain = "holds" if report.chain.holds else f"is broken: {report.chain.reason}"
    yield f"The journal has {report.chain.entries} entries and {chain}. Its head is `{report.chain.head}`."
    for item, listed in zip(report.items, report.manifest, strict=True):
        yield from _story_lines(item, listed)


def _story_lines(item: dict[str, JsonValue], listed: JsonValue) -> Iterator[str]:
    what = " ".join(str(item[key]) for key in ("action", "model", "version", "environment") if item[key])
    yield ""
    yield f"## {_plain(what)}"
    yield ""
    for label, key in (("when", "at"), ("who", "by"), ("project", "project"), ("result", "outcome")):
        yield f"* {label}: {_plain(str(item[key]))}"
    yield f"* evidence: {'sha256 `' + str(item['evidence']) + '`' if item['evidence'] else 'none was named'}"
    if isinstance(listed, dict):
        yield f"* this record: sha256 `{listed['sha256']}`"
    for key in ("reason", "message"):
        if item[key]:
            yield ""
            yield fenced(str(item[key]))
    sent = item["sent"]
    if isinstance(sent, list) and sent:
        yield ""
        yield fenced("\n".join(_call_line(call) for call in sent))


def _call_line(call: JsonValue) -> str:
    return json.dumps(call, ensure_ascii=False, sort_keys=True)


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
