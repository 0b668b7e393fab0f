"""The view of drift while requests come in: what it sends to a terminal of 120x40, and what it costs."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence

from benchmarks.company import Console, console, serving
from benchmarks.inference import FEATURES, RATE, WIDTH, served_values, serving_requests
from benchmarks.results import Row, Section, percent
from benchmarks.terminal import Terminal

SECONDS = 60.0
WINDOWS = 48
_MOST = 2_000.0
_MOST_SLOWLY = 500.0


def measure() -> Section:
    """Mean bytes a second and share of a processor, ours and a peer's, one after the other."""
    with serving() as server, console(server, poll_interval=5) as home:
        _store_profile(home)
        with serving_requests(home, WINDOWS):
            rows = [row for options in ((), ("--low-bandwidth",)) for row in _watched(home, options)]
    return Section(
        "Live drift",
        f"`:drift` on 120x40 within {SECONDS:.0f} s: {len(FEATURES)} features and the score, windows of {WIDTH} s, "
        f"{RATE} requests a second into {WINDOWS} windows that are full. The peer draws three plots with plotext's own "
        "widget every 15 s and reads nothing.",
        tuple(rows),
    )


def _watched(home: Console, options: Sequence[str]) -> tuple[Row, Row]:
    said = f", `{' '.join(options)}`" if options else ""
    with home.open(*options) as terminal:
        terminal.settle(quiet=2.0)
        terminal.press("7")
        terminal.wait_for("against the profile", timeout=120.0)
        terminal.settle(quiet=5.0, timeout=60.0)
        rate, share = _watch(terminal)
    peer_rate, peer_share = _peer(home)
    most = _MOST_SLOWLY if options else _MOST
    ratio = f"{rate / peer_rate:.2f}" if peer_rate else ""
    return (
        Row(
            f"bytes{said}",
            f"{rate:,.0f} B/s",
            f"{peer_rate:,.0f} B/s",
            ratio,
            f"at most {most:,.0f} B/s",
            rate <= most,
        ),
        Row(f"processor{said}", percent(share), percent(peer_share), "", "", None),
    )


def _peer(home: Console) -> tuple[float, float]:
    with Terminal((sys.executable, "-m", "benchmarks.plots"), home.environment, (120, 40)) as terminal:
        terminal.settle(quiet=2.0)
        return _watch(terminal)


def _watch(terminal: Terminal) -> tuple[float, float]:
    """Bytes a second, and the share of one processor."""
    before = terminal.cpu_seconds()
    sent = terminal.watch(SECONDS)
    return sent / SECONDS, (terminal.cpu_seconds() - before) / SECONDS


def _store_profile(home: Console) -> None:
    table = home.home / "train.csv"
    draw = random.Random(1)
    names = [*FEATURES, "score"]
    lines = [",".join(f"{value:.6f}" for value in served_values(draw)) for _ in range(5_000)]
    table.write_text("\n".join([",".join(names), *lines]) + "\n")
    home.run(
        *("drift", "profile", "--input", str(table), "--features", ",".join([*names[:-1], "score:score"])),
        *("--model", "fraud", "--version", "2.0.0", "--store", "--yes", "--confirm", "fraud"),
    )
