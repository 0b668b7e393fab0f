"""The store of inference traces: spans come in and are durable before anybody hears so, and are counted behind that."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.traces import Appended, Span
from mlops_tui.domain.window_slices import WindowProfile
from mlops_tui.storage import trace_writes
from mlops_tui.storage.database import Database, Durability
from mlops_tui.storage.errors import StorageError
from mlops_tui.storage.trace_batches import prepare
from mlops_tui.storage.trace_folds import STEP as FOLD_STEP
from mlops_tui.storage.trace_folds import (
    Fold,
    RecentSpans,
    advance,
    all_folds,
    base_fold,
    count_slices,
    ensure_fold,
    uncounted,
)
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.storage.trace_retention import Retention, prune_spans, prune_windows
from mlops_tui.storage.trace_schema import SCHEMA
from mlops_tui.storage.trace_writes import Stored, newest_number

FILE_NAME = "traces.db"
FOLD_SECONDS = 1.0
_PRUNE_SECONDS = 60.0
_HALF_SECONDS = 600.0
_NANOSECONDS = 1_000_000_000
# So few spans are made ready sooner than handed to another thread.
_FEW = 32
_Insertion = Callable[[sqlite3.Connection], Stored]


@dataclass(slots=True)
class _Waiting:
    """An insertion that somebody waits for."""

    insertion: _Insertion
    future: asyncio.Future[Appended]


class TraceStore:
    """The database at ``path``, open for writing; it belongs to one event loop.

    ``width`` is that of its windows in seconds, None for the one it had before or five minutes. ``tend`` has to run
    beside it, so that windows are counted and old spans are removed. Other processes may read, and write, the same
    file.

    Raises:
        StorageError: The file cannot be used.
    """

    def __init__(
        self, path: Path, clock: Clock, *, width: int | None = None, retention: Retention | None = None
    ) -> None:
        self.reader = EmbeddedTraces(path)
        self._clock = clock
        self._retention = retention or Retention()
        self._database = Database(path, SCHEMA, Durability.FULL)
        self.notices = self._database.notices
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._recent = RecentSpans()
        self._folding = asyncio.Lock()
        self._width = self._database.write_sync(lambda connection: _prepare(connection, width))

    async def append(self, spans: Sequence[Span]) -> Appended:
        """Store spans, each once; answers when they are on the disk.

        Raises:
            StorageError: Nothing of them was stored.
        """
        received_ns = self._now_ns()
        if len(spans) < _FEW:
            batch = prepare(spans, received_ns)
        else:
            batch = await asyncio.to_thread(prepare, spans, received_ns)
        return await self._insert(lambda connection: trace_writes.insert(connection, batch))

    async def append_half(self, half: Span, part: str) -> Appended:
        """Store one half of a span, to be joined with the other when that comes; answers when it is on the disk.

        Raises:
            StorageError: It was not stored.
        """
        received_ns = self._now_ns()
        return await self._insert(lambda connection: trace_writes.insert_half(connection, half, part, received_ns))

    async def add_profile(self, profile: WindowProfile) -> None:
        """Count a model by the bins of a reference from now on, and what is still there of its past behind that."""

        def change(connection: sqlite3.Connection) -> None:
            for width in {fold.width for fold in all_folds(connection) if fold.profile is None}:
                ensure_fold(connection, Fold(profile, width, 0))

        await self._database.write(change)

    async def fold(self) -> bool:
        """Count a step further for every way of counting; False when there was nothing left to count."""
        async with self._folding:
            folds = [fold for fold in await self._database.read(all_folds) if fold.width == self._width]
            newest = await self._database.read(newest_number)
            behind = [fold for fold in folds if fold.counted < newest]
            moved = [await self._advance(fold) for fold in behind]
            reached = {fold.key: counted for fold, counted in zip(behind, moved, strict=True)}
            self._recent.forget(min((reached.get(fold.key, fold.counted) for fold in folds), default=newest))
            return bool(behind)

    async def fold_all(self) -> None:
        """Count all that is there."""
        while await self.fold():
            pass

    async def prune(self) -> int:
        """Remove spans and windows that are too old or too many; answers how many spans were removed."""
        now_ns = self._now_ns()
        folds = [fold for fold in await self._database.read(all_folds) if fold.width == self._width]
        counted = min((fold.counted for fold in folds), default=0)
        total = 0
        while removed := await self._database.write(
            lambda connection: prune_spans(connection, self._retention, counted, now_ns)
        ):
            total += removed
        await self._database.write(lambda connection: prune_windows(connection, self._retention, now_ns))
        return total

    async def tend(self) -> None:
        """Count, remove and clear up for as long as the store is open; ends by being cancelled."""
        next_prune = self._clock.monotonic()
        while True:
            with suppress(StorageError):
                await self.fold_all()
                if self._clock.monotonic() >= next_prune:
                    next_prune = self._clock.monotonic() + _PRUNE_SECONDS
                    await self._release_halves()
                    await self.prune()
            await self._clock.sleep(FOLD_SECONDS)

    async def close(self, *, counts: bool = True) -> None:
        """Close the file, after counting what is left unless it is to stay uncounted; ``tend`` must have ended."""
        while self._writing is not None:
            await asyncio.wait({self._writing})
        if counts:
            with suppress(StorageError):
                await self.fold_all()
        self.reader.close()
        await asyncio.to_thread(self._database.close)

    async def _insert(self, insertion: _Insertion) -> Appended:
        """Write in turn with others: what waits while a transaction is written goes into the next one together."""
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(insertion, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        return await future

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        def change(connection: sqlite3.Connection) -> list[Stored]:
            return [waiting.insertion(connection) for waiting in batch]

        (results,) = await asyncio.gather(self._database.write(change), return_exceptions=True)
        if isinstance(results, BaseException):
            await self._fail(batch, results)
            return
        for waiting, stored in zip(batch, results, strict=True):
            self._recent.remember(stored.spans)
            if not waiting.future.done():
                waiting.future.set_result(Appended(len(stored.spans), stored.duplicates, stored.late))

    async def _fail(self, batch: Sequence[_Waiting], error: BaseException) -> None:
        """Tell who waits; where the fault is not the file's, each insertion is tried alone to spare the others."""
        if not isinstance(error, StorageError) and len(batch) > 1:
            for waiting in batch:
                await self._write([waiting])
            return
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(error)

    async def _advance(self, fold: Fold) -> int:
        spans = self._recent.after(fold.counted)
        if not spans:
            spans = await self._database.read(lambda connection: uncounted(connection, fold, FOLD_STEP))
        if not spans:
            return fold.counted
        slices = await asyncio.to_thread(count_slices, fold, spans)
        counted = spans[-1].number
        return counted if await self._database.write(advance(fold, slices, counted)) else fold.counted

    async def _release_halves(self) -> None:
        now_ns = self._now_ns()
        before_ns = now_ns - int(_HALF_SECONDS * _NANOSECONDS)
        await self._insert(lambda connection: trace_writes.release_halves(connection, before_ns, now_ns))

    def _now_ns(self) -> int:
        return int(self._clock.now().timestamp() * _NANOSECONDS)


def _prepare(connection: sqlite3.Connection, width: int | None) -> int:
    """Begin what has to be counted in windows of that width; answers the width."""
    connection.execute("PRAGMA cache_size=-65536")
    # Ids come in no order, so that every transaction touches most pages of their index: gathered up to 32 MB in the
    # write-ahead log each goes to the file once.
    connection.execute("PRAGMA wal_autocheckpoint=8192")
    folds = all_folds(connection)
    if width is None:
        width = base_fold(folds).width
    ensure_fold(connection, Fold(None, width, 0))
    for fold in folds:
        ensure_fold(connection, Fold(fold.profile, width, 0))
    return width
