"""The page of a rollout while its canary serves: what it sends to a terminal of 120x40, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.company import Console, console, serving
from benchmarks.inference import RATE, serving_requests
from benchmarks.results import Row, Section, percent

SECONDS = 60.0
SHARES = {"2.0.0": 0.9, "2.1.0": 0.1}
_MOST = 2_000.0
_MOST_SLOWLY = 500.0
_WINDOWS = 2


def measure() -> Section:
    """Mean bytes a second and share of a processor."""
    with serving() as server, console(server, ("acme/fraud",), poll_interval=5) as home:
        home.run("rollouts", "start", "fraud", "2.1.0", "--to", "production", "--yes", "--confirm", "fraud")
        with serving_requests(home, _WINDOWS, SHARES):
            rows = [row for options in ((), ("--low-bandwidth",)) for row in _watched(home, options)]
    return Section(
        "A live rollout",
        f"The page of a rollout on 120x40 within {SECONDS:.0f} s, polled every 5 s, {RATE} requests a second to two "
        "versions: its tree, weight and metrics over time, intervals against the margins, and events.",
        tuple(rows),
    )


def _watched(home: Console, options: Sequence[str]) -> tuple[Row, Row]:
    said = f", `{' '.join(options)}`" if options else ""
    with home.open(*options) as terminal:
        terminal.settle(quiet=2.0)
        terminal.press("6")
        terminal.wait_for("2.1.0")
        terminal.press("enter")
        terminal.wait_for("Over time", timeout=60.0)
        terminal.settle(quiet=5.0, timeout=30.0)
        before = terminal.cpu_seconds()
        rate = terminal.watch(SECONDS) / SECONDS
        share = (terminal.cpu_seconds() - before) / SECONDS
    most = _MOST_SLOWLY if options else _MOST
    return (
        Row(f"bytes{said}", f"{rate:,.0f} B/s", "", "", f"at most {most:,.0f} B/s", rate <= most),
        Row(f"processor{said}", percent(share), "", "", "", None),
    )
