"""Screens on which something happens: what they send to a terminal of 120x40."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.company import Console, console, serving
from benchmarks.results import Row, Section
from benchmarks.terminal import Terminal

SECONDS = 40.0
_MOST = 2_000.0
_MOST_SLOWLY = 500.0
_STEP_SECONDS = 2.0
_FIRST = "demand-studies"


def measure() -> Section:
    """Mean bytes a second of a running training and of a deployment that is followed."""
    with serving() as server, console(server, poll_interval=5) as fast, console(server, poll_interval=5) as slow:
        with ThreadPoolExecutor(2) as pool:
            usual = pool.submit(_watched, fast, (), ("enter",), _MOST)
            slowly = pool.submit(_watched, slow, ("--low-bandwidth",), ("down", "enter"), _MOST_SLOWLY)
        rows = [row for pair in zip(usual.result(), slowly.result(), strict=True) for row in pair]
    return Section(
        "Live screens",
        f"Bytes to a terminal of 120x40 within {SECONDS:.0f} s, polled every 5 s: the table of runs and the plot of "
        "one while its training is running, and the page that follows a deployment from its start.",
        tuple(rows),
    )


def _watched(home: Console, options: Sequence[str], choice: Sequence[str], most: float) -> tuple[Row, Row]:
    """Both screens with these options; ``choice`` are the keys that open a model of its own."""
    return _runs(home, options, most), _promotion(home, options, choice, most)


def _runs(home: Console, options: Sequence[str], most: float) -> Row:
    with home.open(*options) as terminal:
        terminal.settle(quiet=2.0)
        terminal.press("2")
        terminal.wait_for(_FIRST)
        terminal.settle(quiet=2.0)
        table = terminal.watch(SECONDS / 2)
        terminal.press("m")
        terminal.settle(quiet=1.0)
        plot = terminal.watch(SECONDS / 2)
    return _row(f"runs, then a plot, training under way{_said(options)}", table + plot, most)


def _promotion(home: Console, options: Sequence[str], choice: Sequence[str], most: float) -> Row:
    with home.open(*options) as terminal:
        terminal.settle(quiet=2.0)
        _follow(terminal, choice)
        sent = terminal.watch(SECONDS)
    return _row(f"following a deployment{_said(options)}", sent, most)


def _follow(terminal: Terminal, choice: Sequence[str]) -> None:
    """Promote the first version of a model to staging, and stay on the page that follows it."""
    steps = (
        (("3",), "LATEST"),
        (choice, "Live when"),
        (("P",), "Promote which"),
        (("1.0.0", "enter"), "which environment"),
        (("staging", "enter"), "before"),
        (("tab", "enter"), "goes to staging"),
    )
    for keys, shown in steps:
        start = len(terminal.output)
        for key in keys:
            terminal.type(key)
            terminal.watch(_STEP_SECONDS)
        terminal.wait_for(shown, start=start)


def _said(options: Sequence[str]) -> str:
    return f", `{' '.join(options)}`" if options else ""


def _row(what: str, sent: int, most: float) -> Row:
    rate = sent / SECONDS
    return Row(what, f"{rate:,.0f} B/s", "", "", f"at most {most:,.0f} B/s", rate <= most)
