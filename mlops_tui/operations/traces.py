"""What can be done with inference traces: collect them, ask about them, carry them in files from store to store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from starlette.applications import Starlette

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.inferences import subject_of
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange
from mlops_tui.domain.traces import Appended
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.storage.trace_retention import Retention
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from mlops_tui.tracing.admission import Limits
from mlops_tui.tracing.attributes import AttributeRules
from mlops_tui.tracing.files import FileFormat, read_spans, write_spans
from mlops_tui.tracing.findings import Findings
from mlops_tui.tracing.intake import Intake


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """How traces are collected.

    ``data`` is the folder of the store. ``width`` is that of windows in seconds, None for the one they had or five
    minutes. ``attributes`` are names kept beside the usual ones, ``features`` the only features kept (None: all).
    ``token`` is what senders have to show, None for none. Without ``counts_at_end`` it ends sooner, and what no window
    counts yet is left to the next collector, or to whoever reads.
    """

    data: Path
    width: int | None = None
    retention: Retention = field(default_factory=Retention)
    attributes: tuple[str, ...] = ()
    features: tuple[str, ...] | None = None
    limits: Limits = field(default_factory=Limits)
    token: str | None = field(default=None, repr=False)
    counts_at_end: bool = True


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the spans of a file; ``message`` says what was refused or dropped and why."""

    appended: Appended
    rejected: int
    message: str


@dataclass(frozen=True, slots=True)
class Collector:
    """An open store with the application that fills it."""

    store: TraceStore
    application: Starlette


@asynccontextmanager
async def collecting(settings: CollectorSettings, clock: Clock) -> AsyncIterator[Collector]:
    """Keep a store open and tended for as long as the block lasts; the application is to be served inside it.

    Raises:
        StorageError: The store cannot be used.
    """
    path = settings.data / FILE_NAME
    store = TraceStore(path, clock, width=settings.width, retention=settings.retention)
    rules = AttributeRules(settings.attributes, settings.features)
    intake = Intake(store, clock, rules=rules, limits=settings.limits, token=settings.token)
    tending = asyncio.create_task(store.tend())
    try:
        yield Collector(store, intake.application())
    finally:
        tending.cancel()
        with suppress(asyncio.CancelledError):
            await tending
        await store.close(counts=settings.counts_at_end)


async def export_spans(
    reader: EmbeddedTraces, file: IO[bytes], file_format: FileFormat, times: TimeRange, subjects: SubjectFilter
) -> int:
    """Write the spans of a range of time, in the order of their arrival; answers how many."""
    total = number = 0
    while True:
        number, spans = await reader.spans_after(number)
        if not spans:
            return total
        chosen = [
            span for span in spans if times.start_ns <= span.end_ns < times.end_ns and subjects.admits(subject_of(span))
        ]
        if chosen:
            write_spans(file, chosen, file_format)
            total += len(chosen)


async def import_spans(path: Path, settings: CollectorSettings, clock: Clock) -> Imported:
    """Store the spans of a file, each once however often it is imported.

    Raises:
        UsageError: The file holds something else; what came before it was stored.
        StorageError: The store cannot be used.
    """
    findings = Findings()
    total = Appended(0)
    store = TraceStore(settings.data / FILE_NAME, clock, width=settings.width, retention=settings.retention)
    try:
        for spans in read_spans(path, AttributeRules(settings.attributes, settings.features), findings):
            total += await store.append(spans)
    finally:
        await store.close()
    return Imported(total, findings.rejected + total.late, findings.message())
