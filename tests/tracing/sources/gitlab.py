"""GitLab's former tracing, as its own front end used it: pages by a token, ids with dashes in capitals, texts only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from mlops_tui.domain.traces import Span
from tests.tracing.sources.clickhouse import as_text
from tests.tracing.sources.otlp import texts_of

FIRST, SECOND = "/v3/query/7", "/api/v4/projects/7/observability/v1"
TOKEN = "glpat-" + "t" * 20


class FakeGitLabTracing:
    """The tracing of project 7; the first generation has no route for one trace."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._traces: dict[str, list[Span]] = {}
        for span in sorted(spans, key=lambda span: -span.start_ns):
            self._traces.setdefault(span.trace_id, []).append(span)
        self.pages = 0
        shared = [Route("/traces", self._search), Route("/services", self._services)]
        self.application = Starlette(
            routes=[
                Mount(FIRST, routes=shared),
                Mount(SECOND, routes=[*shared, Route("/traces/{trace_id}", self._trace)]),
            ]
        )

    async def _search(self, request: Request) -> Response:
        if request.headers.get("private-token") != TOKEN:
            return JSONResponse({"message": "401 Unauthorized"}, 401)
        self.pages += 1
        given = request.query_params
        if named := given.get("trace_id"):
            spans = self._traces.get(named, [])
            return JSONResponse({"traces": [_trace(spans)] if spans else []})
        first, last = (datetime.fromisoformat(given[name]).timestamp() for name in ("start_time", "end_time"))
        if last - first > 12 * 3_600:
            return JSONResponse({"error": "the range is too long"}, 400)
        assert given["sort"] == "timestamp_desc"
        met = [
            spans
            for spans in self._traces.values()
            if any(
                first <= span.start_ns / 1e9 <= last
                and given.get("service_name", span.resource.service) == span.resource.service
                and (not given.get("attr_name") or texts_of(span).get(given["attr_name"]) == given["attr_value"])
                for span in spans
            )
        ]
        start, size = int(given.get("page_token", "0")), int(given["page_size"])
        page: dict[str, Any] = {"traces": [_trace(spans) for spans in met[start : start + size]]}
        if start + size < len(met):
            page["next_page_token"] = str(start + size)
        return JSONResponse(page)

    async def _trace(self, request: Request) -> Response:
        spans = self._traces.get(request.path_params["trace_id"])
        return JSONResponse(_trace(spans)) if spans else JSONResponse({"message": "404 Not Found"}, 404)

    async def _services(self, request: Request) -> Response:
        names = {span.resource.service for spans in self._traces.values() for span in spans}
        return JSONResponse({"services": [{"name": name} for name in sorted(names)]})


def _trace(spans: Sequence[Span]) -> dict[str, Any]:
    return {"trace_id": _uuid(spans[0].trace_id), "spans": list(map(_span, spans))}


def _span(span: Span) -> dict[str, Any]:
    seconds, rest = divmod(span.start_ns, 1_000_000_000)
    return {
        "timestamp": f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z",
        "trace_id": _uuid(span.trace_id),
        "span_id": span.span_id.upper(),
        "parent_span_id": span.parent_id.upper(),
        "service_name": span.resource.service,
        "operation": span.name,
        "duration_nano": span.duration_ns,
        "status_code": f"STATUS_CODE_{span.status.name}",
        "span_attributes": {key: as_text(value) for key, value in span.attributes.items()},
        "resource_attributes": {key: as_text(value) for key, value in span.resource.attributes.items()},
    }


def _uuid(trace_id: str) -> str:
    return "-".join((trace_id[:8], trace_id[8:12], trace_id[12:16], trace_id[16:20], trace_id[20:])).upper()
