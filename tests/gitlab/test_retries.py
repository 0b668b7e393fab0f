"""Asking again: when, how long after, and when no more."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    ServerFaultError,
    UnreachableError,
)
from mlops_tui.gitlab.messages import Answer
from mlops_tui.gitlab.retries import Retries, RetryOptions, retry_after
from tests.clocks import START
from tests.faults.proxy import Drop, FaultProxy, limited, throttled
from tests.gitlab.scripted import PassingClock, Reply, ScriptedServer, http_date, in_turn, transport_to

PATH = "/api/v4/projects/7/jobs"


def answer(status: int = 200, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"", url="", what="read")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_fault_passes(status: int) -> None:
    clock = PassingClock()
    with ScriptedServer(in_turn(Reply(status, ""), Reply(status, ""), Reply(body=[1]))) as server:
        async with transport_to(server.url, clock=clock) as transport:
            assert (await transport.get(PATH)).json() == [1]
    assert len(server.seen) == 3
    assert 0.25 <= clock.waits[0] <= 0.5
    assert 0.5 <= clock.waits[1] <= 1.0


async def test_a_resource_lock_passes_and_another_conflict_does_not() -> None:
    lock = Reply(409, {"message": "409 Conflict: Resource lock"})
    with ScriptedServer(in_turn(lock, Reply(body=[]), Reply(409, {"message": "409 Conflict"}))) as server:
        async with transport_to(server.url) as transport:
            await transport.get(PATH)
            with pytest.raises(ConflictError):
                await transport.get(PATH)
    assert len(server.seen) == 3


@pytest.mark.parametrize(("status", "kind"), [(400, InvalidRequestError), (404, NotFoundError)])
async def test_what_cannot_pass_is_asked_once(status: int, kind: type[Exception]) -> None:
    with ScriptedServer(in_turn(Reply(status, {"message": "no"}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(kind):
                await transport.get(PATH)
    assert len(server.seen) == 1


async def test_attempts_are_bounded_and_the_last_error_is_told() -> None:
    clock = PassingClock()
    with ScriptedServer(in_turn(Reply(500, {"message": "500 Internal Server Error"}))) as server:
        async with transport_to(server.url, clock=clock) as transport:
            with pytest.raises(ServerFaultError, match="Internal Server Error"):
                await transport.get(PATH)
    assert len(server.seen) == 4
    assert len(clock.waits) == 3


async def test_broken_connections_are_bounded_too() -> None:
    with ScriptedServer(in_turn(Reply())) as server, FaultProxy(server.url) as proxy:
        proxy.play(Drop())
        async with transport_to(proxy.url) as transport:
            with pytest.raises(UnreachableError):
                await transport.get(PATH)
    assert len(proxy.requests) == 4


@pytest.mark.parametrize("fault", [throttled("7"), limited("7")])
async def test_both_forms_of_429_are_waited_out(fault: object) -> None:
    clock = PassingClock()
    with ScriptedServer(in_turn(Reply(body=[]))) as server, FaultProxy(server.url) as proxy:
        proxy.play(throttled("7") if fault == throttled("7") else limited("7"), count=1)
        async with transport_to(proxy.url, clock=clock) as transport:
            assert (await transport.get(PATH)).status == 200
    assert 7.0 <= sum(clock.waits) <= 7.8


async def test_429_without_a_time_backs_off() -> None:
    clock = PassingClock()
    with ScriptedServer(in_turn(Reply(body=[]))) as server, FaultProxy(server.url) as proxy:
        proxy.play(limited(None), count=1)
        async with transport_to(proxy.url, clock=clock) as transport:
            assert (await transport.get(PATH)).status == 200
    assert 0.25 <= sum(clock.waits) <= 0.5


async def test_a_wait_beyond_the_bound_is_told_instead() -> None:
    clock = PassingClock()
    with ScriptedServer(in_turn(Reply(body=[]))) as server, FaultProxy(server.url) as proxy:
        proxy.play(limited("600"))
        async with transport_to(proxy.url, clock=clock) as transport:
            with pytest.raises(RateLimitedError) as caught:
                await transport.get(PATH)
    assert caught.value.retry_after == 600
    assert clock.waits == []
    assert len(proxy.requests) == 1


async def test_too_many_pipelines_is_a_rate_limit_though_its_status_is_400() -> None:
    body = {"message": {"base": ["Too many pipelines created in the last minute. Try again later."]}}
    with ScriptedServer(in_turn(Reply(400, body))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(RateLimitedError):
                await transport.get(PATH)


async def test_a_date_is_compared_with_the_servers_own_clock() -> None:
    server_time = START + timedelta(days=400)
    headers = {"date": http_date(server_time), "retry-after": http_date(server_time + timedelta(seconds=9))}
    clock = PassingClock()
    with ScriptedServer(in_turn(Reply(503, "", headers), Reply(body=[]))) as server:
        async with transport_to(server.url, clock=clock) as transport:
            await transport.get(PATH)
    assert 9.0 <= sum(clock.waits) <= 9.9


def test_the_end_of_the_limit_stands_in_for_a_missing_time() -> None:
    reset = str(int((START + timedelta(seconds=40)).timestamp()))
    assert retry_after(answer(429, date=http_date(START), ratelimit_reset=reset), datetime.now(UTC)) == 40
    assert retry_after(answer(503, date=http_date(START), ratelimit_reset=reset), START) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_crashes_the_reader_or_waits_for_ever(value: str, date: str) -> None:
    wait = retry_after(answer(429, retry_after=value, date=date, ratelimit_reset=value), START)
    assert wait is None or 0 <= wait <= 3_600


@given(st.integers(min_value=0, max_value=10**15))
def test_seconds_are_taken_as_they_are_up_to_an_hour(seconds: int) -> None:
    wait = retry_after(answer(429, retry_after=str(seconds)), START)
    assert wait == min(seconds, 3_600) if seconds < 10**12 else wait is None


@given(
    st.integers(min_value=0, max_value=4 * 10**9),
    st.integers(min_value=-3_600, max_value=3_600),
)
def test_dates_are_differences(server_time: int, seconds: int) -> None:
    moment = datetime.fromtimestamp(server_time, UTC)
    headers = {"date": http_date(moment), "retry_after": http_date(moment + timedelta(seconds=seconds))}
    assert retry_after(answer(503, **headers), START) == max(0, seconds)


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=1, max_value=9))
async def test_every_wait_is_within_its_bounds(seed: int, attempts: int) -> None:
    clock, chosen = PassingClock(), RetryOptions(attempts=attempts, first=1, cap=4, total=12)

    async def refused() -> Answer:
        return answer(503)

    last = await Retries(clock, chosen, random.Random(seed)).run(refused)
    assert last.status == 503
    assert sum(clock.waits) <= chosen.total
    assert len(clock.waits) < attempts
    for number, wait in enumerate(clock.waits):
        assert 0.5 * min(4, 2**number) <= wait <= min(4, 2**number)
