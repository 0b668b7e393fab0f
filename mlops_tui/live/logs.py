"""Following the log of a job that still runs, line by line, although GitLab only gives the whole text."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.pollers import Poller, PollState

if TYPE_CHECKING:
    from mlops_tui.domain.jobs import JobLog

CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class LogChunk:
    """What is new in a log.

    ``replaces_last``: the last line shown so far has grown, ``lines`` begin with it anew. ``is_restart``: the log is
    another one, forget what was shown. ``dropped`` counts the lines from the start of the log that are kept no more;
    so many may come at once that some were never in any chunk.
    """

    lines: tuple[str, ...]
    replaces_last: bool
    is_restart: bool
    dropped: int
    is_complete: bool
    fetched_at: datetime
    error: MlopsError | None


class LogFollower:
    """Delivers the new lines of a growing log at most five times a second, and keeps the last ``CAPACITY`` of them.

    ``fetch`` answers the whole log so far. It stops by itself once the log is complete. Errors before there is any log
    go to ``deliver_error``, later ones into the chunks. ``show`` and ``hide`` as of a ``Poller``.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[JobLog]],
        deliver: Callable[[LogChunk], None],
        *,
        deliver_error: Callable[[MlopsError], None],
        clock: Clock,
        interval: float = 3.0,
        capacity: int = CAPACITY,
        random: Random | None = None,
    ) -> None:
        self._deliver = deliver
        self._lines: deque[str] = deque(maxlen=capacity)
        self._seen = 0
        self._last: tuple[int, MlopsError | None, bool] | None = None
        self._poller: Poller[JobLog] = Poller(
            fetch, self._take, deliver_error=deliver_error, interval=interval, clock=clock, random=random
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines that are kept, oldest first."""
        return tuple(self._lines)

    @property
    def dropped(self) -> int:
        """How many lines from the start of the log are kept no more."""
        return self._seen - len(self._lines)

    @property
    def state(self) -> PollState:
        """What it is doing."""
        return self._poller.state

    def show(self) -> None:
        """Follow: the log is visible."""
        self._poller.show()

    def hide(self) -> None:
        """Ask for nothing: the log is not visible."""
        self._poller.hide()

    def refresh(self) -> None:
        """Ask now."""
        self._poller.refresh()

    async def close(self) -> None:
        """End for good."""
        await self._poller.close()

    def _take(self, snapshot: Snapshot[JobLog]) -> None:
        log = snapshot.data
        is_restart = self._is_another(log)
        if is_restart:
            self._lines.clear()
            self._seen = 0
        replaces_last = self._seen > 0 and log.lines[self._seen - 1] != self._lines[-1]
        if replaces_last:
            self._lines.pop()
            self._seen -= 1
        start = max(self._seen, len(log.lines) - (self._lines.maxlen or 0))
        new = tuple(islice(log.lines, start, None))
        self._lines.extend(new)
        self._seen = len(log.lines)
        if log.is_complete:
            self._poller.stop()
        self._deliver_if_changed(new, replaces_last=replaces_last, is_restart=is_restart, snapshot=snapshot)

    def _is_another(self, log: JobLog) -> bool:
        """Whether the log is not the continuation of what was seen: a retried job's, or one that was erased."""
        if self._last is None or self._seen == 0:
            return False
        if log.job_id != self._last[0] or len(log.lines) < self._seen:
            return True
        return not log.lines[self._seen - 1].startswith(self._lines[-1])

    def _deliver_if_changed(
        self, new: tuple[str, ...], *, replaces_last: bool, is_restart: bool, snapshot: Snapshot[JobLog]
    ) -> None:
        log = snapshot.data
        state = (log.job_id, snapshot.error, log.is_complete)
        is_same, self._last = state == self._last, state
        if is_same and not new and not is_restart:
            return
        self._deliver(
            LogChunk(
                lines=new,
                replaces_last=replaces_last,
                is_restart=is_restart,
                dropped=self.dropped,
                is_complete=log.is_complete,
                fetched_at=snapshot.fetched_at,
                error=snapshot.error,
            )
        )
