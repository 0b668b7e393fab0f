"""Where a view's data come from, and the pollers that bring them while it is visible."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from textual.message import Message

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.pollers import Asked, Poller
from mlops_tui.live.snapshots import KeptSnapshot
from mlops_tui.widgets.as_of import Freshness

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Feed(Generic[T]):
    """One source of data of a view.

    ``fetch`` asks for them and ``draw`` shows a snapshot. ``pane`` is the selector of the pane that says how old they
    are and that keeps mistakes of ``draw``. ``interval`` is in seconds. ``cached`` is where the last good snapshot is
    kept; None keeps none. ``is_gitlab`` is whether an answer tells that GitLab can be reached.
    """

    fetch: Callable[[], Awaitable[Snapshot[T]]]
    draw: Callable[[Snapshot[T]], None]
    pane: str
    interval: float
    cached: KeptSnapshot[T] | None = None
    is_gitlab: bool = True


class SnapshotArrived(Message):
    """A feed brought a snapshot that differs from the last one."""

    def __init__(self, feed: Feed[Any], snapshot: Snapshot[Any]) -> None:
        super().__init__()
        self.feed = feed
        self.snapshot = snapshot


class FeedFailed(Message):
    """A feed has brought nothing yet, for this reason."""

    def __init__(self, feed: Feed[Any], error: MlopsError) -> None:
        super().__init__()
        self.feed = feed
        self.error = error


class Feeds:
    """The pollers of one view; what they bring arrives as messages.

    Args:
        post: Posts a message to the view.
        clock: The time.
    """

    def __init__(self, post: Callable[[Message], object], clock: Clock) -> None:
        self._post = post
        self._clock = clock
        self._pollers: dict[Feed[Any], Poller[Any]] = {}
        self._errors: dict[Feed[Any], MlopsError] = {}

    def open(self, feeds: Iterable[Feed[Any]], *, is_visible: bool, is_paused: bool, has_focus: bool) -> None:
        """Start a poller for each feed; without the focus each asks once, for a view that was never seen is empty."""
        for feed in feeds:
            poller = self._poller(feed)
            self._pollers[feed] = poller
            if is_paused:
                poller.pause()
            if not has_focus:
                poller.blur()
                poller.refresh()
            if is_visible:
                poller.show()

    def show(self) -> None:
        """The view is visible."""
        for poller in self._pollers.values():
            poller.show()

    def hide(self) -> None:
        """The view is not visible."""
        for poller in self._pollers.values():
            poller.hide()

    def set_focus(self, has_focus: bool) -> None:
        """The terminal has the focus, or lost it."""
        for poller in self._pollers.values():
            poller.focus() if has_focus else poller.blur()

    def set_paused(self, is_paused: bool) -> None:
        """The person wants the view to stand still, or to go on."""
        for poller in self._pollers.values():
            poller.pause() if is_paused else poller.resume()

    def refresh(self, pane: str | None = None, asked: Asked = Asked.BY_PERSON) -> None:
        """Ask now, for one pane or for all of them."""
        for feed, poller in self._pollers.items():
            if pane in {None, feed.pane}:
                poller.refresh(asked)

    async def close(self) -> None:
        """End for good."""
        pollers, self._pollers = list(self._pollers.values()), {}
        for poller in pollers:
            await poller.close()

    def freshness(self, *, is_paused: bool) -> dict[str, Freshness]:
        """How fresh the data are, by pane."""
        return {
            feed.pane: Freshness(poller.snapshot, feed.interval, self._errors.get(feed), is_paused)
            for feed, poller in self._pollers.items()
        }

    def _poller(self, feed: Feed[Any]) -> Poller[Any]:
        def fail(error: MlopsError) -> None:
            self._errors[feed] = error
            self._post(FeedFailed(feed, error))

        def deliver(snapshot: Snapshot[Any]) -> None:
            self._post(SnapshotArrived(feed, snapshot))

        return Poller(
            feed.fetch,
            deliver,
            deliver_error=fail,
            interval=feed.interval,
            clock=self._clock,
            cached=feed.cached,
        )
