"""Whatever happens in whatever order, a poller keeps its promises."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mlops_tui.domain.errors import MlopsError, NotAllowedError, NotSignedInError, RateLimitedError, UnreachableError
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.pacing import SPACING
from mlops_tui.live.pollers import Poller, PollState
from tests.clocks import ManualClock, settle

INTERVAL = 5.0
LONGEST = 60.0
RETRY_AFTER = 200.0


class PollerMachine(RuleBasedStateMachine):
    """A person, a terminal and a server that do as they like."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.requests: list[asyncio.Future[int]] = []
        self.starts: list[float] = []
        self.delivered: list[Snapshot[int]] = []
        self.good: int | None = None
        self.not_before = 0.0
        self.is_visible = self.is_paused = self.is_stopped = self.is_asked = self.is_for_a_person = False
        self.has_focus = True
        self.poller: Poller[int] = self.runner.run(self.make_poller())

    async def make_poller(self) -> Poller[int]:
        return Poller(
            self.fetch,
            self.delivered.append,
            deliver_error=lambda error: None,
            interval=INTERVAL,
            longest_wait=LONGEST,
            clock=self.clock,
            random=Random(7),
        )

    def teardown(self) -> None:
        self.runner.run(self.poller.close())
        assert self.open_requests == []
        self.runner.close()

    async def fetch(self) -> int:
        assert self.open_requests == []
        assert self.clock.monotonic() >= self.not_before
        self.is_for_a_person = self.is_asked
        self.is_asked = self.is_stopped = False
        self.starts.append(self.clock.monotonic())
        request: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.requests.append(request)
        return await request

    @property
    def open_requests(self) -> list[asyncio.Future[int]]:
        return [request for request in self.requests if not request.done()]

    def after(self, change: Any, *arguments: Any) -> None:
        async def run() -> None:
            change(*arguments)
            await settle()

        self.runner.run(run())

    @rule()
    def show(self) -> None:
        self.is_visible = True
        self.after(self.poller.show)

    @rule()
    def hide(self) -> None:
        # What a person asked for and never got is asked for again.
        self.is_asked |= self.is_for_a_person and bool(self.open_requests)
        self.is_visible = False
        self.after(self.poller.hide)
        assert self.open_requests == []

    @rule(has_focus=st.booleans())
    def change_focus(self, has_focus: bool) -> None:
        self.has_focus = has_focus
        self.after(self.poller.focus if has_focus else self.poller.blur)

    @rule(is_paused=st.booleans())
    def change_pause(self, is_paused: bool) -> None:
        self.is_paused = is_paused
        self.after(self.poller.pause if is_paused else self.poller.resume)

    @rule()
    def refresh(self) -> None:
        self.is_asked = True
        self.after(self.poller.refresh)

    @rule(seconds=st.sampled_from([0.05, SPACING, 1.0, INTERVAL, LONGEST]))
    def let_time_pass(self, seconds: float) -> None:
        stands_still = self.poller.state in {PollState.PAUSED, PollState.HIDDEN, PollState.STOPPED, PollState.IDLE}
        before = len(self.starts)
        self.runner.run(self.clock.advance(seconds))
        assert not (stands_still and len(self.starts) > before)

    @precondition(lambda self: self.poller.state is PollState.WAITING)
    @rule()
    def wait_long(self) -> None:
        before = len(self.starts)
        self.runner.run(self.clock.advance(RETRY_AFTER * 1.1 + LONGEST))
        assert len(self.starts) == before + 1

    @precondition(lambda self: self.open_requests)
    @rule(value=st.integers(0, 2))
    def answer(self, value: int) -> None:
        self.good = value
        self.after(self.open_requests[0].set_result, value)

    @precondition(lambda self: self.open_requests)
    @rule(kind=st.sampled_from(["away", "limited", "token", "role", "defect"]))
    def fail(self, kind: str) -> None:
        errors: dict[str, Exception] = {
            "away": UnreachableError("GitLab does not answer"),
            "limited": RateLimitedError("Runs", retry_after=RETRY_AFTER),
            "token": NotSignedInError("The token is revoked"),
            "role": NotAllowedError("The role is too low"),
            "defect": ZeroDivisionError(),
        }
        error = errors[kind]
        if isinstance(error, RateLimitedError):
            self.not_before = self.clock.monotonic() + RETRY_AFTER
        self.is_stopped = isinstance(error, (NotSignedInError, NotAllowedError))
        self.after(self.open_requests[0].set_exception, error)
        if self.good is not None and kind != "defect":
            assert isinstance(error, MlopsError)
            assert self.poller.snapshot is not None
            assert self.poller.snapshot.error is error

    @invariant()
    def one_request_at_most_and_only_for_a_visible_view(self) -> None:
        assert len(self.open_requests) <= 1
        assert (self.poller.state is PollState.FETCHING) == bool(self.open_requests)
        assert self.is_visible or not self.open_requests

    @invariant()
    def requests_keep_their_distance(self) -> None:
        assert all(later - earlier > SPACING - 0.002 for earlier, later in pairwise(self.starts))

    @invariant()
    def what_a_person_asks_for_is_asked_for(self) -> None:
        earliest = max(self.not_before, self.starts[-1] + SPACING if self.starts else 0.0)
        if self.is_visible and self.is_asked and self.clock.monotonic() >= earliest:
            assert self.open_requests

    @invariant()
    def the_state_says_why_it_stands_still(self) -> None:
        if not self.starts and not self.is_visible:
            return
        if not self.is_visible:
            assert self.poller.state is PollState.HIDDEN
        elif not self.open_requests and self.is_stopped and not self.is_asked:
            assert self.poller.state is PollState.STOPPED
        elif not self.open_requests and self.is_paused and not self.is_asked:
            assert self.poller.state is PollState.PAUSED

    @invariant()
    def the_last_good_data_stand(self) -> None:
        if self.good is not None:
            assert self.poller.snapshot is not None
            assert self.poller.snapshot.data == self.good
            assert self.delivered[-1].data == self.good

    @invariant()
    def nothing_is_delivered_twice(self) -> None:
        for earlier, later in pairwise(self.delivered):
            assert (earlier.data, str(earlier.error)) != (later.data, str(later.error))


TestPoller = PollerMachine.TestCase
TestPoller.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
