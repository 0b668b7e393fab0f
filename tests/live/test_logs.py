from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.errors import MlopsError, UnreachableError
from mlops_tui.domain.jobs import JobLog
from mlops_tui.live.logs import LogChunk, LogFollower
from mlops_tui.live.pollers import PollState
from tests.clocks import ManualClock, settle


class Job:
    """A job whose log the test writes, and what a reader would have on the screen."""

    def __init__(self, capacity: int = 10_000) -> None:
        self.clock = ManualClock()
        self.id = 1
        self.text = ""
        self.is_complete = False
        self.error: MlopsError | None = None
        self.fetches = 0
        self.chunks: list[LogChunk] = []
        self.delivered_at: list[float] = []
        self.errors: list[MlopsError] = []
        self.screen: list[str] = []
        self.follower = LogFollower(
            self.fetch,
            self.draw,
            deliver_error=self.errors.append,
            clock=self.clock,
            interval=1.0,
            capacity=capacity,
            random=Random(3),
        )

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.split("\n")) if self.text else ()

    async def fetch(self) -> JobLog:
        self.fetches += 1
        if self.error is not None:
            raise self.error
        return JobLog(self.id, self.lines, len(self.text), self.is_complete)

    def draw(self, chunk: LogChunk) -> None:
        self.chunks.append(chunk)
        self.delivered_at.append(self.clock.monotonic())
        if chunk.is_restart:
            self.screen.clear()
        if chunk.replaces_last:
            self.screen.pop()
        self.screen.extend(chunk.lines)

    async def writes(self, text: str) -> None:
        self.text += text
        await self.clock.advance(1.2)


@pytest.fixture
async def job() -> AsyncIterator[Job]:
    job = Job()
    yield job
    await job.follower.close()


async def test_only_new_lines_are_delivered_and_a_growing_line_is_replaced(job: Job) -> None:
    job.text = "start\nstep 1"
    job.follower.show()
    await settle()
    await job.writes(" of 2\nstep 2")
    await job.writes("\n")
    await job.writes("end")
    assert [(chunk.lines, chunk.replaces_last) for chunk in job.chunks] == [
        (("start", "step 1"), False),
        (("step 1 of 2", "step 2"), True),
        (("",), False),
        (("end",), True),
    ]
    assert tuple(job.screen) == job.follower.lines == job.lines


async def test_nothing_new_is_nothing_delivered(job: Job) -> None:
    job.text = "start"
    job.follower.show()
    await job.clock.advance(10)
    assert len(job.chunks) == 1
    assert 9 <= job.fetches <= 12


async def test_an_empty_log_is_told_once_so_that_the_view_can_say_so(job: Job) -> None:
    job.follower.show()
    await job.clock.advance(5)
    assert [chunk.lines for chunk in job.chunks] == [()]


async def test_a_complete_log_is_asked_for_no_more(job: Job) -> None:
    job.text = "start\nend"
    job.follower.show()
    await settle()
    job.is_complete = True
    await job.clock.advance(100)
    assert [chunk.is_complete for chunk in job.chunks] == [False, True]
    assert (job.fetches, job.follower.state) == (2, PollState.STOPPED)


async def test_a_hidden_log_is_not_asked_for(job: Job) -> None:
    job.follower.show()
    await settle()
    job.follower.hide()
    await job.writes("more")
    await job.clock.advance(100)
    assert job.fetches == 1
    job.follower.show()
    await settle()
    assert job.screen == ["more"]


async def test_it_delivers_at_most_five_times_a_second_however_hard_one_presses(job: Job) -> None:
    job.follower.show()
    for number in range(100):
        job.text += f"{number}\n"
        job.follower.refresh()
        await job.clock.advance(0.02)
    gaps = [later - earlier for earlier, later in pairwise(job.delivered_at)]
    assert len(job.chunks) > 5
    assert min(gaps) > 0.198


async def test_another_log_begins_anew(job: Job) -> None:
    job.text = "first\nsecond"
    job.follower.show()
    await settle()
    job.text = "first\nother\nthird"
    await job.writes("")
    assert job.chunks[-1].is_restart
    assert job.screen == ["first", "other", "third"]
    job.id = 2
    await job.writes("\nfourth")
    assert job.chunks[-1].is_restart
    job.text = ""
    await job.writes("")
    assert job.screen == list(job.follower.lines) == []


async def test_an_error_leaves_the_lines_and_comes_with_the_chunk(job: Job) -> None:
    job.error = UnreachableError("GitLab does not answer")
    job.follower.show()
    await settle()
    assert job.errors == [job.error]
    job.error, job.text = None, "start"
    await job.clock.advance(3)
    job.error = UnreachableError("GitLab does not answer")
    await job.clock.advance(3)
    assert (job.chunks[-1].error, job.chunks[-1].lines) == (job.error, ())
    job.error = None
    await job.clock.advance(10)
    assert (job.chunks[-1].error, job.screen) == (None, ["start"])


async def test_old_lines_are_dropped_and_counted() -> None:
    job = Job(capacity=3)
    job.text = "\n".join("abcde")
    job.follower.show()
    await settle()
    assert (job.chunks[-1].lines, job.chunks[-1].dropped) == (("c", "d", "e"), 2)
    await job.writes("e\nf")
    assert (job.chunks[-1].lines, job.chunks[-1].replaces_last) == (("ee", "f"), True)
    await job.writes("\n" + "\n".join("ghijkl"))
    assert (job.chunks[-1].lines, job.chunks[-1].dropped) == (("j", "k", "l"), 9)
    assert (job.follower.lines, job.follower.dropped) == (("j", "k", "l"), 9)
    await job.follower.close()


@given(st.lists(st.text("ab\n", max_size=12), max_size=6), st.integers(1, 5))
async def test_the_screen_is_always_the_end_of_the_log(pieces: list[str], capacity: int) -> None:
    job = Job(capacity=capacity)
    job.follower.show()
    for piece in pieces:
        await job.writes(piece)
        assert tuple(job.screen[-capacity:]) == job.follower.lines == job.lines[-capacity:]
        assert job.follower.dropped == max(0, len(job.lines) - capacity)
    await job.follower.close()
