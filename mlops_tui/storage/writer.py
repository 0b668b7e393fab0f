"""One thread that writes to one database file, and commits what waits for it together."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mlops_tui.storage.errors import ClosedFileError, typed

T = TypeVar("T")

_LARGEST_BATCH = 256


@dataclass(slots=True)
class _Job:
    """A change that somebody waits for, and what came of it inside the transaction."""

    change: Callable[[sqlite3.Connection], Any]
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None


class Writer:
    """The only user of a writing connection.

    Changes are applied in the order they came, many in one transaction, each in a savepoint of its own: one that
    raises undoes only itself. A future resolves after the COMMIT that made its change durable, never before.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def submit(self, change: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue ``change``; it must neither begin nor end a transaction, nor wait for another change.

        A future that is cancelled before its turn is skipped. Errors about the file are raised from the future as
        ``StorageError``, the change's own errors as they are.

        Raises:
            ClosedFileError: The file was closed.
        """
        job = _Job(change)
        with self._lock:
            if self._is_closed:
                raise ClosedFileError(f"{self._path} is closed", path=self._path)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"writer of {self._path.name}", daemon=True)
                self._thread.start()
            if threading.current_thread() is self._thread:
                raise RuntimeError("a change may not queue another change: it would wait for itself")
            self._queue.put(job)
        return job.future

    def close(self) -> None:
        """Write what is queued, then close the connection."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        if not was_closed:
            self._connection.close()

    def _work(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = self._next_batch()
            jobs = [job for job in batch if job.future.set_running_or_notify_cancel()]
            if jobs:
                self._write(jobs)

    def _next_batch(self) -> tuple[list[_Job], bool]:
        """Wait for one job and take along those that came meanwhile; True when it is the last batch."""
        batch: list[_Job] = []
        job = self._queue.get()
        while job is not None:
            batch.append(job)
            if len(batch) == _LARGEST_BATCH:
                return batch, False
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, jobs: list[_Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._apply(job)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for job in jobs:
                job.future.set_exception(typed(error, self._path) or error)
            return
        for job in jobs:
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)

    def _apply(self, job: _Job) -> None:
        """Apply one change; raises only when the whole transaction is lost."""
        self._connection.execute("SAVEPOINT change")
        try:
            job.result = job.change(self._connection)
        except BaseException as error:
            if not self._connection.in_transaction:
                # SQLite ends the whole transaction by itself when the disk is full or the file fails.
                raise error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError(str(error)) from error
            job.error = (typed(error, self._path) or error) if isinstance(error, sqlite3.Error) else error
            self._connection.execute("ROLLBACK TO change")
        self._connection.execute("RELEASE change")
