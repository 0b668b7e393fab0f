from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from mlops_tui.domain.errors import (
    MlopsError,
    NotAllowedError,
    NotSignedInError,
    RateLimitedError,
    UnreachableError,
)
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.budget import Priority, read_priority
from mlops_tui.live.pacing import SPACING
from mlops_tui.live.pollers import Asked, Poller, PollState
from mlops_tui.live.snapshots import CACHED, CachedView
from mlops_tui.storage.cache import Cache, CacheEntry
from tests.clocks import START, ManualClock, settle

INTERVAL = 5.0
HOST = "gitlab.example.com"

Rows = tuple[float, ...]


@dataclass
class Source:
    """Answers each request with what the test put up: rows, a snapshot or an error; slow ones wait for ``release``."""

    clock: ManualClock
    answer: Rows | Snapshot[Rows] | Exception = (1.0,)
    is_slow: bool = False
    started_at: list[float] = field(default_factory=list)
    priorities: list[Priority] = field(default_factory=list)
    cancelled: int = 0
    running: int = 0
    most_running: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self) -> Rows | Snapshot[Rows]:
        self.started_at.append(self.clock.monotonic())
        self.priorities.append(read_priority())
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        answer = self.answer
        try:
            if self.is_slow:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def release(self) -> None:
        self.gate.set()
        await settle()
        self.gate.clear()


class View:
    """A poller with a source under a test's control, and everything that it delivered."""

    def __init__(self, cached: CachedView[Rows] | None = None) -> None:
        self.clock = ManualClock()
        self.source = Source(self.clock)
        self.delivered: list[Snapshot[Rows]] = []
        self.errors: list[MlopsError] = []
        self.states: list[PollState] = []
        self.poller: Poller[Rows] = Poller(
            self.source.fetch,
            self.delivered.append,
            deliver_error=self.errors.append,
            interval=INTERVAL,
            clock=self.clock,
            source=HOST,
            cached=cached,
            on_state=self.states.append,
            random=Random(1),
        )

    async def shown(self) -> View:
        self.poller.show()
        await settle()
        return self


@pytest.fixture
async def view() -> AsyncIterator[View]:
    view = View()
    yield view
    await view.poller.close()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path / "cache.db")
    yield cache
    cache.close()


async def test_nothing_is_asked_until_the_view_is_shown(view: View) -> None:
    await view.clock.advance(100)
    assert view.source.started_at == []
    assert view.poller.state is PollState.IDLE
    await view.shown()
    assert view.delivered == [Snapshot((1.0,), START + timedelta(seconds=100), HOST)]
    assert view.states == [PollState.FETCHING, PollState.WAITING]


async def test_it_asks_about_once_in_an_interval_with_jitter(view: View) -> None:
    await view.shown()
    await view.clock.advance(20 * INTERVAL)
    starts = view.source.started_at
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert 18 <= len(starts) <= 23
    assert all(0.9 * INTERVAL <= gap <= 1.1 * INTERVAL for gap in gaps)
    assert len({round(gap, 6) for gap in gaps}) > 10


async def test_what_a_person_waits_for_goes_before_what_is_renewed(view: View) -> None:
    await view.shown()
    await view.clock.advance(1.2 * INTERVAL)
    view.poller.refresh()
    await view.clock.advance(2)
    await view.clock.advance(1.2 * INTERVAL)
    assert view.source.priorities == [Priority.USER, Priority.POLL, Priority.USER, Priority.POLL]
    view.poller.hide()
    await view.clock.advance(2 * INTERVAL)
    view.poller.show()
    await view.clock.advance(1.2 * INTERVAL)
    assert view.source.priorities[4:] == [Priority.USER, Priority.POLL]


async def test_after_an_action_a_request_from_before_it_is_given_up(view: View) -> None:
    await view.shown()
    view.source.is_slow = True
    await view.clock.advance(1.2 * INTERVAL)
    assert view.source.running == 1
    view.poller.refresh(Asked.AFTER_ACTION)
    await settle()
    assert view.source.cancelled == 1
    await view.clock.advance(SPACING)
    assert view.source.priorities[1:] == [Priority.POLL, Priority.ACTION]


