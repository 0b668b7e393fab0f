"""Reference profiles of what is not a file on this machine: a run's artifact, or a stretch of traffic."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from mlops_tui.datasets.records import Record, RecordTable
from mlops_tui.domain.artifacts import DownloadProgress
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.errors import InsufficientDataError, UsageError
from mlops_tui.domain.inferences import PREDICTION_COLUMN, Subject, batch_rows, columns_of, subject_of
from mlops_tui.domain.projects import Project
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, TraceQuery
from mlops_tui.domain.traces import Span
from mlops_tui.gitlab.artifacts import download_artifact
from mlops_tui.operations.drift import profile_file
from mlops_tui.operations.drift_traffic import find_subject
from mlops_tui.operations.profiles import Kinds, Profiling, make_profile
from mlops_tui.operations.runs import find_run, run_artifacts
from mlops_tui.operations.session import Session
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.tracing.readers import TraceReader

# So many traces are drawn, the newest ones, where a source of traces cannot hand out all that it has.
SAMPLE = 1_000

_SCORES = ("score", "probability", "confidence")


async def profile_artifact(
    session: Session,
    run_id: str,
    path: str,
    kinds: Kinds | None,
    most_bins: int,
    progress: Callable[[DownloadProgress], None],
) -> Profiling:
    """Profile a table that a run kept; it is on this machine's disk only meanwhile.

    Raises:
        UsageError: the run has no such artifact.
        DataError: it is no table.
    """
    run = await find_run(session, run_id)
    artifacts = {item.path: item for item in await run_artifacts(session, run)}
    if path not in artifacts:
        known = ", ".join(list(artifacts)[:10]) or "none"
        raise UsageError(f"The run has no artifact {path}", why=f"it has {known}", remedy="Name one of those")
    with tempfile.TemporaryDirectory(prefix="mlops-tui-") as folder:
        target = Path(folder) / PurePosixPath(path).name
        await download_artifact(session.transport, run.project, artifacts[path], target, progress)
        return await asyncio.to_thread(profile_file, str(target), kinds, most_bins)


async def profile_traffic(
    session: Session, project: Project, asked: SubjectFilter, times: TimeRange, kinds: Kinds | None, most_bins: int
) -> tuple[Profiling, Subject]:
    """Profile the requests of a version over a range of time, and say whose they are.

    Where the source of traces cannot hand out all of them, the newest ``SAMPLE`` traces are taken.

    Raises:
        InsufficientDataError: there are no requests.
    """
    reader = await session.traces()
    found = await find_subject(reader, project, asked, times)
    subject = found.subject
    if not found.subjects:
        raise InsufficientDataError(
            f"{asked.model} {asked.version or ''} had no requests in that time".replace("  ", " "),
            remedy="Name a longer time, or another version, arm or environment",
        )
    columns = await reader.columns(subject.model, times)
    chosen = kinds or {name: _kind_of(name) for name in columns}
    loop = asyncio.get_running_loop()
    source = _records(reader, subject, times)
    try:
        profiling = await asyncio.to_thread(lambda: _profile(_drained(source, loop), chosen, most_bins))
    finally:
        await source.aclose()
    return profiling, subject


def _profile(batches: Iterator[Sequence[Record]], kinds: Kinds, most_bins: int) -> Profiling:
    return make_profile(RecordTable("the traffic", batches), kinds, most_bins)


def _kind_of(column: str) -> FeatureKind | None:
    """What a column of traffic is as far as its name tells; None where its values decide."""
    if not column.startswith(PREDICTION_COLUMN):
        return None
    return FeatureKind.SCORE if column.endswith(_SCORES) else FeatureKind.PREDICTION


def _drained(source: AsyncIterator[Sequence[Record]], loop: asyncio.AbstractEventLoop) -> Iterator[Sequence[Record]]:
    """What comes asynchronously in ``loop``, for a thread that waits for each piece."""

    async def following() -> Sequence[Record]:
        try:
            return await anext(source)
        except StopAsyncIteration:
            return ()

    while batch := asyncio.run_coroutine_threadsafe(following(), loop).result():
        yield batch


async def _records(reader: TraceReader, subject: Subject, times: TimeRange) -> AsyncGenerator[Sequence[Record], None]:
    async for spans in _spans(reader, subject, times):
        chosen = [
            span for span in spans if times.start_ns <= span.end_ns < times.end_ns and _is_of(subject_of(span), subject)
        ]
        records = [record for span in chosen for record in records_of(span)]
        if records:
            yield records


async def _spans(reader: TraceReader, subject: Subject, times: TimeRange) -> AsyncIterator[Sequence[Span]]:
    if isinstance(reader, EmbeddedTraces):
        number, spans = await reader.spans_after(0)
        while spans:
            yield spans
            number, spans = await reader.spans_after(number)
        return
    only = SubjectFilter(None, subject.project, subject.model, subject.version, subject.arm, subject.environment)
    for summary in await reader.traces(TraceQuery(times, only, limit=SAMPLE)):
        trace = await reader.trace(summary.trace_id)
        if trace is not None:
            yield trace.spans


def records_of(span: Span) -> list[dict[str, object]]:
    """The rows of a span by their columns: one, or one for each of a batch; none where it brings no values."""
    columns = columns_of(span)
    if not columns:
        return []
    rows: list[dict[str, object]] = [{} for _ in range(batch_rows(span, columns))]
    for name, value in columns.items():
        for row, item in zip(rows, value if isinstance(value, tuple) else (value,), strict=False):
            row[name] = item
    return rows


def _is_of(found: Subject, subject: Subject) -> bool:
    return (found.project, found.model, found.version, found.arm, found.environment) == (
        subject.project,
        subject.model,
        subject.version,
        subject.arm,
        subject.environment,
    )
