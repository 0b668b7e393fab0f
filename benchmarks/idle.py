"""A screen on which nothing changes: what it sends to the terminal and what it costs meanwhile."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from benchmarks.company import console, environment, serving
from benchmarks.results import Row, Section, percent, spread
from benchmarks.startup import HELLO, ROWS
from benchmarks.terminal import Terminal

MINUTES = 2
WINDOWS = 5
_MOST_OVER = 0.003
# The stamps `as of 14:02` are drawn anew within these seconds of a minute.
_STAMPS = 20.0


@dataclass(frozen=True, slots=True)
class _Window:
    """What was seen in one stretch of time: bytes of ours, and the processor share of both."""

    sent: int
    ours: float
    theirs: float


def measure() -> Section:
    """Bytes and processor time of both programs, side by side in the same windows."""
    with (
        serving() as server,
        console(server, ("acme/fraud",)) as home,
        home.open() as ours,
        Terminal(HELLO, environment(home.home)) as hello,
    ):
        ours.wait_for(ROWS)
        ours.settle(quiet=3.0)
        hello.settle(quiet=1.0)
        ours.watch(60 - time.time() % 60)
        stamps: list[int] = []
        windows: list[_Window] = []
        for _ in range(MINUTES):
            stamps.append(ours.watch(_STAMPS))
            windows += _windows(ours, hello)
    return Section(
        "Standing still",
        f"The overview of the demo world, polled every 10 s while nothing changes there, during {MINUTES} minutes, the "
        f"hello-world running beside it. The first {_STAMPS:.0f} s of each minute, in which the stamps `as of 14:02` "
        "change, are counted apart.",
        _rows(windows, stamps),
    )


def _windows(ours: Terminal, hello: Terminal) -> list[_Window]:
    """The rest of a minute, in parts, less a second that is left to be early in."""
    seconds = (60 - time.time() % 60 - 1) / WINDOWS
    return [_window(ours, hello, seconds) for _ in range(WINDOWS)]


def _window(ours: Terminal, hello: Terminal, seconds: float) -> _Window:
    before = (ours.cpu_seconds(), hello.cpu_seconds())
    sent = ours.watch(seconds)
    after = (ours.cpu_seconds(), hello.cpu_seconds())
    return _Window(sent, (after[0] - before[0]) / seconds, (after[1] - before[1]) / seconds)


def _rows(windows: list[_Window], stamps: list[int]) -> tuple[Row, ...]:
    sent = sum(window.sent for window in windows)
    over = [window.ours - window.theirs for window in windows]
    return (
        Row("bytes while nothing changes", f"{sent}", "", "", "0", sent == 0),
        Row("bytes for the stamps, a minute", spread(stamps, lambda count: f"{count:,.0f}"), "", "", "", None),
        Row(
            "share of one processor",
            spread([window.ours for window in windows], percent),
            f"hello: {spread([window.theirs for window in windows], percent)}",
            f"{spread(over, percent)} more",
            "at most 0.3 % more",
            statistics.median(over) <= _MOST_OVER,
        ),
    )
