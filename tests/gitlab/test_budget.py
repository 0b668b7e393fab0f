"""Who is let through, how fast, and how many at once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.errors import RateLimitedError
from mlops_tui.gitlab.budget import Budget, BudgetOptions, Priority, read_priority, reading_as
from tests.clocks import START, ManualClock, settle
from tests.faults.proxy import FaultProxy, throttled
from tests.gitlab.scripted import PassingClock, Reply, ScriptedServer, http_date, in_turn, transport_to

JOBS = "/api/v4/projects/7/jobs"


async def ask(budget: Budget, priority: Priority, log: list[str], name: str) -> None:
    async with budget.turn(priority):
        log.append(name)


@given(st.integers(2, 300), st.integers(12, 60), st.integers(1, 60))
async def test_no_minute_sees_more_than_rate_and_burst(per_minute: int, burst: int, requests: int) -> None:
    clock = PassingClock()
    budget = Budget(clock, BudgetOptions(per_minute=per_minute, burst=burst))
    times = []
    for _ in range(requests):
        async with budget.turn(Priority.USER):
            times.append(clock.monotonic())
    for first in times:
        assert sum(first <= time < first + 60 for time in times) <= per_minute + burst + 1


def test_the_default_stays_under_a_tenth_of_gitlabs_limit() -> None:
    options = BudgetOptions()
    assert options.per_minute + options.burst < 200


async def test_polls_leave_a_reserve_to_people_and_writes_never_wait() -> None:
    clock, log = ManualClock(), list[str]()
    budget = Budget(clock, BudgetOptions(per_minute=60, burst=5, reserve=3))
    tasks = [asyncio.create_task(ask(budget, Priority.POLL, log, f"poll {number}")) for number in range(3)]
    await settle()
    assert log == ["poll 0", "poll 1"]
    tasks += [asyncio.create_task(ask(budget, Priority.USER, log, f"user {number}")) for number in range(4)]
    await settle()
    assert log[2:] == ["user 0", "user 1", "user 2"]
    tasks.append(asyncio.create_task(ask(budget, Priority.WRITE, log, "write")))
    await settle()
    assert log[5:] == ["write"]
    await clock.advance(60)
    assert log[6:] == ["user 3", "poll 2"]
    await asyncio.gather(*tasks)


async def test_actions_and_watches_overdraw_an_empty_bucket_and_views_pay_it_back() -> None:
    clock, log = ManualClock(), list[str]()
    budget = Budget(clock, BudgetOptions(per_minute=60, burst=2, reserve=1, overdraft=4))

    def start(priority: Priority, count: int) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(ask(budget, priority, log, priority.name)) for _ in range(count)]

    tasks = start(Priority.USER, 3) + start(Priority.POLL, 1)
    await settle()
    assert log == ["USER"] * 2
    tasks += start(Priority.WATCH, 3)
    await settle()
    assert log[2:] == ["WATCH"] * 3
    tasks += start(Priority.WATCH, 2) + start(Priority.ACTION, 2)
    await settle()
    assert log[5:] == ["WATCH"]
    await clock.advance(60)
    assert log[6:] == ["ACTION", "ACTION", "WATCH", "USER", "POLL"]
    await asyncio.gather(*tasks)


async def test_never_more_at_once_than_allowed_and_the_important_first() -> None:
    clock, log, running, most = ManualClock(), list[str](), 0, 0
    budget = Budget(clock, BudgetOptions(per_minute=6_000, burst=100, concurrency=2))

    async def work(priority: Priority, name: str) -> None:
        nonlocal running, most
        async with budget.turn(priority):
            log.append(name)
            running += 1
            most = max(most, running)
            await clock.sleep(1)
            running -= 1

    first = [asyncio.create_task(work(Priority.POLL, "poll")) for _ in range(4)]
    await settle()
    late = [asyncio.create_task(work(Priority.USER, "user")), asyncio.create_task(work(Priority.WRITE, "write"))]
    await settle()
    await clock.advance(10)
    await asyncio.gather(*first, *late)
    assert log == ["poll", "poll", "write", "user", "poll", "poll"]
    assert most == 2


async def test_a_cancelled_waiter_takes_nothing_and_blocks_nobody() -> None:
    clock, log = ManualClock(), list[str]()
    budget = Budget(clock, BudgetOptions(per_minute=6_000, burst=100, concurrency=1))
    gate = asyncio.Event()

    async def hold() -> None:
        async with budget.turn(Priority.POLL):
            await gate.wait()

    holder = asyncio.create_task(hold())
    await settle()
    waiting = [asyncio.create_task(ask(budget, Priority.USER, log, name)) for name in ("a", "b")]
    await settle()
    waiting[0].cancel()
    holder.cancel()
    await asyncio.gather(waiting[1], return_exceptions=True)
    assert log == ["b"]
    async with budget.turn(Priority.POLL):
        log.append("c")
    assert log == ["b", "c"]


async def test_a_closed_host_is_waited_for_or_told() -> None:
    clock, log = ManualClock(), list[str]()
    budget = Budget(clock, BudgetOptions(patience=30))
    budget.close(20)
    waiting = asyncio.create_task(ask(budget, Priority.USER, log, "user"))
    await ask(budget, Priority.WRITE, log, "write")
    assert log == ["write"]
    await clock.advance(19)
    assert log == ["write"]
    await clock.advance(2)
    assert log == ["write", "user"]
    await waiting
    budget.close(100)
    with pytest.raises(RateLimitedError) as caught:
        await ask(budget, Priority.POLL, log, "poll")
    assert 99 <= caught.value.retry_after <= 100


@pytest.mark.parametrize(
    ("remaining", "limit", "stops"),
    [
        (2_000, 2_000, set()),
        (101, 2_000, set()),
        (100, 2_000, {Priority.POLL}),
        (0, 2_000, set(Priority) - {Priority.WRITE}),
        (9, None, {Priority.POLL}),
        (5, 10, set()),
    ],
)
async def test_what_the_host_has_left_is_heeded(remaining: int, limit: int | None, stops: set[Priority]) -> None:
    clock = ManualClock()
    budget = Budget(clock, BudgetOptions(patience=1))
    budget.observe(limit=limit, remaining=remaining, reset_in=40)
    stopped = set()
    for priority in Priority:
        try:
            await ask(budget, priority, [], "")
        except RateLimitedError:
            stopped.add(priority)
    assert stopped == stops
    await clock.advance(41)
    for priority in Priority:
        await ask(budget, priority, [], "")


async def test_reads_have_the_priority_around_them_in_tasks_too() -> None:
    async def inner() -> Priority:
        return read_priority()

    assert read_priority() is Priority.USER
    with reading_as(Priority.POLL):
        assert read_priority() is Priority.POLL
        assert await asyncio.create_task(inner()) is Priority.POLL
    assert read_priority() is Priority.USER


async def test_the_transport_polls_less_when_the_host_says_little_is_left() -> None:
    headers = {
        "date": http_date(START),
        "ratelimit-limit": "2000",
        "ratelimit-remaining": "50",
        "ratelimit-reset": str(int(START.timestamp()) + 50),
    }
    with ScriptedServer(in_turn(Reply(body=[], headers=headers))) as server:
        async with transport_to(server.url) as transport:
            await transport.get(JOBS)
            with reading_as(Priority.POLL), pytest.raises(RateLimitedError):
                await transport.get(JOBS)
            await transport.get(JOBS)
    assert len(server.seen) == 2


async def test_a_throttled_host_is_left_alone_by_every_read_but_not_by_writes() -> None:
    with ScriptedServer(in_turn(Reply(body=[]))) as server, FaultProxy(server.url) as proxy:
        proxy.play(throttled("100"), count=1)
        async with transport_to(proxy.url) as transport:
            with pytest.raises(RateLimitedError):
                await transport.get(JOBS)
            with pytest.raises(RateLimitedError):
                await transport.get("/api/v4/user")
            await transport.send(ApiCall(Method.POST, "/api/v4/projects/7/issues", {"title": "t"}))
    assert proxy.requests == [f"GET {JOBS}", "POST /api/v4/projects/7/issues"]
