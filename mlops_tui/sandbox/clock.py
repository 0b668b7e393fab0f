"""The sandbox's only source of time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

_SETTLING_ROUNDS = 25


@runtime_checkable
class Clock(Protocol):
    """Tells the time and waits."""

    @property
    def speed(self) -> float:
        """By how much simulated durations are shortened."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for a simulated duration in seconds."""


class SystemClock:
    """The machine's clock; `sleep` is shortened by `speed`, `now` is not."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed

    @property
    def speed(self) -> float:
        """By how much simulated durations are shortened."""
        return self._speed

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for a simulated duration in seconds."""
        await asyncio.sleep(seconds / self._speed)


class ManualClock:
    """A clock that stands still until `advance` is called; sleepers wake in the order of their due times."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    @property
    def speed(self) -> float:
        """Simulated durations are not shortened."""
        return 1.0

    def now(self) -> datetime:
        """Return the time the clock was last set to."""
        return self._now

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop whose tasks sleep on this clock; called once by the server, on the loop's thread."""
        self._loop = loop
        self._thread = threading.get_ident()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced by that many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), future))
        await future

    def advance(self, seconds: float) -> None:
        """Move on by some seconds and return when every task that woke has settled; not from the loop's own thread."""
        if self._loop is None or not self._loop.is_running():
            self._now += timedelta(seconds=seconds)
            return
        if threading.get_ident() == self._thread:
            raise RuntimeError("on the loop's own thread, await advance_on_loop() instead")
        asyncio.run_coroutine_threadsafe(self.advance_on_loop(seconds), self._loop).result(timeout=60)

    async def advance_on_loop(self, seconds: float) -> None:
        """Move on by some seconds, waking every sleeper at its own due time."""
        target = self._now + timedelta(seconds=seconds)
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._now = max(self._now, due)
            future.set_result(None)
            await self._settle()
        self._now = target
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(_SETTLING_ROUNDS):
            await asyncio.sleep(0)


def timestamp(moment: datetime) -> str:
    """Write a time as GitLab's JSON and our tables do: `2026-02-03T10:11:12.345Z`, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_timestamp(text: str) -> datetime:
    """Read an ISO 8601 date or time; without an offset it is UTC.

    Raises:
        ValueError: if the text is neither.
    """
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
