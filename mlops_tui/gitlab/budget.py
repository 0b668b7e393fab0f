"""How many requests a host is asked, and who goes first when there are more."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import RateLimitedError


class Priority(IntEnum):
    """Who goes first; a lower number does.

    ACTION is what a preview or a confirmed action has to know, WATCH what a watch does that acts by itself, USER what a
    person looks at for the first time, POLL what is merely renewed.
    """

    WRITE = 0
    ACTION = 1
    WATCH = 2
    USER = 3
    POLL = 4


_READS = tuple(priority for priority in Priority if priority is not Priority.WRITE)
# What is little of a host's limit, where it tells how much is left but not of how much.
_LITTLE = 10

_read_priority: ContextVar[Priority] = ContextVar("read_priority", default=Priority.USER)


@contextmanager
def reading_as(priority: Priority) -> Iterator[None]:
    """Gives every read made inside (by this task and those it starts) that priority."""
    token = _read_priority.set(priority)
    try:
        yield
    finally:
        _read_priority.reset(token)


def read_priority() -> Priority:
    """The priority of a read made now: a person's, unless inside ``reading_as``."""
    return _read_priority.get()


@dataclass(frozen=True, slots=True)
class BudgetOptions:
    """``per_minute`` and ``burst`` together bound what polls and views cost in any minute.

    The defaults stay under a tenth of gitlab.com's 2,000 a minute. ``reserve`` is the part of the burst that polls
    leave to people; ``overdraft`` is how far below an empty bucket the reads of actions and watches may go, which polls
    and views pay back; ``patience`` is the longest wait (seconds) before a caller is told.
    """

    per_minute: float = 110.0
    burst: int = 80
    reserve: int = 40
    overdraft: int = 80
    concurrency: int = 6
    patience: float = 30.0


@dataclass(order=True, slots=True)
class _Ticket:
    priority: Priority
    number: int
    wake: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class Budget:
    """A token bucket and a cap on requests under way, shared by everything that asks one host.

    Writes never wait for the bucket, and reads of actions and watches may overdraw it (what they take is paid back by
    later reads); reads of people go before polls.
    """

    def __init__(self, clock: Clock, options: BudgetOptions) -> None:
        self._clock = clock
        self._options = options
        self._level = float(options.burst)
        self._filled_at = clock.monotonic()
        self._free = options.concurrency
        self._waiting: list[_Ticket] = []
        self._numbers = itertools.count()
        self._closed_until = {priority: float("-inf") for priority in Priority}

    @asynccontextmanager
    async def turn(self, priority: Priority) -> AsyncIterator[None]:
        """Wait for a place, hold it for the block; raises ``RateLimitedError`` instead of waiting beyond patience."""
        ticket = _Ticket(priority, next(self._numbers))
        heapq.heappush(self._waiting, ticket)
        try:
            await self._wait(ticket)
            self._level -= 1
            self._free -= 1
        finally:
            self._waiting.remove(ticket)
            heapq.heapify(self._waiting)
            self._wake_first()
        try:
            yield
        finally:
            self._free += 1
            self._wake_first()

    async def charge(self, priority: Priority) -> None:
        """Wait for and pay one request that holds no place, for a transfer that may last for minutes."""
        async with self.turn(priority):
            return

    def close(self, seconds: float) -> None:
        """Let no read start for ``seconds``: the host said that it is enough."""
        for priority in _READS:
            self._close(priority, seconds)

    def observe(self, *, limit: int | None, remaining: int | None, reset_in: float | None) -> None:
        """Take in what the host says is left of its own limit: polls stop while little is, reads when nothing is."""
        if remaining is None or reset_in is None:
            return
        if remaining == 0:
            for priority in _READS:
                self._close(priority, reset_in)
        if remaining <= (_LITTLE if limit is None else limit // 20):
            self._close(Priority.POLL, reset_in)

    def _close(self, priority: Priority, seconds: float) -> None:
        until = self._clock.monotonic() + max(0.0, seconds)
        self._closed_until[priority] = max(self._closed_until[priority], until)

    async def _wait(self, ticket: _Ticket) -> None:
        while True:
            if self._waiting[0] is not ticket or self._free == 0:
                ticket.wake.clear()
                await ticket.wake.wait()
                continue
            closed = self._closed_until[ticket.priority] - self._clock.monotonic()
            if closed > self._options.patience:
                raise RateLimitedError("Could not ask GitLab", retry_after=closed)
            delay = max(closed, self._delay(ticket.priority))
            if delay <= 0:
                return
            await self._clock.sleep(delay)

    def _delay(self, priority: Priority) -> float:
        now = self._clock.monotonic()
        rate = self._options.per_minute / 60
        self._level = min(float(self._options.burst), self._level + (now - self._filled_at) * rate)
        self._filled_at = now
        if priority is Priority.WRITE:
            return 0.0
        missing = 1 + self._floor(priority) - self._level
        return missing / rate if missing > 1e-9 else 0.0

    def _floor(self, priority: Priority) -> int:
        """What a read of that priority has to leave in the bucket."""
        match priority:
            case Priority.ACTION | Priority.WATCH:
                return -self._options.overdraft
            case Priority.POLL:
                return self._options.reserve
            case _:
                return 0

    def _wake_first(self) -> None:
        if self._waiting:
            self._waiting[0].wake.set()
