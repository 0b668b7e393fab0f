"""Read-only connections to one database file, as many as there are readers at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mlops_tui.storage.errors import ClosedFileError, typed

BUSY_SECONDS = 5.0

T = TypeVar("T")


class Readers:
    """A pool of read-only connections; safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``query`` in one read transaction, so that all it reads is of one moment.

        Raises:
            StorageError: The file is damaged, busy, unusable or closed.
        """
        try:
            connection = self._take()
            try:
                connection.execute("BEGIN")
                return query(connection)
            finally:
                self._give_back(connection)
        except sqlite3.Error as error:
            problem = typed(error, self._path)
            if problem is None:
                raise
            raise problem from error

    def close(self) -> None:
        """Close the connections; those in use are closed when their query ends."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._is_closed:
                raise ClosedFileError(f"{self._path} is closed", path=self._path)
            if self._idle:
                return self._idle.pop()
        return sqlite3.connect(
            self._path.absolute().as_uri() + "?mode=ro",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.rollback()
        with self._lock:
            if not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()
