"""GitLab's former tracing API, answered from our store, in the shapes that GitLab's own pages consumed.

It is the back end's side: who asks was checked by the sandbox. GitLab: app/assets/javascripts/observability/client.js.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlops_tui.cli.sandbox_trace_filters import (
    BadParameterError,
    Page,
    TraceFilters,
    duration_ns,
    read_filters,
    read_page,
    read_times,
)
from mlops_tui.domain.clock import Clock
from mlops_tui.domain.trace_queries import SubjectFilter, TraceQuery, TraceSummary
from mlops_tui.domain.traces import Attributes, Span, Trace, Value
from mlops_tui.domain.window_slices import exact_quantile
from mlops_tui.tracing.readers import TraceReader

_NANOSECONDS = 1_000_000_000
# How many of a service's newest traces its operations are gathered from.
_SAMPLE = 200
# A chart of analytics has about so many intervals.
_INTERVALS = 60
_QUANTILES = (("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95))

_Answer = Callable[[Request, str], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class TraceQueries:
    """Answers for one store."""

    reader: TraceReader
    clock: Clock

    def application(self) -> Starlette:
        """The application, whose paths begin with the project's id."""
        answers: dict[str, _Answer] = {
            "/traces": self._traces,
            "/traces/analytics": self._analytics,
            "/traces/{trace_id}": self._trace,
            "/services": self._services,
            "/services/{service:path}/operations": self._operations,
        }
        return Starlette(routes=[Route(f"/{{project}}{path}", _endpoint(answer)) for path, answer in answers.items()])

    async def _traces(self, request: Request, project: str) -> dict[str, Any]:
        filters = read_filters(request.query_params, project, self.clock.now())
        page = read_page(request.query_params)
        found, last = await self._page(filters, page)
        rest = {} if last is None else {"next_page_token": page.token(last)}
        return {"project_id": int(project), "traces": [_trace_document(trace) for trace in found], **rest}

    async def _page(self, filters: TraceFilters, page: Page) -> tuple[list[Trace], TraceSummary | None]:
        """The traces of a page, and the last of them where others follow."""
        found: list[Trace] = []
        last: TraceSummary | None = None
        for summary in page.ordered(await self.reader.traces(filters.query)):
            trace = await self.reader.trace(summary.trace_id)
            if trace is None or not filters.admits(trace):
                continue
            if len(found) == page.size:
                return found, last
            found.append(trace)
            last = summary
        return found, None

    async def _trace(self, request: Request, project: str) -> dict[str, Any] | None:
        trace = await self.reader.trace(request.path_params["trace_id"].replace("-", "").lower())
        if trace is None or not any(_project_of(span) == project for span in trace.spans):
            return None
        return _trace_document(trace)

    async def _analytics(self, request: Request, project: str) -> dict[str, Any]:
        filters = read_filters(request.query_params, project, self.clock.now())
        times = filters.query.times
        seconds = max(1, (times.end_ns - times.start_ns) // _NANOSECONDS // _INTERVALS)
        intervals: dict[int, list[TraceSummary]] = defaultdict(list)
        for summary in await self.reader.traces(filters.query):
            if await self._admits(filters, summary):
                intervals[summary.start_ns // _NANOSECONDS // seconds * seconds].append(summary)
        return {
            "project_id": int(project),
            "interval": f"{seconds}s",
            "results": [_interval_document(start, seconds, found) for start, found in sorted(intervals.items())],
        }

    async def _admits(self, filters: TraceFilters, summary: TraceSummary) -> bool:
        if not filters.tests:
            return True
        trace = await self.reader.trace(summary.trace_id)
        return trace is not None and filters.admits(trace)

    async def _services(self, request: Request, project: str) -> dict[str, Any]:
        services = await self.reader.services(read_times(request.query_params, self.clock.now()))
        names = sorted({found.service for found in services if found.project == project and found.service})
        return {"services": [{"name": name} for name in names]}

    async def _operations(self, request: Request, project: str) -> dict[str, Any]:
        subjects = SubjectFilter(service=request.path_params["service"], project=project)
        times = read_times(request.query_params, self.clock.now())
        names: set[str] = set()
        for summary in await self.reader.traces(TraceQuery(times, subjects, limit=_SAMPLE)):
            trace = await self.reader.trace(summary.trace_id)
            spans = trace.spans if trace else ()
            names |= {span.name for span in spans if span.resource.service == subjects.service}
        return {"operations": [{"name": name} for name in sorted(names)]}


def _endpoint(answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            found = await answer(request, request.path_params["project"])
        except BadParameterError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"error": "trace not found"}, 404) if found is None else JSONResponse(found)

    return endpoint


def _trace_document(trace: Trace) -> dict[str, Any]:
    root = trace.roots[0]
    return {
        "trace_id": _dashed(trace.trace_id),
        "timestamp": _moment(min(span.start_ns for span in trace.spans)),
        "service_name": root.resource.service,
        "operation": root.name,
        "status_code": _status(root),
        "duration_nano": duration_ns(trace),
        "total_spans": len(trace.spans),
        "spans": [_span_document(span) for span in trace.spans],
    }


def _span_document(span: Span) -> dict[str, Any]:
    return {
        "timestamp": _moment(span.start_ns),
        "span_id": span.span_id.upper(),
        "trace_id": _dashed(span.trace_id),
        "parent_span_id": span.parent_id.upper(),
        "service_name": span.resource.service,
        "operation": span.name,
        "duration_nano": span.duration_ns,
        "status_code": _status(span),
        "status_message": span.status_message,
        "span_attributes": _texts(span.attributes),
        "resource_attributes": _texts(span.resource.attributes),
    }


def _interval_document(start: int, seconds: int, found: Sequence[TraceSummary]) -> dict[str, Any]:
    durations = sorted(summary.end_ns - summary.start_ns for summary in found)
    errors = sum(bool(summary.errors) for summary in found)
    quantiles = {f"{name}_duration_nano": exact_quantile(durations, share) for name, share in _QUANTILES}
    # The page reads `interval`, its fixtures say `Interval`: nobody knows which of them the server sent.
    return {
        "Interval": start,
        "interval": start,
        "count": len(found),
        **quantiles,
        "error_count": errors,
        "trace_rate": len(found) / seconds,
        "error_rate": errors / seconds,
    }


def _project_of(span: Span) -> str:
    return _text(span.attributes.get("gitlab.project.id", span.resource.attributes.get("gitlab.project.id")))


def _dashed(trace_id: str) -> str:
    """The id as that API wrote it, as if it were a UUID."""
    return "-".join((trace_id[:8], trace_id[8:12], trace_id[12:16], trace_id[16:20], trace_id[20:]))


def _moment(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, _NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest // 1000:06d}Z"


def _status(span: Span) -> str:
    return f"STATUS_CODE_{span.status.name}"


def _texts(attributes: Attributes) -> dict[str, str]:
    """All values as text: that API kept them in a map of strings."""
    return {name: _text(value) for name, value in attributes.items()}


def _text(value: Value) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case _:
            return str(value)
