"""``W``: let this program do by itself what a rollout's plan says, until it is closed or that is taken back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_tui.domain.errors import MlopsError, RemoteError

if TYPE_CHECKING:
    from mlops_tui.domain.rollouts import Rollout
    from mlops_tui.operations.rollouts.watching import Look
    from mlops_tui.operations.session import Session

logger = logging.getLogger(__name__)

Listener = Callable[["Watch"], None]
# Long enough for an action that is under way to end, and for the lease to be given back after it.
LEAVE_SECONDS = 10.0


@dataclass(slots=True)
class Watch:
    """One watched rollout.

    ``look`` is the newest look, taken at ``seen_at``, both None before the first; ``error`` is what ended the watch.
    """

    rollout: Rollout
    look: Look | None = None
    seen_at: datetime | None = None
    error: MlopsError | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def sentence(self) -> str:
        """What it is about to do, or why it does nothing."""
        look = self.look
        if look is None:
            return "looking for the first time"
        if look.note:
            return look.note
        judgement = look.record.judgement
        if judgement is not None and look.decision.reason == judgement.reason:
            return f"it waits while the verdict is {judgement.verdict.value}"
        return look.decision.reason


class Watches:
    """The rollouts that this program watches, by their ids.

    They go on while other views are shown. Every one gives its lease back when it ends. ``listeners`` are called when
    one begins, after each look, and when it ends.
    """

    def __init__(self, *listeners: Listener) -> None:
        self.listeners: list[Listener] = list(listeners)
        self._watches: dict[str, Watch] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._watches)

    @property
    def names(self) -> str:
        """The versions that are watched."""
        return ", ".join(f"{watch.rollout.model} {watch.rollout.version}" for watch in self._watches.values())

    def get(self, rollout_id: str) -> Watch | None:
        """The watch of a rollout, None where this program does not watch it."""
        return self._watches.get(rollout_id)

    def start(self, session: Session, rollout: Rollout) -> None:
        """Watch a rollout, and act on it as its plan says."""
        if rollout.id not in self._watches:
            watch = self._watches[rollout.id] = Watch(rollout)
            watch.task = asyncio.create_task(self._follow(session, watch))
            self._tell(watch)

    async def stop(self, rollout_id: str) -> None:
        """Watch no longer: let an action that is under way end, and give the lease back."""
        watch = self._watches.pop(rollout_id, None)
        if watch is not None and watch.task is not None:
            self._ending.add(watch.task)
            watch.task.add_done_callback(self._ending.discard)
            watch.task.cancel()
            await asyncio.wait([watch.task], timeout=LEAVE_SECONDS)
            self._tell(watch)

    async def close(self) -> None:
        """Stop them all, because the program ends."""
        ending = list(self._ending)
        await asyncio.gather(*(self.stop(rollout_id) for rollout_id in list(self._watches)))
        if ending:
            await asyncio.wait(ending, timeout=LEAVE_SECONDS)

    async def _follow(self, session: Session, watch: Watch) -> None:
        from mlops_tui.gitlab.budget import Priority, reading_as
        from mlops_tui.operations.rollouts.watching import Watcher, watching

        looks = watching(Watcher(session, watch.rollout.id, may_act=True), session.context.poll_interval)
        try:
            # What may have to roll back by itself must not wait behind what is only shown.
            with reading_as(Priority.WATCH):
                async for look in looks:
                    self._take(watch, look, session.clock.now())
        except MlopsError as error:
            self._fail(watch, error)
        except Exception as error:
            logger.exception("the watch of %s failed", watch.rollout.id)
            self._fail(watch, MlopsError("The watch ended", why=f"{type(error).__name__}: see the log file"))
        finally:
            await looks.aclose()

    def _take(self, watch: Watch, look: Look, now: datetime) -> None:
        watch.look, watch.rollout = look, look.record
        watch.seen_at = watch.seen_at if isinstance(look.error, RemoteError) else now
        if look.record.state.is_over:
            self._watches.pop(watch.rollout.id, None)
        self._tell(watch)

    def _fail(self, watch: Watch, error: MlopsError) -> None:
        self._watches.pop(watch.rollout.id, None)
        watch.error = error
        self._tell(watch)

    def _tell(self, watch: Watch) -> None:
        for listener in list(self.listeners):
            listener(watch)


def news(watch: Watch) -> str:
    """What a person has to hear of a watch: what was done, or what ended it; empty where nothing happened."""
    if watch.error is not None:
        return f"No longer watched: {watch.error}"
    look = watch.look
    if look is None or look.receipt is None:
        return ""
    from mlops_tui.domain.actions import Outcome

    done = "" if look.receipt.outcome is Outcome.DONE else f"{look.receipt.outcome.value}: "
    return f"{done}{look.receipt.message}, since {look.decision.reason}."
