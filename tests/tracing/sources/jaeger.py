"""Jaeger's third query API, as its documents say: whole traces in no order, no pages, nothing found is a 404."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlops_tui.domain.traces import Span
from tests.tracing.sources.otlp import json_with_hexadecimal_ids, texts_of


class FakeJaeger:
    """A query service; ``is_old`` knows the names of parameters with underscores only."""

    def __init__(self, spans: Sequence[Span], *, is_old: bool = False) -> None:
        self._spans = spans
        self._groups = {span.span_id: json_with_hexadecimal_ids([span])["resourceSpans"][0] for span in spans}
        self._told = {span.span_id: texts_of(span).items() for span in spans}
        self._is_old = is_old
        self.searches = 0
        self.application = Starlette(
            routes=[
                Route("/api/v3/services", self._services),
                Route("/api/v3/traces", self._search),
                Route("/api/v3/traces/{trace_id}", self._trace),
            ]
        )

    async def _services(self, request: Request) -> Response:
        return JSONResponse({"services": sorted({span.resource.service for span in self._spans})})

    async def _trace(self, request: Request) -> Response:
        return self._answer([span for span in self._spans if span.trace_id == request.path_params["trace_id"]])

    async def _search(self, request: Request) -> Response:
        self.searches += 1
        names = ("service_name", "start_time_min", "start_time_max", "num_traces")
        if not self._is_old:
            names = ("serviceName", "startTimeMin", "startTimeMax", "searchDepth")
        service, first, last, depth = (request.query_params.get(f"query.{name}") for name in names)
        if not service or not first or not last:
            return JSONResponse({"error": {"httpCode": 400, "message": "start time is required"}}, 400)
        wanted = json.loads(request.query_params.get("query.attributes", "{}"))
        start_ns, end_ns = _nanoseconds(first), _nanoseconds(last)
        least = int(request.query_params.get("query.durationMin", "0ns").removesuffix("ns"))
        met = {
            span.trace_id
            for span in self._spans
            if span.resource.service == service
            and start_ns <= span.start_ns <= end_ns
            and span.duration_ns >= least
            and wanted.items() <= self._told[span.span_id]
        }
        # The order of nothing that means something.
        chosen = set(sorted(met, key=lambda trace_id: trace_id[::-1])[: int(depth or 100)])
        return self._answer([span for span in self._spans if span.trace_id in chosen])

    def _answer(self, spans: Sequence[Span]) -> Response:
        if not spans:
            return JSONResponse({"error": {"httpCode": 404, "message": "No traces found"}}, 404)
        return JSONResponse({"result": {"resourceSpans": [self._groups[span.span_id] for span in spans]}})


def _nanoseconds(text: str) -> int:
    whole, _, rest = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(whole + "+00:00").timestamp()) * 1_000_000_000 + int(rest.ljust(9, "0") or 0)
