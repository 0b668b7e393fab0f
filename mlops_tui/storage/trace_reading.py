"""Reading a store of traces, also while another process writes it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from mlops_tui.analysis.traffic import MOST_EXACT, bucketed_statistics, services_of, window_rows
from mlops_tui.analysis.window_slices import SliceCounter
from mlops_tui.domain.errors import InsufficientDataError
from mlops_tui.domain.profiles import Bins
from mlops_tui.domain.trace_queries import (
    ArmStatistics,
    LabelledPrediction,
    ReaderCapabilities,
    ServiceSummary,
    SubjectFilter,
    TimeRange,
    TraceQuery,
    TraceSummary,
    WindowAnswer,
    WindowQuery,
    WindowTraffic,
)
from mlops_tui.domain.traces import Span, Trace
from mlops_tui.domain.window_slices import WindowSlice
from mlops_tui.domain.windows import WindowRow
from mlops_tui.storage import trace_queries
from mlops_tui.storage.errors import NewerFileError
from mlops_tui.storage.readers import Readers
from mlops_tui.storage.trace_folds import STEP, Fold, FoldProgress, all_folds, all_progress, base_fold, uncounted
from mlops_tui.storage.trace_retention import anything_pruned
from mlops_tui.storage.trace_rows import SpanLoader
from mlops_tui.storage.trace_schema import SCHEMA
from mlops_tui.storage.trace_windows import merged, read_slices
from mlops_tui.storage.trace_writes import newest_number

# A way of counting that is further behind is not waited for where the spans of the range can be counted by themselves.
FAR_BEHIND = 20_000
_EXPORT_STEP = 1_000

T = TypeVar("T")


class EmbeddedTraces:
    """The traces in the database at ``path``, which another process may be writing.

    Windows are complete: spans that no window counts yet are counted while reading.
    """

    name = "embedded"
    capabilities = ReaderCapabilities(push_down=True, paging=True, attribute_discovery=True)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._readers = Readers(path)

    @property
    def path(self) -> Path:
        """The database."""
        return self._path

    def close(self) -> None:
        """Close the connections."""
        self._readers.close()

    async def services(self, times: TimeRange) -> tuple[ServiceSummary, ...]:
        """The services whose spans ended in windows that overlap a range of time."""
        return await self._read(lambda connection: services_of(_slices(connection, times)))

    async def traces(self, query: TraceQuery) -> tuple[TraceSummary, ...]:
        """The traces with a span that meets the conditions, the newest first."""
        return tuple(await self._read(lambda connection: trace_queries.list_traces(connection, query)))

    async def trace(self, trace_id: str) -> Trace | None:
        """The trace of that id (32 hexadecimal digits), None when it has no span here."""
        return await self._read(lambda connection: SpanLoader(connection).trace(trace_id))

    async def statistics(self, times: TimeRange, subjects: SubjectFilter) -> tuple[ArmStatistics, ...]:
        """The traffic of each model version on each arm.

        Latency quantiles are exact where all spans of the range are still there and not too many. Otherwise they come
        from the buckets of windows: at most 2.2 % off, and for whole windows.
        """

        def query(connection: sqlite3.Connection) -> tuple[ArmStatistics, ...]:
            slices = [part for part in _slices(connection, times, ()) if subjects.admits(part.key.subject)]
            too_many = sum(part.traffic.spans for part in slices) > MOST_EXACT
            if too_many or anything_pruned(connection, times):
                return bucketed_statistics(slices)
            return trace_queries.exact_statistics(connection, times, subjects)

        return await self._read(query)

    async def windows(self, query: WindowQuery) -> WindowAnswer:
        """The columns of a model window by window, oldest first.

        What no window counts by the profile asked for is counted from the spans that are there, if the query brings it.

        Raises:
            InsufficientDataError: Nothing is counted by the profile asked for, and the query does not bring it.
        """
        return WindowAnswer(await self._read(lambda connection: tuple(_rows(connection, query))))

    async def columns(self, model: str, times: TimeRange) -> tuple[str, ...]:
        """The names of a model's features and predictions."""
        slices = [part for part in await self.slices(times) if part.key.subject.model == model]
        return tuple(sorted({name for part in slices for name in part.columns}))

    async def slices(self, times: TimeRange) -> tuple[WindowSlice, ...]:
        """Traffic and columns of every subject in windows that overlap a range of time, oldest first."""
        return await self._read(lambda connection: tuple(_slices(connection, times)))

    async def traffic(self, query: WindowQuery) -> tuple[WindowTraffic, ...]:
        """Spans, errors and latencies in the windows that overlap a range of time, oldest first."""

        def read(connection: sqlite3.Connection) -> tuple[WindowTraffic, ...]:
            fold = base_fold(all_folds(connection), query.width)
            found = _complete(connection, fold, query.times, query.admitted, columns=())
            return tuple(map(WindowTraffic.of, found))

        return await self._read(read)

    async def labelled(self, query: WindowQuery) -> tuple[LabelledPrediction, ...]:
        """The predictions made in a range of time of which the truth is known by now."""
        return await self._read(
            lambda connection: tuple(trace_queries.labelled_predictions(connection, query.times, query.admitted))
        )

    async def progress(self) -> tuple[FoldProgress, ...]:
        """How far each way of counting has come."""

        def query(connection: sqlite3.Connection) -> tuple[FoldProgress, ...]:
            return all_progress(connection, newest_number(connection))

        return await self._read(query)

    async def spans_after(self, number: int) -> tuple[int, tuple[Span, ...]]:
        """The next spans in the order of their arrival, and the number to go on from; no spans at the end."""
        stored = await self._read(lambda connection: SpanLoader(connection).after(number, _EXPORT_STEP))
        return (stored[-1].number if stored else number), tuple(item.span for item in stored)

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        def checked(connection: sqlite3.Connection) -> T:
            self._refuse_other_schema(connection)
            return query(connection)

        return await asyncio.to_thread(self._readers.run, checked)

    def _refuse_other_schema(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA.version:
            raise NewerFileError(
                f"{self._path} is of another version of mlops-tui",
                path=self._path,
                why=f"its schema is {version} and this version knows {SCHEMA.version}",
                remedy="Start the collector of this version once, or update mlops-tui",
            )


def _slices(
    connection: sqlite3.Connection, times: TimeRange, columns: Collection[str] | None = None
) -> list[WindowSlice]:
    """What is counted without a profile, together with what is not counted yet."""
    return _complete(connection, base_fold(all_folds(connection)), times, SubjectFilter(), columns=columns)


def _complete(
    connection: sqlite3.Connection,
    fold: Fold,
    times: TimeRange,
    subjects: SubjectFilter,
    *,
    columns: Collection[str] | None = None,
) -> list[WindowSlice]:
    """Counted windows with what is not counted yet, at least with the columns named (None: with all of them)."""
    profile_id = fold.key[0]
    counted = read_slices(connection, profile_id, fold.width, times, subjects, columns)
    counter = SliceCounter(fold.width, fold.profile)
    while waiting := uncounted(connection, fold, STEP):
        counter.add((stored.subject, stored.span) for stored in waiting if subjects.admits(stored.subject))
        fold = fold.moved(waiting[-1].number)
    return merged([*counted, *_overlapping(counter.slices(), times)])


def _overlapping(slices: Iterable[WindowSlice], times: TimeRange) -> list[WindowSlice]:
    second = 1_000_000_000
    return [
        part
        for part in slices
        if part.key.start * second < times.end_ns and (part.key.start + part.key.width) * second > times.start_ns
    ]


def _rows(connection: sqlite3.Connection, query: WindowQuery) -> Iterable[WindowRow]:
    fold = _kept_fold(connection, query)
    if query.attributes:
        found = _counted_now(connection, Fold(None, query.width or base_fold(all_folds(connection)).width, 0), query)
    elif fold is not None and (query.profile is None or newest_number(connection) - fold.counted <= FAR_BEHIND):
        found = _complete(connection, fold, query.times, query.admitted, columns=query.columns or None)
    else:
        fold = _brought_fold(connection, query)
        found = _counted_now(connection, fold, query)
    bins: dict[str, Bins] = {} if fold is None or fold.profile is None else dict(fold.profile.bins)
    slices = [part for part in found if part.key.subject.model == query.model and query.is_answered_by(part)]
    return window_rows(_without_service(slices), query, bins)


def _kept_fold(connection: sqlite3.Connection, query: WindowQuery) -> Fold | None:
    """The way of counting that the store keeps, None where it has none such."""
    if not query.profile_id:
        return base_fold(all_folds(connection), query.width)
    for fold in all_folds(connection):
        profile = fold.profile
        if profile is None or query.width not in {None, fold.width}:
            continue
        if (profile.profile_id, profile.model) == (query.profile_id, query.model):
            return fold
    return None


def _brought_fold(connection: sqlite3.Connection, query: WindowQuery) -> Fold:
    """The way of counting that the query brings itself."""
    profile = query.profile
    if profile is None or profile.profile_id != query.profile_id:
        raise InsufficientDataError(
            f"Nothing of {query.model} is counted by the profile {query.profile_id[:12]}",
            remedy="Hand the profile to the store first",
        )
    return Fold(profile, query.width or base_fold(all_folds(connection)).width, 0)


def _counted_now(connection: sqlite3.Connection, fold: Fold, query: WindowQuery) -> list[WindowSlice]:
    counter = SliceCounter(fold.width, fold.profile, query.attributes)
    for spans in SpanLoader(connection).ended(query.times.widened(fold.width), STEP):
        counter.add((stored.subject, stored.span) for stored in spans if query.admitted.admits(stored.subject))
    return merged(counter.slices())


def _without_service(slices: Sequence[WindowSlice]) -> list[WindowSlice]:
    """The slices of one arm added up, whichever services its spans came from."""
    return merged([part.without_service() for part in slices])
