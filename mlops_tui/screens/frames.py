"""First frames on disk: read before anything else is loaded, written while the program runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.snapshots import CachedView
from mlops_tui.screens.first_frame import FirstFrame

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session
    from mlops_tui.storage.cache import Cache

# A view draws what its feeds bring one after the other: a frame is kept once they have had the time to arrive.
SETTLING_SECONDS = 1.0
KEEPING_SECONDS = 30.0
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
        self._shown: dict[str, FirstFrame] = {}
        self._kept: dict[str, FirstFrame] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

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
        """Keep what the view shows: the first time soon, then now and then, and whatever came last in ``keep_all``."""
        if session is None:
            return
        self._shown[view] = frame
        if view not in self._tasks and self._kept.get(view) != frame:
            self._tasks[view] = asyncio.create_task(self._keep_later(view, session))

    async def keep_all(self, session: Session) -> None:
        """Keep what every view shows now, and nothing after it; the session must still be open."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for view in list(self._shown):
            await self._store(view, session)

    async def _keep_later(self, view: str, session: Session) -> None:
        await self._clock.sleep(KEEPING_SECONDS if view in self._kept else SETTLING_SECONDS)
        del self._tasks[view]
        await self._store(view, session)

    async def _store(self, view: str, session: Session) -> None:
        frame = self._shown[view]
        if self._kept.get(view) != frame:
            self._kept[view] = frame
            await self._cached(session.cache, view).store(Snapshot(frame, self._clock.now(), ""))

    def _cached(self, cache: Cache, view: str) -> CachedView[FirstFrame]:
        return CachedView(cache, self._context, _PREFIX + view, FirstFrame)
