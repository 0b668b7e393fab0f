"""Questions about windows of many spans, beside the same windows of few."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.results import Row, Section, alternate, megabytes, milliseconds, paired_row
from mlops_tui.analysis.window_slices import SliceCounter
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.inferences import TRACK, Subject, subject_of
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, TraceQuery, WindowQuery
from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus, Value
from mlops_tui.domain.window_slices import WindowSlice
from mlops_tui.storage.database import Database, Durability
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.storage.trace_schema import SCHEMA
from mlops_tui.storage.trace_windows import add_slices
from mlops_tui.storage.traces import FILE_NAME, TraceStore

SPANS = 10_000_000
FEW = 10
PAIRS = 7
WINDOWS = 288
WIDTH = 300
DIFFERENT = 8
FEATURES = 14
RAW = 20_000
_NANOSECONDS = 1_000_000_000
_FLAT = 1.5
_RESOURCE = Resource(
    {"service.name": "fraud-api", "gitlab.project.id": "7", "deployment.environment.name": "production"}
)
_SCOPE = Scope("benchmark", "1")

Question = Callable[[EmbeddedTraces], Awaitable[object]]


def measure(spans: int = SPANS) -> Section:
    """Seconds for the questions of screens and of drift, over a day of ``spans`` and over a day of one in ten."""
    end = int(time.time()) // WIDTH * WIDTH
    peer = f"{spans // FEW:,} spans"
    with _store(spans, end) as many, _store(spans // FEW, end) as few:
        counted = _total(many)
        rows = [
            paired_row(
                title, alternate(_asked(many, question), _asked(few, question), PAIRS), milliseconds, peer, _FLAT
            )
            for title, question in _questions(end)
        ]
        listed = _asked(many, _newest)()
        size = sum(path.stat().st_size for path in many.glob("traces.db*"))
    return Section(
        "Windows of many spans",
        f"A store after a day of {spans:,} inferences with {FEATURES} features on two arms: {WINDOWS} windows of "
        f"{WIDTH // 60} minutes. Every span of {DIFFERENT} windows was made and counted by the store's own counter, "
        "and these windows were repeated over the day; of the spans themselves the newest "
        f"{RAW:,} are there, as after the others were removed. The peer is the same store after a tenth of the "
        "spans: what windows are asked must not depend on how many spans were counted into them.",
        (
            Row("spans counted", f"{counted:,}", f"made: {spans:,}", "", "all", counted == spans),
            *rows,
            Row("the newest 200 traces", milliseconds(listed), "", "", "", None),
            Row("size of the store", megabytes(size), "", "", "", None),
        ),
    )


def _questions(end: int) -> list[tuple[str, Question]]:
    hour, day = (TimeRange((end - seconds) * _NANOSECONDS) for seconds in (3_600, 86_400))
    return [
        ("traffic of the last hour, by arm", lambda reader: reader.traffic(WindowQuery("", hour))),
        ("traffic of the day, by arm", lambda reader: reader.traffic(WindowQuery("", day))),
        ("one feature over the day", lambda reader: reader.windows(WindowQuery("fraud", day, columns=("f00",)))),
        ("every feature over the day", lambda reader: reader.windows(WindowQuery("fraud", day))),
        ("latency quantiles of the day", lambda reader: reader.statistics(_before(day, end), SubjectFilter())),
    ]


def _before(times: TimeRange, end: int) -> TimeRange:
    """Without the window whose spans are still there, so that windows are asked in both stores."""
    return TimeRange(times.start_ns, (end - WIDTH) * _NANOSECONDS)


def _newest(reader: EmbeddedTraces) -> Awaitable[object]:
    return reader.traces(TraceQuery(limit=200))


def _asked(folder: Path, question: Question) -> Callable[[], float]:
    def seconds() -> float:
        reader = EmbeddedTraces(folder / FILE_NAME)
        try:
            asyncio.run(_await(question(reader)))
            times = []
            for _ in range(3):
                start = time.perf_counter()
                asyncio.run(_await(question(reader)))
                times.append(time.perf_counter() - start)
            return min(times)
        finally:
            reader.close()

    return seconds


async def _await(question: Awaitable[object]) -> object:
    return await question


def _total(folder: Path) -> int:
    reader = EmbeddedTraces(folder / FILE_NAME)
    try:
        return sum(window.traffic.spans for window in asyncio.run(reader.traffic(WindowQuery(""))))
    finally:
        reader.close()


@contextmanager
def _store(spans: int, end: int) -> Iterator[Path]:
    """A store whose day ended at ``end`` (seconds since the epoch) after so many spans."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        per_window, more = divmod(spans, WINDOWS)
        raw = min(RAW, per_window)
        asyncio.run(_append(folder, raw, end))
        database = Database(folder / FILE_NAME, SCHEMA, Durability.FULL)
        made = [_counted(per_window, end, seed) for seed in range(DIFFERENT)]
        for number in range(WINDOWS - 1):
            slices = _counted(per_window + more, end, DIFFERENT) if not number else made[number % DIFFERENT]
            moved = [_moved(part, number - WINDOWS + 1) for part in slices]
            database.write_sync(partial(add_slices, slices=moved))
        if per_window > raw:
            rest = _counted(per_window - raw, end, DIFFERENT + 1)
            database.write_sync(partial(add_slices, slices=rest))
        database.close()
        yield folder


async def _append(folder: Path, spans: int, end: int) -> None:
    store = TraceStore(folder / FILE_NAME, SystemClock(), width=WIDTH)
    made = list(_made(spans, end, 0))
    for start in range(0, len(made), 5_000):
        await store.append(made[start : start + 5_000])
    while await store.fold():
        pass
    await store.close()


def _counted(spans: int, end: int, seed: int) -> tuple[WindowSlice, ...]:
    counter = SliceCounter(WIDTH, None)
    known: dict[Value, Subject] = {}
    made = list(_made(spans, end, seed))
    for span in made:
        known.setdefault(span.attributes[TRACK], subject_of(span))
    counter.add((known[span.attributes[TRACK]], span) for span in made)
    return counter.slices()


def _made(spans: int, end: int, seed: int) -> Iterator[Span]:
    """Inferences that ended in the window before ``end``."""
    chance = random.Random(seed)
    for number in range(spans):
        ended = (end - WIDTH) * _NANOSECONDS + int(chance.random() * WIDTH * _NANOSECONDS)
        took = int(chance.lognormvariate(3, 0.5) * 1_000_000)
        attributes: dict[str, Value] = {
            "ml.model.name": "fraud",
            "ml.model.version": "1.2.0",
            "ml.deployment.track": "canary" if number % 10 == 0 else "stable",
            "ml.prediction.score": chance.random(),
        }
        for feature in range(FEATURES):
            attributes[f"ml.feature.f{feature:02}"] = chance.random()
        status = SpanStatus.ERROR if number % 100 == 0 else SpanStatus.UNSET
        trace = f"{seed:016x}{number:016x}"
        yield Span(
            trace, trace[16:], "", "predict fraud", SpanKind.SERVER, ended - took, ended, status, "", attributes,
            _RESOURCE, _SCOPE,
        )  # fmt: skip


def _moved(part: WindowSlice, windows: int) -> WindowSlice:
    """The same slice so many windows later."""
    seconds = windows * WIDTH
    traffic = replace(
        part.traffic,
        first_ns=part.traffic.first_ns + seconds * _NANOSECONDS,
        last_ns=part.traffic.last_ns + seconds * _NANOSECONDS,
    )
    return replace(part, key=replace(part.key, start=part.key.start + seconds), traffic=traffic)