async def test_what_did_not_change_is_not_delivered_but_its_age_is_known(view: View) -> None:
    view.source.answer = (1.0, float("nan"))
    await view.shown()
    view.source.answer = (1.0, float("-nan"))
    await view.clock.advance(3 * INTERVAL)
    assert len(view.delivered) == 1
    assert view.poller.snapshot is not None
    assert view.poller.snapshot.fetched_at > START + timedelta(seconds=1.5 * INTERVAL)
    view.source.answer = (2.0,)
    await view.clock.advance(2 * INTERVAL)
    assert [snapshot.data for snapshot in view.delivered[1:]] == [(2.0,)]


async def test_a_snapshot_as_answer_is_delivered_as_it_is(view: View) -> None:
    view.source.answer = Snapshot((7.0,), START - timedelta(hours=1), "somewhere else")
    await view.shown()
    assert view.delivered == [view.source.answer]


async def test_a_partial_answer_backs_off_and_stops_only_for_a_refused_token(view: View) -> None:
    view.source.answer = Snapshot((1.0,), START, HOST, NotAllowedError("one project may not be read"))
    await view.shown()
    assert view.delivered == [view.source.answer]
    await view.clock.advance(3 * INTERVAL)
    assert len(view.source.started_at) == 2
    view.source.answer = Snapshot((1.0,), START, HOST, NotSignedInError("the token is revoked"))
    await view.clock.advance(10 * INTERVAL)
    assert view.poller.state is PollState.STOPPED
    assert view.delivered[-1] == view.source.answer


async def test_a_hidden_view_asks_for_nothing_and_gives_up_what_is_under_way(view: View) -> None:
    await view.shown()
    view.source.is_slow = True
    await view.clock.advance(1.2 * INTERVAL)
    assert view.source.running == 1
    view.poller.hide()
    await view.clock.advance(50 * INTERVAL)
    assert (view.source.cancelled, len(view.source.started_at)) == (1, 2)
    assert view.states[-2:] == [PollState.FETCHING, PollState.HIDDEN]
    view.poller.refresh()
    await view.clock.advance(50 * INTERVAL)
    assert len(view.source.started_at) == 2
    view.source.is_slow, view.source.answer = False, (2.0,)
    await view.shown()
    assert view.delivered[-1].data == (2.0,)


async def test_hiding_and_showing_does_not_hurry_it(view: View) -> None:
    await view.shown()
    for _ in range(5):
        view.poller.hide()
        await view.shown()
    assert len(view.source.started_at) == 1
    await view.clock.advance(1.2 * INTERVAL)
    assert len(view.source.started_at) == 2


async def test_showing_and_hiding_during_a_request_asks_at_most_five_times_a_second(view: View) -> None:
    view.source.is_slow = True
    for _ in range(50):
        await view.shown()
        view.poller.hide()
        await view.clock.advance(0.02)
    assert 4 <= len(view.source.started_at) <= 6


async def test_what_a_person_asked_for_and_a_hidden_view_gave_up_is_asked_for_again(view: View) -> None:
    await view.shown()
    await view.clock.advance(SPACING)
    view.source.is_slow = True
    view.poller.refresh()
    await settle()
    view.poller.hide()
    await view.clock.advance(SPACING)
    view.source.is_slow, view.source.answer = False, (2.0,)
    await view.shown()
    assert view.delivered[-1].data == (2.0,)


@pytest.mark.parametrize(
    ("halt", "go_on", "state"), [("pause", "resume", PollState.PAUSED), ("blur", "focus", PollState.HIDDEN)]
)
async def test_a_paused_or_unfocused_view_asks_only_when_a_person_does(
    view: View, halt: str, go_on: str, state: PollState
) -> None:
    await view.shown()
    getattr(view.poller, halt)()
    await view.clock.advance(20 * INTERVAL)
    assert (len(view.source.started_at), view.poller.state) == (1, state)
    view.poller.refresh()
    await view.clock.advance(20 * INTERVAL)
    assert (len(view.source.started_at), view.poller.state) == (2, state)
    getattr(view.poller, go_on)()
    await view.clock.advance(20 * INTERVAL)
    assert len(view.source.started_at) > 10


