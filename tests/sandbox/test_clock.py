"""The manual clock wakes sleepers in order, each at its own time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from mlops_tui.sandbox.clock import Clock, ManualClock, SystemClock, parse_timestamp, timestamp


async def test_sleepers_wake_in_order_and_may_sleep_again() -> None:
    clock = ManualClock()
    clock.bind(asyncio.get_running_loop())
    start = clock.now()
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float, times: int) -> None:
        for _ in range(times):
            await clock.sleep(seconds)
            seen.append((name, (clock.now() - start).total_seconds()))

    tasks = [asyncio.create_task(sleeper("slow", 5, 1)), asyncio.create_task(sleeper("quick", 2, 4))]
    await clock.advance_on_loop(6)

    assert seen == [("quick", 2), ("quick", 4), ("slow", 5), ("quick", 6)]
    assert clock.now() - start == timedelta(seconds=6)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await clock.advance_on_loop(10)
    assert len(seen) == 4


def test_both_clocks_are_clocks() -> None:
    assert isinstance(ManualClock(), Clock)
    assert isinstance(SystemClock(2), Clock)


def test_timestamps_are_read_back_and_sort_as_times_do() -> None:
    moment = ManualClock().now() + timedelta(milliseconds=1)
    assert timestamp(moment) == "2026-06-01T09:00:00.001Z"
    assert parse_timestamp(timestamp(moment)) == moment
    assert parse_timestamp("2026-06-01T11:00:00+02:00") == ManualClock().now()
    assert timestamp(moment) < timestamp(moment + timedelta(days=200))
