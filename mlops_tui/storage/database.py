"""One SQLite file: opened, checked, brought to its present schema, written by one thread and read by many."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from mlops_tui.storage.errors import NewerFileError, damaged, typed, unusable
from mlops_tui.storage.files import MOUNTS, folder_lock, make_private, network_type
from mlops_tui.storage.readers import BUSY_SECONDS, Readers
from mlops_tui.storage.writer import Writer

T = TypeVar("T")


class Durability(StrEnum):
    """What a commit survives: FULL also a power cut, NORMAL the death of the process."""

    FULL = "FULL"
    NORMAL = "NORMAL"


@dataclass(frozen=True, slots=True)
class Schema:
    """How a file came to its present shape: ``steps[n]`` are the statements that lead from version n to n + 1."""

    steps: tuple[tuple[str, ...], ...]

    @property
    def version(self) -> int:
        """The version a file has once every step was taken (SQLite's ``user_version``)."""
        return len(self.steps)


class Database:
    """An open database file.

    Opening creates it when it is missing, checks it and migrates it. ``notices`` are sentences for the user about how
    it had to be opened. Changes and queries are functions of a connection; they run in other threads.

    Raises:
        DamagedFileError: It is no sound SQLite database.
        NewerFileError: A later version of this program wrote it.
        BusyFileError: Another process does not let go of it.
        UnusableFileError: The system does not let us open it.
    """

    def __init__(self, path: Path, schema: Schema, durability: Durability, *, mounts: Path = MOUNTS) -> None:
        self.path = path
        try:
            make_private(path)
            with folder_lock(path.parent):
                connection, self.notices = _open(path, schema, durability, mounts)
        except OSError as error:
            raise unusable(path, error.strerror or type(error).__name__) from error
        except sqlite3.Error as error:
            raise typed(error, path) or damaged(path, str(error)) from error
        self._writer = Writer(connection, path)
        self._readers = Readers(path)

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``change`` in the writer's thread and answer its result once it is durable.

        Changes that wait at the same time share one commit. A change must not begin or end a transaction. When the
        caller is cancelled, a change that already runs is written all the same.

        Raises:
            StorageError: The file could not be written; nothing of ``change`` remains.
        """
        return await asyncio.wrap_future(self._writer.submit(change))

    def write_sync(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Do what ``write`` does, for callers without an event loop; blocks."""
        return self._writer.submit(change).result()

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``query`` in a thread, on a connection that cannot write.

        Raises:
            StorageError: The file could not be read.
        """
        return await asyncio.to_thread(self._readers.run, query)

    def read_sync(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Do what ``read`` does in the caller's own thread; blocks."""
        return self._readers.run(query)

    def close(self) -> None:
        """Write what is queued and close every connection; safe to call twice."""
        # The last connection to close folds the write-ahead log into the file, which a read-only one cannot.
        self._readers.close()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _open(
    path: Path, schema: Schema, durability: Durability, mounts: Path
) -> tuple[sqlite3.Connection, tuple[str, ...]]:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise damaged(path, str(verdict).splitlines()[-1])
        _refuse_newer(connection, path, schema)
        notices = _choose_journal(connection, path, mounts)
        connection.execute(f"PRAGMA synchronous={durability.value}")
        # Each change has a savepoint, whose pages would otherwise be written to a temporary file as well.
        connection.execute("PRAGMA temp_store=MEMORY")
        _migrate(connection, schema)
    except BaseException:
        connection.close()
        raise
    return connection, notices


def _refuse_newer(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > schema.version:
        raise NewerFileError(
            f"{path} is of a later version of mlops-tui",
            path=path,
            why=f"its schema is {version} and this version knows {schema.version}",
            remedy="Update mlops-tui",
        )


def _choose_journal(connection: sqlite3.Connection, path: Path, mounts: Path) -> tuple[str, ...]:
    """Use a write-ahead log, except on a network mount, where its shared memory does not work."""
    network = network_type(path.parent, mounts)
    wanted = "delete" if network else "wal"
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != wanted:
        (mode,) = connection.execute(f"PRAGMA journal_mode={wanted}").fetchone()
    if network:
        return (f"{path} is on a network file system ({network}), where writing is slower and readers wait for it.",)
    return () if mode == "wal" else (f"{path} allows no write-ahead log, so that readers wait for writers.",)


def _migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == schema.version:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in schema.steps[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={schema.version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
