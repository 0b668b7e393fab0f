"""Pollers: each keeps one visible view fresh, and asks for nothing that nobody looks at."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from enum import Enum, IntEnum
from random import Random
from typing import Generic, TypeVar

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import MlopsError, NotAllowedError, NotSignedInError
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.pacing import Pacing
from mlops_tui.live.snapshots import KeptSnapshot, alike

T = TypeVar("T")

KEEPING_INTERVAL = 30.0

_SOON = 0.001


class PollState(Enum):
    """What a poller is doing, for the connection indicator."""

    IDLE = "idle"
    FETCHING = "fetching"
    WAITING = "waiting"
    PAUSED = "paused"
    HIDDEN = "hidden"
    STOPPED = "stopped"


class Asked(IntEnum):
    """Who wants an answer now; the more urgent, the greater."""

    NOT = 0
    BY_PERSON = 1
    AFTER_ACTION = 2


class Poller(Generic[T]):
    """Fetches again and again while its view is visible and delivers what changed.

    ``fetch`` answers data, or a ``Snapshot`` when it knows their age and source itself; ``source`` names the source
    otherwise. ``deliver`` gets a snapshot whenever its data, its error or its source differ from the last one's;
    ``snapshot`` is always the latest. While there are no data at all, errors go to ``deliver_error``.

    The snapshot kept in ``cached`` comes first. An error leaves the last data standing and makes the next request wait
    longer, up to ``longest_wait``; a refused token or role stops the poller until ``refresh``. What a person waits for,
    the first data after each ``show`` and a ``refresh``, is asked before what is merely renewed, and what an action
    changed before both.
    Intervals are in seconds. The methods are for the event loop's thread; ``show`` needs a running loop, ``close`` ends
    everything.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[T | Snapshot[T]]],
        deliver: Callable[[Snapshot[T]], None],
        *,
        deliver_error: Callable[[MlopsError], None],
        interval: float,
        clock: Clock,
        source: str = "",
        cached: KeptSnapshot[T] | None = None,
        on_state: Callable[[PollState], None] | None = None,
        longest_wait: float = 60.0,
        random: Random | None = None,
    ) -> None:
        self._fetch = fetch
        self._deliver = deliver
        self._deliver_error = deliver_error
        self._clock = clock
        self._source = source
        self._cached = cached
        self._on_state = on_state
        # Jitter needs no secrecy.
        self._pacing = Pacing(interval, longest_wait, random or Random())  # noqa: S311
        self._state = PollState.IDLE
        self._snapshot: Snapshot[T] | None = None
        self._error: MlopsError | None = None
        self._unkept: Snapshot[T] | None = None
        self._keeping: asyncio.Task[bool] | None = None
        self._keep_after = 0.0
        self._is_visible = self._is_looked_at = False
        self._has_focus = True
        self._is_paused = False
        self._is_stopped = False
        self._asked = Asked.NOT
        self._is_abandoned = False
        self._is_closed = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._flight: asyncio.Task[T | Snapshot[T]] | None = None

    @property
    def state(self) -> PollState:
        """What it is doing."""
        return self._state

    @property
    def snapshot(self) -> Snapshot[T] | None:
        """The latest snapshot, also when it was not worth delivering; its ``fetched_at`` is the age of the view."""
        return self._snapshot

    def show(self) -> None:
        """Poll: the view is visible. The first time, the cached snapshot is delivered before anything is asked."""
        self._is_visible = self._is_looked_at = True
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._run())
        self._wake.set()

    def hide(self) -> None:
        """Ask for nothing: the view is not visible. A request under way is given up."""
        self._is_visible = False
        self._abandon()
        self._wake.set()

    def focus(self) -> None:
        """Go on: the terminal has the focus again."""
        self._has_focus = True
        self._wake.set()

    def blur(self) -> None:
        """Ask for nothing more: the terminal lost the focus."""
        self._has_focus = False
        self._wake.set()

    def pause(self) -> None:
        """Ask for nothing by itself until ``resume``; the person wants the view to stand still."""
        self._is_paused = True
        self._wake.set()

    def resume(self) -> None:
        """Poll again."""
        self._is_paused = False
        self._wake.set()

    def refresh(self, asked: Asked = Asked.BY_PERSON) -> None:
        """Ask now, also when paused or stopped; a hidden view asks once it is shown.

        With a request under way, one more follows it however often this is called, so that what is delivered last
        was asked for last; one from before an action is given up instead, for it tells what is no longer so.
        """
        self._asked = max(self._asked, asked)
        if asked is Asked.AFTER_ACTION:
            self._abandon()
        self._wake.set()

    async def close(self) -> None:
        """End for good, give up a request under way and keep what is not yet in the cache."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._kept()
        self._keep()
        await self._kept()
        self._enter(PollState.IDLE)

    async def _run(self) -> None:
        self._deliver_cached()
        while not self._is_closed:
            self._wake.clear()
            state, seconds = self._plan()
            self._enter(state)
            if state is PollState.FETCHING:
                await self._fetch_once()
            elif seconds is None:
                self._keep()
                await self._wake.wait()
            else:
                await self._wait(seconds)

    def _plan(self) -> tuple[PollState, float | None]:
        """What to do next, and for how many seconds (None: until something changes)."""
        if not self._is_visible:
            return PollState.HIDDEN, None
        if self._asked is Asked.NOT:
            if self._is_stopped:
                return PollState.STOPPED, None
            if self._is_paused:
                return PollState.PAUSED, None
            if not self._has_focus:
                return PollState.HIDDEN, None
        due = self._pacing.not_before if self._asked else max(self._pacing.due, self._pacing.not_before)
        seconds = due - self._clock.monotonic()
        return (PollState.WAITING, seconds) if seconds > _SOON else (PollState.FETCHING, None)

    async def _wait(self, seconds: float) -> None:
        """Wait for the time to pass or for something to change."""
        sleeper = asyncio.create_task(self._clock.sleep(seconds))
        sleeper.add_done_callback(lambda task: None if task.cancelled() else self._wake.set())
        try:
            await self._wake.wait()
        finally:
            sleeper.cancel()

    async def _fetch_once(self) -> None:
        asked, self._asked = self._asked, Asked.NOT
        self._is_stopped = self._is_abandoned = False
        self._pacing.begun(self._clock.monotonic())
        self._flight = asyncio.create_task(self._call(max(asked, Asked(self._is_looked_at))))
        try:
            answer = await self._flight
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            if self._is_abandoned:
                self._asked = max(self._asked, asked)
            else:
                self._fail(MlopsError("The view could not be renewed", why="its request was interrupted"))
        except MlopsError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - a defect in one view must not end the program
            self._fail(_unexpected(error))
        else:
            self._is_looked_at = False
            self._succeed(answer)
        finally:
            self._flight = None

    def _abandon(self) -> None:
        if self._flight is not None:
            self._is_abandoned = True
            self._flight.cancel()

    async def _call(self, asked: Asked) -> T | Snapshot[T]:
        # The first frame is drawn before anything of GitLab's is loaded.
        from mlops_tui.gitlab.budget import Priority, reading_as

        priorities = {Asked.NOT: Priority.POLL, Asked.BY_PERSON: Priority.USER, Asked.AFTER_ACTION: Priority.ACTION}
        with reading_as(priorities[asked]):
            return await self._fetch()

    def _succeed(self, answer: T | Snapshot[T]) -> None:
        snapshot = answer if isinstance(answer, Snapshot) else Snapshot(answer, self._clock.now(), self._source)
        now = self._clock.monotonic()
        if snapshot.error is None:
            self._pacing.succeeded(now)
            self._unkept = snapshot
        else:
            # Only a part is missing, so a role that is not enough for that part stops nothing.
            self._pacing.failed(now, snapshot.error)
            self._is_stopped |= isinstance(snapshot.error, NotSignedInError)
        self._publish(snapshot)
        if now >= self._keep_after:
            self._keep()

    def _fail(self, error: MlopsError) -> None:
        self._pacing.failed(self._clock.monotonic(), error)
        self._is_stopped |= isinstance(error, (NotSignedInError, NotAllowedError))
        if self._snapshot is not None:
            self._publish(self._snapshot.failed(error))
        elif not _same_error(self._error, error):
            self._error = error
            self._deliver_error(error)

    def _publish(self, snapshot: Snapshot[T]) -> None:
        last, self._snapshot = self._snapshot, snapshot
        if (
            last is None
            or last.source != snapshot.source
            or not _same_error(last.error, snapshot.error)
            or not alike(last.data, snapshot.data)
        ):
            self._deliver(snapshot)

    def _deliver_cached(self) -> None:
        snapshot = self._cached.load() if self._cached else None
        if snapshot is not None:
            self._publish(snapshot)

    def _keep(self) -> None:
        """Put the last complete snapshot into the cache, beside the polling: a slow disk must not hold it up."""
        if self._cached is None or self._unkept is None or (self._keeping and not self._keeping.done()):
            return
        snapshot, self._unkept = self._unkept, None
        self._keep_after = self._clock.monotonic() + KEEPING_INTERVAL
        self._keeping = asyncio.create_task(self._cached.store(snapshot))

    async def _kept(self) -> None:
        if self._keeping is not None:
            await self._keeping

    def _enter(self, state: PollState) -> None:
        if state is self._state:
            return
        self._state = state
        if self._on_state is not None:
            self._on_state(state)


def _is_being_cancelled() -> bool:
    """Whether it is this task that has to end, rather than one that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _same_error(one: MlopsError | None, other: MlopsError | None) -> bool:
    return type(one) is type(other) and str(one) == str(other)


def _unexpected(error: Exception) -> MlopsError:
    """A defect of ours as an error of the view; its own text is left out, for nobody checked it for secrets."""
    found = MlopsError(
        "The view could not be renewed",
        why=f"an unexpected {type(error).__name__} occurred",
        remedy="This is a defect of mlops-tui; please report it",
    )
    found.__cause__ = error
    return found
