"""The snapshot cache: what each view showed last, as bytes, so that the program opens at once and works offline.

Losing it loses nothing, so nothing about it is ever an error: what cannot be read is absent, what cannot be written
is not kept, and why is said in ``notices``.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlops_tui.storage.database import Database, Durability, Schema
from mlops_tui.storage.errors import ClosedFileError, DamagedFileError, StorageError
from mlops_tui.storage.files import MOUNTS, set_aside

DEFAULT_LIMIT = 32 * 1024 * 1024

_SCHEMA = Schema(
    steps=(
        (
            # The body comes last: the columns before it are read without touching its pages.
            """CREATE TABLE entries (
                context TEXT NOT NULL,
                view TEXT NOT NULL,
                format TEXT NOT NULL,
                fetched_at INTEGER NOT NULL,
                source TEXT NOT NULL,
                size INTEGER NOT NULL,
                body BLOB NOT NULL,
                PRIMARY KEY (context, view)
            )""",
        ),
    )
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """What a view showed: ``body`` in the encoding that ``format`` names, from ``source`` at ``fetched_at`` (UTC)."""

    format: str
    fetched_at: datetime
    source: str
    body: bytes


class Cache:
    """Entries by context and view, at most ``limit`` bytes of bodies; the oldest go first.

    A broken file is renamed to ``<name>.broken`` and begun anew. No method raises for what is wrong with the file.
    One thread uses it, as an event loop does; several processes may share the file.
    """

    def __init__(self, path: Path, *, limit: int = DEFAULT_LIMIT, mounts: Path = MOUNTS) -> None:
        self._path = path
        self._limit = limit
        self._mounts = mounts
        self._notices: list[str] = []
        self._database = self._open()

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user about what was wrong with the file, oldest first."""
        return tuple(self._notices)

    def get(self, context: str, view: str, *, format: str) -> CacheEntry | None:  # noqa: A002 - the column's name
        """Return what was kept last, or None; entries of another ``format`` are as good as absent. Blocks briefly."""
        database = self._database
        if database is None:
            return None
        try:
            row = database.read_sync(
                lambda connection: connection.execute(
                    "SELECT fetched_at, source, body FROM entries WHERE context = ? AND view = ? AND format = ?",
                    (context, view, format),
                ).fetchone()
            )
            return CacheEntry(format, _EPOCH + row[0] * _MICROSECOND, str(row[1]), bytes(row[2])) if row else None
        except (StorageError, sqlite3.Error, TypeError, ValueError, OverflowError) as error:
            self._recover(database, error)
            return None

    async def put(self, context: str, view: str, entry: CacheEntry) -> bool:
        """Keep ``entry`` instead of what was kept; False when it could not be kept."""
        database = self._database
        if database is None or len(entry.body) > self._limit:
            return False
        try:
            await database.write(lambda connection: self._replace(connection, context, view, entry))
        except (StorageError, sqlite3.Error) as error:
            self._recover(database, error)
            return False
        return True

    def put_sync(self, context: str, view: str, entry: CacheEntry) -> bool:
        """Do what ``put`` does, for callers without an event loop; blocks."""
        database = self._database
        if database is None or len(entry.body) > self._limit:
            return False
        try:
            database.write_sync(lambda connection: self._replace(connection, context, view, entry))
        except (StorageError, sqlite3.Error) as error:
            self._recover(database, error)
            return False
        return True

    def close(self) -> None:
        """Write what is queued and close the file; what is asked later is absent."""
        if self._database is not None:
            self._database.close()

    def _replace(self, connection: sqlite3.Connection, context: str, view: str, entry: CacheEntry) -> None:
        fetched_at = (entry.fetched_at - _EPOCH) // _MICROSECOND
        connection.execute(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
            (context, view, entry.format, fetched_at, entry.source, len(entry.body), entry.body),
        )
        rows = connection.execute("SELECT rowid, size FROM entries ORDER BY fetched_at DESC, rowid DESC").fetchall()
        total = 0
        for row, size in rows:
            total += size
            if total > self._limit:
                connection.execute("DELETE FROM entries WHERE rowid = ?", (row,))

    def _open(self) -> Database | None:
        try:
            return self._open_file()
        except DamagedFileError as error:
            return self._rebuild(error.why)
        except StorageError as error:
            self._notices.append(f"Nothing is cached: {error}")
            return None

    def _open_file(self) -> Database:
        database = Database(self._path, _SCHEMA, Durability.NORMAL, mounts=self._mounts)
        self._notices += database.notices
        return database

    def _rebuild(self, why: str) -> Database | None:
        try:
            aside = set_aside(self._path)
            database = self._open_file()
        except (StorageError, OSError) as error:
            self._notices.append(f"Nothing is cached: {error}")
            return None
        self._notices.append(f"The cache was broken ({why}) and was begun anew; the old file is {aside}.")
        return database

    def _recover(self, failed: Database, error: Exception) -> None:
        """Begin anew when the content is at fault, else go on without what failed."""
        if failed is not self._database or isinstance(error, ClosedFileError):
            return
        if isinstance(error, StorageError) and not isinstance(error, DamagedFileError):
            notice = f"Not everything is cached: {error}"
            if notice not in self._notices:
                self._notices.append(notice)
            return
        failed.close()
        self._database = self._rebuild(str(error))
