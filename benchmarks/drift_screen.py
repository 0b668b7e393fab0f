"""The view of drift while requests come in: what it sends to a terminal of 120x40, and what it costs."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.company import Console, console, serving
from benchmarks.results import Row, Section, percent
from benchmarks.terminal import Terminal
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus, Value
from mlops_tui.storage.traces import FILE_NAME, TraceStore

SECONDS = 60.0
RATE = 15
WIDTH = 10
FEATURES = ("amount", "card_age_days", "hours_since_last_payment", "country_mismatch", "merchant_category")
_MOST = 2_000.0
_MOST_SLOWLY = 500.0
_NANOSECONDS = 1_000_000_000
_RESOURCE = Resource({"service.name": "fraud-api", "gitlab.project.name": "acme/fraud"})


def measure() -> Section:
    """Mean bytes a second and share of a processor, ours and a peer's, one after the other."""
    with serving() as server, console(server, poll_interval=5) as home:
        _store_profile(home)
        with _serving_requests(home):
            rows = [row for options in ((), ("--low-bandwidth",)) for row in _watched(home, options)]
    return Section(
        "Live drift",
        f"`:drift` on 120x40 within {SECONDS:.0f} s: {len(FEATURES)} features and the score, windows of {WIDTH} s, "
        f"{RATE} requests a second into 48 windows that are full. The peer draws three plots with plotext's own widget "
        "every 15 s and reads nothing.",
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
    lines = [",".join(f"{value:.6f}" for value in _values(draw)) for _ in range(5_000)]
    table.write_text("\n".join([",".join(names), *lines]) + "\n")
    home.run(
        *("drift", "profile", "--input", str(table), "--features", ",".join([*names[:-1], "score:score"])),
        *("--model", "fraud", "--version", "2.0.0", "--store", "--yes", "--confirm", "fraud"),
    )


@contextmanager
def _serving_requests(home: Console) -> Iterator[None]:
    """Fill the windows of the past, then go on with requests until the block ends."""
    data = home.home / ".local" / "share" / "mlops-tui"
    data.mkdir(parents=True, mode=0o700, exist_ok=True)
    ended = threading.Event()
    filled = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(data / FILE_NAME, filled, ended)))
    thread.start()
    filled.wait()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _serve(path: Path, filled: threading.Event, ended: threading.Event) -> None:
    draw = random.Random(2)
    store = TraceStore(path, SystemClock(), width=WIDTH)
    try:
        now = time.time_ns()
        past = 48 * WIDTH * RATE
        await store.append([_request(draw, now - place * _NANOSECONDS // RATE) for place in range(past)])
        filled.set()
        while not ended.is_set():
            await asyncio.sleep(1.0)
            now = time.time_ns()
            await store.append([_request(draw, now - place * _NANOSECONDS // RATE) for place in range(RATE)])
    finally:
        await store.close()


def _request(draw: random.Random, end_ns: int) -> Span:
    *features, score = _values(draw)
    attributes: dict[str, Value] = {
        "ml.model.name": "fraud",
        "ml.model.version": "2.0.0",
        "ml.deployment.track": "stable",
        "ml.prediction.score": score,
        **{f"ml.feature.{name}": value for name, value in zip(FEATURES, features, strict=True)},
    }
    return Span(
        trace_id=f"{draw.getrandbits(128):032x}",
        span_id=f"{draw.getrandbits(64):016x}",
        parent_id="",
        name="predict fraud",
        kind=SpanKind.SERVER,
        start_ns=end_ns - 5_000_000,
        end_ns=end_ns,
        status=SpanStatus.OK,
        status_message="",
        attributes=attributes,
        resource=_RESOURCE,
        scope=Scope("benchmarks"),
    )


def _values(draw: random.Random) -> list[float]:
    return [*(draw.gauss(0, 1) for _ in FEATURES), draw.betavariate(2, 3)]
