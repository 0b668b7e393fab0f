"""First frames on disk: read before anything else is loaded, written while the program runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.snapshots import CachedView
from mlops_tui.screens.first_frame import FirstFrame

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session
    from mlops_tui.storage.cache import Cache

KEEPING = timedelta(seconds=30)
_PREFIX = "first-frame:"


class FrameStore:
    """The first frames of one context.

    Args:
        context: The context's name.
        clock: The time.
    """

    def __init__(self, context: str, clock: Clock) -> None:
        self._context = context
        self._clock = clock
        self._kept: dict[str, Snapshot[FirstFrame]] = {}
        self._waiting: dict[str, FirstFrame] = {}
        self._tasks: set[asyncio.Task[bool]] = set()

    def read(self, folder: Path, view: str) -> FirstFrame | None:
        """What the view showed last; None where nothing was kept or the cache cannot be read."""
        path = folder / "cache.db"
        if not path.exists():
            return None
        from mlops_tui.storage.cache import Cache

        cache = Cache(path)
        try:
            snapshot = self._cached(cache, view).load()
        finally:
            cache.close()
        return snapshot.data if snapshot is not None else None

    def keep(self, view: str, frame: FirstFrame, session: Session | None) -> None:
        """Keep what the view shows, unless it is what was kept; what comes a moment later waits for ``keep_all``."""
        now = self._clock.now()
        last = self._kept.get(view)
        if session is None:
            return
        if last is not None and (last.data == frame or now - last.fetched_at < KEEPING):
            self._waiting[view] = frame
            return
        self._waiting.pop(view, None)
        snapshot = self._kept[view] = Snapshot(frame, now, "")
        task = asyncio.create_task(self._cached(session.cache, view).store(snapshot))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def keep_all(self, session: Session) -> None:
        """Keep what every view shows now: the first thing a view shows is seldom all of it."""
        await asyncio.gather(*self._tasks)
        for view, frame in self._waiting.items():
            if frame != self._kept[view].data:
                await self._cached(session.cache, view).store(Snapshot(frame, self._clock.now(), ""))

    def _cached(self, cache: Cache, view: str) -> CachedView[FirstFrame]:
        return CachedView(cache, self._context, _PREFIX + view, FirstFrame)
