"""How the views of traces look: two sizes, in colour, on a light ground, in the terminal's own, and without colour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from mlops_tui.screens.trace import TraceView
from tests.operations.company import Company
from tests.screens.console import Console, console, until
from tests.screens.traced_company import observed, seen, unobserved

__all__ = ["observed", "seen", "unobserved"]

SMALL, LARGE = (80, 24), (120, 40)
FAILED = f"{180:032x}"
LABELLED = f"{179:032x}"
TRUECOLOR = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}

Before = Callable[[Pilot[Any]], Awaitable[None]]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: Console, *, terminal_size: tuple[int, int], run_before: Before) -> bool: ...


def console_of(pilot: Pilot[Any]) -> Console:
    assert isinstance(pilot.app, Console)
    return pilot.app


async def at_rest(pilot: Pilot[Any]) -> None:
    app = console_of(pilot)
    await until(pilot, lambda: "loading" not in app.texts().lower())
    await app.workers.wait_for_complete()
    await pilot.pause()


async def traffic_shown(pilot: Pilot[Any]) -> None:
    app = console_of(pilot)
    await until(pilot, lambda: app.rows("traces-table") and app.rows("traffic-table"))
    await at_rest(pilot)


def trace_shown(trace_id: str, *keys: str) -> Before:
    async def before(pilot: Pilot[Any]) -> None:
        app = console_of(pilot)
        await traffic_shown(pilot)
        app.push_screen(TraceView(trace_id))
        await until(pilot, lambda: app.rows("waterfall-table"))
        await pilot.press(*keys)
        await at_rest(pilot)

    return before


sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])


@sizes
def test_traffic_and_traces(snap_compare: Compare, observed: Company, size: tuple[int, int]) -> None:
    app = console(observed, "traces", environ=TRUECOLOR)
    assert snap_compare(app, terminal_size=size, run_before=traffic_shown)


@sizes
def test_a_request_that_failed(snap_compare: Compare, observed: Company, size: tuple[int, int]) -> None:
    app = console(observed, "traces", environ=TRUECOLOR)
    assert snap_compare(app, terminal_size=size, run_before=trace_shown(FAILED, "e"))


@pytest.mark.parametrize("theme", ["light", "ansi"])
def test_an_inference_with_its_label(snap_compare: Compare, observed: Company, theme: str) -> None:
    app = console(observed, "traces", environ=TRUECOLOR, theme=theme)
    assert snap_compare(app, terminal_size=LARGE, run_before=trace_shown(LABELLED, "down", "down"))


def test_a_trace_without_colour(snap_compare: Compare, observed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = console(observed, "traces", environ=TRUECOLOR | {"NO_COLOR": "1"})
    assert snap_compare(app, terminal_size=SMALL, run_before=trace_shown(FAILED))


def test_nothing_was_sent_yet(snap_compare: Compare, unobserved: Company) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: "OTEL_EXPORTER" in console_of(pilot).texts())
        await at_rest(pilot)

    assert snap_compare(console(unobserved, "traces", environ=TRUECOLOR), terminal_size=SMALL, run_before=before)
