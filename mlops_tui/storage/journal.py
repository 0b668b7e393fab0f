"""The journal of actions on disk: append-only, chained by hashes, shared by every process of the user."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mlops_tui.domain.actions import Subject
from mlops_tui.domain.canonical import instant
from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import RefusedError, UnsettledError
from mlops_tui.domain.journal import GENESIS, ChainReport, EntryKind, JournalEntry, seal, verify_chain
from mlops_tui.storage import journal_rows
from mlops_tui.storage.database import Database, Durability
from mlops_tui.storage.errors import DamagedFileError, StorageError
from mlops_tui.storage.files import MOUNTS
from mlops_tui.storage.journal_entries import Draft, intent_of
from mlops_tui.storage.readers import Readers


class BrokenJournalError(RefusedError):
    """The journal cannot be trusted, so nothing is done that it would have to record."""


class UnwritableJournalError(RefusedError):
    """The journal cannot be written just now, so nothing is done that it would have to record."""


class Journal:
    """The journal at ``path``; opening it never fails.

    A file that is damaged or cannot be used leaves a journal that refuses to be written (``fault`` says why) and reads
    as far as it can be read. Before the first append of a process the whole chain is verified, before each later one
    what was appended since, by whichever process. ``notices`` are sentences for the user.
    """

    def __init__(self, path: Path, clock: Clock, *, mounts: Path = MOUNTS) -> None:
        self._path = path
        self._clock = clock
        self._fault: RefusedError | None = None
        self._verified = ChainReport(0, GENESIS)
        self._database: Database | None = None
        self._readers = Readers(path)
        self.notices: tuple[str, ...] = ()
        try:
            self._database = Database(path, journal_rows.SCHEMA, Durability.FULL, mounts=mounts)
            self.notices = self._database.notices
        except StorageError as error:
            self._fault = self._refusal(error)

    @property
    def fault(self) -> RefusedError | None:
        """Why nothing can be appended, as far as it is known by now."""
        return self._fault

    async def append(self, draft: Draft) -> JournalEntry:
        """Append an entry and answer it once it is on the disk.

        Raises:
            BrokenJournalError: The chain or the file is broken; nothing was written.
            UnwritableJournalError: The file is busy, full or not ours to write; nothing was written.
            UnsettledError: It is an intent, and an earlier one on the same model and environment is unsettled.
            RefusedError: It is an intent that was recorded before.
        """
        database = self._writable()
        try:
            await database.read(self._verify_news)
            return await database.write(lambda connection: self._append(connection, draft))
        except StorageError as error:
            raise self._refusal(error) from error

    def append_sync(self, draft: Draft) -> JournalEntry:
        """Do what ``append`` does, for callers without an event loop; blocks."""
        database = self._writable()
        try:
            database.read_sync(self._verify_news)
            return database.write_sync(lambda connection: self._append(connection, draft))
        except StorageError as error:
            raise self._refusal(error) from error

    def entries(
        self,
        *,
        kinds: Sequence[EntryKind] = tuple(EntryKind),
        intent_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[JournalEntry, ...]:
        """Return the entries that match, oldest first, of them the newest ``limit``. Blocks.

        ``since`` counts as matching, ``until`` does not. Of a damaged file, the entries before the damage.
        """
        found = [
            entry
            for entry in self._readable([])
            if entry.kind in kinds
            and (intent_id is None or entry.intent_id == intent_id)
            and (since is None or entry.at >= since)
            and (until is None or entry.at < until)
        ]
        return tuple(found if limit is None else found[max(0, len(found) - limit) :])

    def unsettled(self, subject: Subject | None = None) -> tuple[JournalEntry, ...]:
        """Return the intents whose outcome is not known, oldest first; of one model and environment if given. Blocks.

        Raises:
            RefusedError: The file is damaged or cannot be read, so that nobody can tell.
        """
        try:
            return self._readers.run(lambda connection: journal_rows.unsettled(connection, subject))
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise self._fault or _broken(self._path, str(error)) from error
        except StorageError as error:
            raise self._fault or self._refusal(error) from error

    def verify(self) -> ChainReport:
        """Walk the whole chain and say where it breaks, if it does. Blocks."""
        reasons: list[str] = []
        report = verify_chain(self._readable(reasons))
        if isinstance(self._fault, BrokenJournalError):
            reasons.append(self._fault.why)
        return journal_rows.unreadable_after(report, reasons)

    def close(self) -> None:
        """Write what is queued and close the file."""
        self._readers.close()
        if self._database is not None:
            self._database.close()

    def _writable(self) -> Database:
        if self._fault is not None or self._database is None:
            raise self._fault or _broken(self._path, "it is not open")
        return self._database

    def _refusal(self, error: StorageError) -> RefusedError:
        if isinstance(error, DamagedFileError):
            self._fault = _broken(self._path, error.why)
            return self._fault
        return UnwritableJournalError(
            "The journal of actions cannot be used", why=f"{error.what}: {error.why}", remedy=error.remedy
        )

    def _verify_news(self, connection: sqlite3.Connection) -> None:
        """Verify what was committed since the last look, and remember how far the chain is known to hold."""
        self._verified = self._holding(journal_rows.verify_after(connection, self._verified))

    def _append(self, connection: sqlite3.Connection, draft: Draft) -> JournalEntry:
        """Append inside the writer's transaction, which no other process can enter."""
        chain = self._holding(journal_rows.verify_after(connection, self._verified))
        if draft.kind is EntryKind.INTENT:
            _refuse_second(connection, draft)
        at = datetime.fromisoformat(instant(self._clock.now()))
        entry = seal(chain.entries + 1, at, draft.kind, draft.intent_id, draft.payload, chain.head)
        journal_rows.insert(connection, entry)
        return entry

    def _holding(self, report: ChainReport) -> ChainReport:
        if not report.holds:
            self._fault = _broken(self._path, f"entry {report.broken_at}: {report.reason}")
            raise self._fault
        return report

    def _readable(self, reasons: list[str]) -> list[JournalEntry]:
        """Every entry up to the first that cannot be read; why it cannot is added to ``reasons``."""
        try:
            return self._readers.run(lambda connection: list(journal_rows.read_after(connection, 0, reasons)))
        except StorageError as error:
            reasons.append(error.why)
        except sqlite3.Error as error:
            reasons.append(str(error))
        return []


def _refuse_second(connection: sqlite3.Connection, draft: Draft) -> None:
    """Let an intent be acted on once, and one intent at a time act on a model and environment."""
    if journal_rows.is_recorded(connection, draft.intent_id):
        raise RefusedError(
            "This action was begun before", why=f"the journal holds the intent {draft.intent_id}", remedy="Ask anew"
        )
    waiting = journal_rows.unsettled(connection, draft.subject) if draft.subject else ()
    if not waiting or draft.may_overtake:
        return
    earlier = intent_of(waiting[0])
    place = f"{earlier.subject.model} in {earlier.subject.environment}" if earlier.subject.environment else ""
    raise UnsettledError(
        f"{place or earlier.subject.model} has an action whose outcome is not known",
        why=f"{earlier.kind.value} {earlier.id}, begun at {instant(waiting[0].at)}, has no certain outcome",
        remedy="Wait until it ends; if its program was ended, the next start asks GitLab what came of it",
    )


def _broken(path: Path, why: str) -> BrokenJournalError:
    return BrokenJournalError(
        "The journal of actions is broken, so nothing is changed on GitLab",
        why=why,
        remedy=f"See `mlops-tui journal verify`, keep {path} as evidence and move it away to begin a new one",
    )