async def test_refreshing_during_a_request_leads_to_one_more_and_never_to_two_at_once(view: View) -> None:
    view.source.is_slow = True
    await view.shown()
    view.source.answer = (2.0,)
    for _ in range(10):
        view.poller.refresh()
        await settle()
    assert len(view.source.started_at) == 1
    await view.source.release()
    await view.clock.advance(SPACING)
    await view.source.release()
    await view.clock.advance(SPACING)
    assert [snapshot.data for snapshot in view.delivered] == [(1.0,), (2.0,)]
    assert (len(view.source.started_at), view.source.most_running) == (2, 1)


async def test_a_held_key_asks_at_most_five_times_a_second(view: View) -> None:
    await view.shown()
    for _ in range(100):
        view.poller.refresh()
        await view.clock.advance(0.03)
    assert 12 <= len(view.source.started_at) <= 16


async def test_errors_back_off_to_a_cap_and_leave_the_data_standing(view: View) -> None:
    await view.shown()
    error = UnreachableError("GitLab does not answer")
    view.source.answer = error
    await view.clock.advance(1000)
    starts = view.source.started_at
    gaps = [later - earlier for earlier, later in pairwise(starts[1:])]
    assert gaps[0] <= 2 * INTERVAL
    assert all(INTERVAL <= gap <= 60.0 for gap in gaps)
    assert all(gap >= 30.0 for gap in gaps[4:])
    assert view.delivered == [Snapshot((1.0,), START, HOST), Snapshot((1.0,), START, HOST, error)]
    view.source.answer = (1.0,)
    await view.clock.advance(100)
    assert (len(view.delivered), view.delivered[-1].error) == (3, None)


async def test_after_an_error_the_first_success_returns_to_the_interval(view: View) -> None:
    view.source.answer = UnreachableError("GitLab does not answer")
    await view.shown()
    await view.clock.advance(500)
    view.source.answer = (1.0,)
    view.poller.refresh()
    await settle()
    before = len(view.source.started_at)
    await view.clock.advance(10 * INTERVAL)
    assert len(view.source.started_at) - before >= 9


async def test_errors_before_there_are_data_are_delivered_once_each(view: View) -> None:
    view.source.answer = UnreachableError("GitLab does not answer")
    await view.shown()
    await view.clock.advance(200)
    assert view.errors == [view.source.answer]
    assert (view.delivered, view.poller.snapshot) == ([], None)


async def test_a_server_that_asks_to_wait_gets_its_time_even_from_a_person(view: View) -> None:
    await view.shown()
    view.source.answer = RateLimitedError("Runs", retry_after=300)
    view.poller.refresh()
    await view.clock.advance(SPACING)
    view.poller.refresh()
    await view.clock.advance(299)
    assert len(view.source.started_at) == 2
    await view.clock.advance(2)
    assert len(view.source.started_at) == 3


@pytest.mark.parametrize("error", [NotSignedInError("The token is revoked"), NotAllowedError("The role is too low")])
async def test_a_refused_token_or_role_stops_it_until_a_person_asks_again(view: View, error: MlopsError) -> None:
    await view.shown()
    view.source.answer = error
    await view.clock.advance(1.2 * INTERVAL)
    assert view.delivered[-1] == Snapshot((1.0,), START, HOST, error)
    view.poller.hide()
    await view.shown()
    await view.clock.advance(10_000)
    assert (view.poller.state, len(view.source.started_at)) == (PollState.STOPPED, 2)
    view.source.answer = (1.0,)
    view.poller.refresh()
    await view.clock.advance(1.2 * INTERVAL)
    assert (view.poller.state, len(view.source.started_at)) == (PollState.WAITING, 4)


