"""A screen on which nothing changes: what it sends to the terminal and what it costs meanwhile."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass

from benchmarks.company import console, environment, serving
from benchmarks.results import Row, Section, percent, spread
from benchmarks.startup import HELLO, ROWS
from benchmarks.terminal import Terminal, visible

WINDOWS = 6
SECONDS = 12.0
_MOST_OVER = 0.003
# The line above a pane, which says how old its data are.
_STAMPED = re.compile(r"(?:─ [^─]*─+ as of \d\d:\d\d ─\s*)+")


@dataclass(frozen=True, slots=True)
class _Window:
    """What was seen in one stretch of time: what ours wrote, and the processor share of both."""

    written: bytes
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
        windows = [_window(ours, hello) for _ in range(WINDOWS)]
    return Section(
        "Standing still",
        f"The overview of the demo world, polled every 10 s while nothing changes there, in {WINDOWS} windows of "
        f"{SECONDS:.0f} s, the hello-world running beside it. Each pane says once a minute how old its data are "
        "(`as of 14:02`); these lines are counted apart.",
        _rows(windows),
    )


def _window(ours: Terminal, hello: Terminal) -> _Window:
    start = len(ours.output)
    before = (ours.cpu_seconds(), hello.cpu_seconds())
    ours.watch(SECONDS)
    after = (ours.cpu_seconds(), hello.cpu_seconds())
    written = bytes(ours.output[start:])
    return _Window(written, (after[0] - before[0]) / SECONDS, (after[1] - before[1]) / SECONDS)


def _rows(windows: list[_Window]) -> tuple[Row, ...]:
    stamps = sum(len(window.written) for window in windows if _STAMPED.fullmatch(visible(window.written)))
    other = sum(len(window.written) for window in windows) - stamps
    minutes = WINDOWS * SECONDS / 60
    over = [window.ours - window.theirs for window in windows]
    return (
        Row("bytes to the terminal", f"{other}", "", "", "0", other == 0),
        Row("bytes of the stamps, a minute", f"{stamps / minutes:,.0f}", "", "", "", None),
        Row(
            "share of one processor",
            spread([window.ours for window in windows], percent),
            f"hello: {spread([window.theirs for window in windows], percent)}",
            f"{spread(over, percent)} more",
            "at most 0.3 % more",
            statistics.median(over) <= _MOST_OVER,
        ),
    )
