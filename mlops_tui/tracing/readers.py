"""What every source of traces can be asked, wherever the traces are kept."""

from __future__ import annotations

from typing import Protocol

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
from mlops_tui.domain.traces import Trace


class TraceReader(Protocol):
    """A source of traces.

    What it cannot do its ``capabilities`` say; it never answers with less than was asked without saying so.
    """

    @property
    def name(self) -> str:
        """What it is, for people: ``embedded``, ``clickhouse`` ..."""
        ...

    @property
    def capabilities(self) -> ReaderCapabilities:
        """What it can do by itself."""
        ...

    async def services(self, times: TimeRange) -> tuple[ServiceSummary, ...]:
        """The services with spans in a range of time."""
        ...

    async def traces(self, query: TraceQuery) -> tuple[TraceSummary, ...]:
        """The traces with a span that meets the conditions, the newest first."""
        ...

    async def trace(self, trace_id: str) -> Trace | None:
        """The trace of that id (32 hexadecimal digits), None when it is not there."""
        ...

    async def statistics(self, times: TimeRange, subjects: SubjectFilter) -> tuple[ArmStatistics, ...]:
        """The traffic of each model version on each arm."""
        ...

    async def windows(self, query: WindowQuery) -> WindowAnswer:
        """The columns of a model window by window, oldest first."""
        ...

    async def traffic(self, query: WindowQuery) -> tuple[WindowTraffic, ...]:
        """Spans, errors and latencies window by window and subject by subject, oldest first.

        Neither columns nor a profile count here. With an empty model every span counts, those of no model too.
        """
        ...

    async def labelled(self, query: WindowQuery) -> tuple[LabelledPrediction, ...]:
        """The predictions made in the query's range of which the truth is known by now, however late it came."""
        ...

    async def columns(self, model: str, times: TimeRange) -> tuple[str, ...]:
        """The names of a model's features and predictions (``amount``, ``prediction.score``)."""
        ...
