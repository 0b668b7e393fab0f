"""A source of traces that is asked in ClickHouse's SQL, and counts by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson

from mlops_tui.analysis.traffic import (
    MOST_EXACT,
    QUANTILES,
    arm_statistics,
    bucketed_statistics,
    services_of,
    traffic_by_arm,
    window_rows,
)
from mlops_tui.domain.errors import InsufficientDataError, UnreadableAnswerError
from mlops_tui.domain.profiles import Bins
from mlops_tui.domain.text import clean
from mlops_tui.domain.trace_queries import (
    ArmStatistics,
    LabelledPrediction,
    QuantileMethod,
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
from mlops_tui.domain.traces import Resource, Scope, Span, SpanStatus, Trace
from mlops_tui.tracing.sources import sql_rows, sql_traces, sql_windows
from mlops_tui.tracing.sources.remote_spans import accepted, kind_named
from mlops_tui.tracing.sources.sql_layouts import Layout

DEFAULT_WIDTH = 300
CAPABILITIES = ReaderCapabilities(push_down=True, paging=True, attribute_discovery=True)


class Database(Protocol):
    """What runs statements."""

    async def layout(self) -> Layout:
        """How spans lie in it."""
        ...

    async def when(self, trace_id: str) -> TimeRange:
        """The time of a trace, where it is cheap to know; else all time."""
        ...

    async def run(self, what: str, statement: str) -> Sequence[str]:
        """The ``answer`` of each row, a JSON array as text; ``what`` is for errors."""
        ...


class SqlTraces:
    """Traces in a database.

    Every question is answered from all spans of its range; what leaves the database are counts and what is shown.
    """

    capabilities = CAPABILITIES

    def __init__(self, name: str, database: Database) -> None:
        self.name = name
        self._database = database

    async def services(self, times: TimeRange) -> tuple[ServiceSummary, ...]:
        """The services with spans in a range of time."""
        statement = sql_windows.subject_statement(await self._layout(), WindowQuery("", times))
        return services_of(sql_rows.traffic_from(await self._rows("list services", statement), 1))

    async def traces(self, query: TraceQuery) -> tuple[TraceSummary, ...]:
        """The traces with a span that meets the conditions, the newest first."""
        layout = await self._layout()
        found = await self._rows("find traces", sql_traces.found_statement(layout, query))
        if not found:
            return ()
        ids = [str(trace_id) for trace_id, _ in found]
        ends = [int(end_ns) for _, end_ns in found]
        statement = sql_traces.summary_statement(layout, ids, sql_traces.around(min(ends), max(ends)))
        return sql_rows.summaries_from(await self._rows("list traces", statement), ids)

    async def trace(self, trace_id: str) -> Trace | None:
        """The trace of that id, of which at most 20,000 spans are read; None when it is not there."""
        layout = await self._layout()
        statement = sql_traces.trace_statement(layout, trace_id, await self._database.when(trace_id))
        rows = await self._rows("read the trace", statement)
        spans = [span for row in rows if (span := _span(row, layout)) is not None]
        return Trace.of(trace_id, spans) if spans else None

    async def statistics(self, times: TimeRange, subjects: SubjectFilter) -> tuple[ArmStatistics, ...]:
        """The traffic of each model version on each arm; latencies are exact up to 500,000 spans, else from buckets."""
        layout, query = await self._layout(), WindowQuery("", times, subjects)
        rows = await self._rows("count spans", sql_windows.subject_statement(layout, query))
        slices = sql_rows.traffic_from(rows, 1)
        if sum(part.traffic.spans for part in slices) > MOST_EXACT:
            return bucketed_statistics(slices)
        statement = sql_windows.duration_statement(layout, query, QUANTILES)
        exact = dict(sql_rows.quantiles_from(row, QUANTILES) for row in await self._rows("read latencies", statement))
        nothing: list[float | None] = [None] * len(QUANTILES)
        return tuple(
            arm_statistics(arm, traffic, exact.get(arm, nothing), QuantileMethod.EXACT)
            for arm, traffic in traffic_by_arm(slices).items()
        )

    async def windows(self, query: WindowQuery) -> WindowAnswer:
        """The columns of a model window by window, oldest first.

        Raises:
            InsufficientDataError: A profile is asked for without its bins, which no database knows.
        """
        profile = query.profile
        if query.profile_id and (profile is None or profile.profile_id != query.profile_id):
            raise InsufficientDataError(
                f"Nothing of {query.model} is counted by the profile {query.profile_id[:12]}",
                why="the database does not know its bins",
                remedy="Hand the profile in with the question",
            )
        layout, width = await self._layout(), query.width or DEFAULT_WIDTH
        every: tuple[str, ...] = query.attributes if layout.needs_columns else ()
        if layout.needs_columns and not every:
            every = await self.columns(query.model, query.times.widened(width))
            if not every:
                return WindowAnswer(())
        bins: Mapping[str, Bins] = {} if profile is None else profile.bins
        wanted = query.columns or tuple(bins)
        statement = sql_windows.window_statement(layout, query, width, wanted, every)
        slices = sql_rows.slices_from(await self._rows("count windows", statement), query, width)
        if profile is not None:
            slices = [part for part in slices if profile.covers(part.key.subject)]
        return WindowAnswer(tuple(window_rows(slices, query, bins)))

    async def traffic(self, query: WindowQuery) -> tuple[WindowTraffic, ...]:
        """Spans, errors and latencies in the windows that overlap a range of time, oldest first."""
        width = query.width or DEFAULT_WIDTH
        statement = sql_windows.traffic_statement(await self._layout(), query, width)
        slices = sql_rows.traffic_from(await self._rows("count spans", statement), width)
        return tuple(map(WindowTraffic.of, slices))

    async def labelled(self, query: WindowQuery) -> tuple[LabelledPrediction, ...]:
        """The predictions made in a range of time of which the truth is known by now."""
        layout = await self._layout()
        rows = await self._rows("join labels", sql_traces.label_statement(layout, query))
        return sql_rows.labelled_from(rows, layout.read_attributes)

    async def columns(self, model: str, times: TimeRange) -> tuple[str, ...]:
        """The names of a model's features and predictions."""
        statement = sql_traces.column_statement(await self._layout(), WindowQuery(model, times))
        return tuple(sorted(clean(name) for (name,) in await self._rows("list columns", statement)))

    async def _layout(self) -> Layout:
        return await self._database.layout()

    async def _rows(self, what: str, statement: str) -> list[list[Any]]:
        answers = await self._database.run(what, statement)
        try:
            return [orjson.loads(answer) for answer in answers]
        except orjson.JSONDecodeError:
            raise UnreadableAnswerError(f"Could not {what}", why="a row of the answer is not JSON") from None


def _span(row: Sequence[Any], layout: Layout) -> Span | None:
    trace_id, span_id, parent, name, kind, start_ns, duration, status, message, attributes, resource, *rest = row
    scope, version, events, links = rest
    return accepted(
        Span(
            trace_id,
            span_id,
            parent,
            clean(name),
            kind_named(kind),
            int(start_ns),
            int(start_ns) + int(duration),
            SpanStatus(int(status)),
            clean(message, 2_000),
            layout.read_attributes(attributes),
            Resource(layout.read_resource(resource)),
            Scope(clean(scope), clean(version)),
            layout.read_events(events),
            layout.read_links(links),
        )
    )