async def test_a_defect_is_shown_without_its_text_and_does_not_end_it(view: View) -> None:
    view.source.answer = ZeroDivisionError("glpat-" + "x" * 20)
    await view.shown()
    assert "ZeroDivisionError" in str(view.errors[0])
    assert "glpat" not in str(view.errors[0])
    view.source.answer = (1.0,)
    await view.clock.advance(2 * INTERVAL)
    assert [snapshot.data for snapshot in view.delivered] == [(1.0,)]


async def test_a_request_that_cancels_itself_is_an_error_and_not_a_storm(view: View) -> None:
    async def cancel_itself() -> Rows:
        view.source.started_at.append(view.clock.monotonic())
        raise asyncio.CancelledError

    poller: Poller[Rows] = Poller(
        cancel_itself, view.delivered.append, deliver_error=view.errors.append, interval=INTERVAL, clock=view.clock
    )
    poller.show()
    await view.clock.advance(INTERVAL - 1)
    assert (len(view.source.started_at), len(view.errors)) == (1, 1)
    await poller.close()


async def test_waiting_costs_nothing(view: View) -> None:
    await view.shown()
    view.poller.focus()
    await settle()
    before = view.clock.sleeps
    await view.clock.advance(0.5 * INTERVAL)
    assert view.clock.sleeps == before


def test_it_ends_when_its_loop_does_in_the_middle_of_a_request() -> None:
    errors: list[MlopsError] = []

    async def leave() -> None:
        view = View()
        view.source.is_slow = True
        await view.shown()
        errors.extend(view.errors)

    loop = threading.Thread(target=lambda: asyncio.run(leave()), daemon=True)
    loop.start()
    loop.join(10)
    assert not loop.is_alive()
    assert errors == []


async def test_closing_ends_everything(view: View) -> None:
    view.source.is_slow = True
    await view.shown()
    await view.poller.close()
    assert (view.source.cancelled, view.source.running, view.poller.state) == (1, 0, PollState.IDLE)
    view.poller.show()
    await view.clock.advance(100)
    assert len(view.source.started_at) == 1
    assert view.clock.sleepers == 0


async def test_it_starts_from_the_cache_while_the_server_is_away(cache: Cache) -> None:
    rows = CachedView(cache, "work", "rows", Rows)
    first = View(rows)
    await first.shown()
    await first.poller.close()

    offline = View(rows)
    offline.source.answer = UnreachableError("GitLab does not answer")
    await offline.shown()
    cached = Snapshot((1.0,), START, CACHED)
    assert offline.delivered == [cached, cached.failed(offline.source.answer)]
    assert offline.errors == []
    offline.source.answer = (1.0,)
    await offline.clock.advance(3 * INTERVAL)
    assert offline.delivered[-1].source == HOST
    await offline.poller.close()


async def test_the_first_answer_after_the_cached_one_is_delivered_even_if_nothing_changed(cache: Cache) -> None:
    rows = CachedView(cache, "work", "rows", Rows)
    for _ in range(2):
        view = await View(rows).shown()
        await view.poller.close()
    assert [snapshot.source for snapshot in view.delivered] == [CACHED, HOST]


async def test_the_cache_gets_the_last_complete_answer_but_not_every_one(cache: Cache) -> None:
    rows = CachedView(cache, "work", "rows", Rows)
    view = await View(rows).shown()
    for value in range(2, 6):
        view.source.answer = (float(value),)
        await view.clock.advance(1.2 * INTERVAL)
    # The writer takes its turns in order, so that what was put before this is written after it.
    await cache.put("work", "other", CacheEntry("none", START, HOST, b""))
    assert rows.load() == Snapshot((1.0,), START, CACHED)
    view.source.answer = Snapshot((), START, HOST, UnreachableError("one project is missing"))
    await view.clock.advance(1.2 * INTERVAL)
    await view.poller.close()
    kept = rows.load()
    assert kept is not None
    assert kept.data == (5.0,)
