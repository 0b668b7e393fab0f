"""Requests that a model serves, written as spans into the store of a console while something is measured."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.company import Console
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus, Value
from mlops_tui.storage.traces import FILE_NAME, TraceStore

RATE = 15
WIDTH = 10
FEATURES = ("amount", "card_age_days", "hours_since_last_payment", "country_mismatch", "merchant_category")
STABLE: Mapping[str, float] = {"2.0.0": 1.0}
_NANOSECONDS = 1_000_000_000
_RESOURCE = Resource({"service.name": "fraud-api", "gitlab.project.name": "acme/fraud"})


@contextmanager
def serving_requests(home: Console, windows: int, shares: Mapping[str, float] = STABLE) -> Iterator[None]:
    """Fill ``windows`` of the past, then go on with ``RATE`` requests a second until the block ends.

    ``shares`` is the share of the traffic by version; the first version is the stable one, others are canaries.
    """
    data = home.home / ".local" / "share" / "mlops-tui"
    data.mkdir(parents=True, mode=0o700, exist_ok=True)
    ended = threading.Event()
    filled = threading.Event()
    serving = _serve(data / FILE_NAME, windows, shares, filled, ended)
    thread = threading.Thread(target=lambda: asyncio.run(serving))
    thread.start()
    filled.wait()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def served_values(draw: random.Random) -> list[float]:
    """One value for each of ``FEATURES``, and the score."""
    return [*(draw.gauss(0, 1) for _ in FEATURES), draw.betavariate(2, 3)]


async def _serve(
    path: Path, windows: int, shares: Mapping[str, float], filled: threading.Event, ended: threading.Event
) -> None:
    draw = random.Random(2)
    store = TraceStore(path, SystemClock(), width=WIDTH)
    try:
        now = time.time_ns()
        past = windows * WIDTH * RATE
        await store.append([_request(draw, shares, now - place * _NANOSECONDS // RATE) for place in range(past)])
        filled.set()
        while not ended.is_set():
            await asyncio.sleep(1.0)
            now = time.time_ns()
            await store.append([_request(draw, shares, now - place * _NANOSECONDS // RATE) for place in range(RATE)])
    finally:
        await store.close()


def _request(draw: random.Random, shares: Mapping[str, float], end_ns: int) -> Span:
    *features, score = served_values(draw)
    (version,) = draw.choices(list(shares), list(shares.values()))
    attributes: dict[str, Value] = {
        "ml.model.name": "fraud",
        "ml.model.version": version,
        "ml.deployment.track": "stable" if version == next(iter(shares)) else "canary",
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
