"""Work that must not stop half-way: an action of several calls, with its receipt, and the taking of a lease."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

FINISH_SECONDS = 5.0


@dataclass(slots=True)
class Uninterrupted:
    """Lets begun work come to its end when whoever waits for it is cancelled: a watch is stopped, a time is over.

    It has ``patience`` more seconds then. What is not over by that time is cancelled itself, and has to leave a word of
    how far it came.
    """

    patience: float = FINISH_SECONDS
    _under_way: set[asyncio.Task[Any]] = field(default_factory=set)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``; cancelled, it is cancelled only after the work has ended."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await self._ended({task})
            raise

    async def close(self) -> None:
        """Let everything end that is still under way, because whoever waited for it has gone."""
        await self._ended(set(self._under_way))

    async def _ended(self, tasks: set[asyncio.Task[Any]]) -> None:
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self.patience)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
