"""Tempo, as its documents say: searches give the first traces they meet, by ids without their leading zeros."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlops_tui.domain.traces import Span
from tests.tracing.sources.otlp import texts_of, traces_data

_CONDITION = re.compile(r'^(?P<name>\.?[\w.]+) (?P<sign>=|>=|<=) (?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<bare>\w+))$')


class FakeTempo:
    """A query front end; ``is_old`` has no second version of the route of a trace."""

    def __init__(self, spans: Sequence[Span], *, is_old: bool = False) -> None:
        self._spans = spans
        by_trace: dict[str, list[Span]] = {}
        for span in spans:
            by_trace.setdefault(span.trace_id, []).append(span)
        self._bodies = {trace_id: traces_data(found).SerializeToString() for trace_id, found in by_trace.items()}
        self.tenants: set[str] = set()
        routes = [
            Route("/api/search", self._search),
            Route("/api/v2/search/tag/{tag}/values", self._values),
            Route("/api/traces/{trace_id}", self._trace),
        ]
        self.application = Starlette(
            routes=routes if is_old else [*routes, Route("/api/v2/traces/{trace_id}", self._wrapped_trace)]
        )

    async def _search(self, request: Request) -> Response:
        self.tenants.add(request.headers.get("X-Scope-OrgID", ""))
        start, end = int(request.query_params["start"]), int(request.query_params["end"])
        conditions = request.query_params["q"].strip("{} ").split(" && ")
        met = dict.fromkeys(
            span.trace_id
            for span in self._spans
            if start <= span.start_ns / 1e9 <= end and all(_meets(span, condition) for condition in conditions)
        )
        traces = [{"traceID": trace_id.lstrip("0"), "rootServiceName": "", "spanSets": []} for trace_id in met]
        return JSONResponse({"traces": traces[: int(request.query_params.get("limit", "20"))], "metrics": {}})

    async def _values(self, request: Request) -> Response:
        assert request.path_params["tag"] == "resource.service.name"
        names = sorted({span.resource.service for span in self._spans})
        return JSONResponse({"tagValues": [{"type": "string", "value": name} for name in names]})

    async def _trace(self, request: Request) -> Response:
        body = self._found(request)
        return Response(status_code=404) if body is None else Response(body, media_type="application/protobuf")

    async def _wrapped_trace(self, request: Request) -> Response:
        body = self._found(request)
        if body is None:
            return Response(status_code=404)
        size = len(body)
        length = bytearray()
        while size > 0x7F:
            length.append(size & 0x7F | 0x80)
            size >>= 7
        # Field 1 is the trace, field 3 says that it is complete.
        return Response(b"\x0a" + bytes(length) + bytes([size]) + body + b"\x18\x00", media_type="application/protobuf")

    def _found(self, request: Request) -> bytes | None:
        assert request.headers["accept"] == "application/protobuf"
        return self._bodies.get(request.path_params["trace_id"].zfill(32))


def _meets(span: Span, condition: str) -> bool:
    if not condition:
        return True
    found = _CONDITION.match(condition)
    assert found is not None, condition
    name, text = found["name"], re.sub(r"\\(.)", r"\1", found["text"] or "")
    match name:
        case "status":
            return span.status.name.lower() == found["bare"]
        case "duration":
            bound = int(found["bare"].removesuffix("ns"))
            return span.duration_ns >= bound if found["sign"] == ">=" else span.duration_ns <= bound
        case "resource.service.name":
            return span.resource.service == text
        case _:
            return texts_of(span).get(name.removeprefix(".")) == text
