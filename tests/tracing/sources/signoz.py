"""SigNoz, on which GitLab Observability is built: SQL is executed by ClickHouse's own engine, where there is one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlops_tui.domain.traces import Span, Value
from tests.tracing.sources.clickhouse import ClickHouseProcess, as_text
from tests.tracing.sources.otlp import texts_of

KEY = "signoz-key"
_CONDITION = re.compile(r"^(?P<name>[\w.]+) (?P<sign>=|>=|<=) (?:'(?P<text>(?:[^'\\]|\\.)*)'|(?P<number>\d+))$")


class FakeSignoz:
    """A query service over spans; without a database it refuses SQL, as a key of a viewer may be refused."""

    def __init__(self, spans: Sequence[Span], database: ClickHouseProcess | None = None) -> None:
        self._spans = sorted(spans, key=lambda span: -span.start_ns)
        self._database = database
        self.application = Starlette(
            routes=[
                Route("/api/v1/version", self._version),
                Route("/api/v1/services/list", self._services),
                Route("/api/v5/query_range", self._query, methods=["POST"]),
                Route("/api/v4/traces/{trace_id}/waterfall", self._waterfall, methods=["POST"]),
            ]
        )

    async def _version(self, request: Request) -> Response:
        return JSONResponse({"version": "v0.138.0", "ee": "Y", "setupCompleted": True})

    async def _services(self, request: Request) -> Response:
        return JSONResponse(sorted({span.resource.service for span in self._spans}))

    async def _query(self, request: Request) -> Response:
        if request.headers.get("signoz-api-key") != KEY:
            return _refused(401, "unauthenticated")
        document = await request.json()
        (query,) = document["compositeQuery"]["queries"]
        assert document["schemaVersion"] == "v1"
        assert document["start"] < document["end"]
        if query["type"] == "clickhouse_sql":
            return self._sql(query["spec"]["query"])
        return self._raw(query["spec"], document["start"], document["end"])

    def _sql(self, statement: str) -> Response:
        if self._database is None:
            return _refused(403, "only editors/admins can run ClickHouse queries")
        # The server fills in templates and variables before it runs a statement: none may be in it by accident.
        if "{{" in statement or "$" in statement:
            return _refused(500, "error while replacing template variables")
        answer = self._database.execute(statement)
        columns = [{"name": column["name"], "queryName": "A", "columnType": "group"} for column in answer["meta"]]
        return _answered("scalar", {"queryName": "A", "columns": columns, "data": answer["data"]})

    def _raw(self, spec: dict[str, Any], start: int, end: int) -> Response:
        assert spec["order"] == [{"key": {"name": "timestamp", "fieldContext": "span"}, "direction": "desc"}]
        conditions = [part for part in spec["filter"]["expression"].split(" AND ") if part]
        met = [
            span
            for span in self._spans
            if start <= span.start_ns / 1e6 <= end and all(_meets(span, condition) for condition in conditions)
        ]
        rows = [
            {"timestamp": _stamp(span.start_ns), "data": _row(span)}
            for span in met[spec["offset"] : spec["offset"] + spec["limit"]]
        ]
        return _answered("raw", {"queryName": "A", "nextCursor": "", "rows": rows})

    async def _waterfall(self, request: Request) -> Response:
        spans = [span for span in self._spans if span.trace_id == request.path_params["trace_id"]]
        if not spans:
            return _refused(404, "trace not found")
        nodes = [{**_row(span), "time_unix": span.start_ns, "level": 0} for span in spans]
        data = {"spans": nodes, "totalSpansCount": len(nodes), "hasMore": False, "hasMissingSpans": False}
        return JSONResponse({"status": "success", "data": data})


def _answered(kind: str, result: dict[str, Any]) -> Response:
    return JSONResponse({"status": "success", "data": {"type": kind, "data": {"results": [result]}, "meta": {}}})


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"status": "error", "error": {"code": "refused", "message": message}}, status)


def _meets(span: Span, condition: str) -> bool:
    found = _CONDITION.match(condition)
    assert found is not None, condition
    match found["name"]:
        case "duration_nano":
            bound = int(found["number"])
            return span.duration_ns >= bound if found["sign"] == ">=" else span.duration_ns <= bound
        case "trace_id":
            return span.trace_id == found["text"]
        case name:
            return texts_of(span).get(name) == re.sub(r"\\(.)", r"\1", found["text"])


def _row(span: Span) -> dict[str, Any]:
    references = [{"traceId": span.trace_id, "spanId": span.parent_id, "refType": "CHILD_OF"}] if span.parent_id else []
    references += [{"traceId": link.trace_id, "spanId": link.span_id, "refType": "FOLLOWS_FROM"} for link in span.links]
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_id,
        "name": span.name,
        "kind_string": span.kind.name.title(),
        "duration_nano": span.duration_ns,
        "has_error": span.is_error,
        "status_code_string": span.status.name.title(),
        "status_message": span.status_message,
        "attributes": {key: _stored(value) for key, value in span.attributes.items()},
        "resource": {key: as_text(value) for key, value in span.resource.attributes.items()},
        "events": [
            {
                "name": event.name,
                "timeUnixNano": event.time_ns,
                "attributeMap": {key: as_text(value) for key, value in event.attributes.items()},
            }
            for event in span.events
        ],
        "references": references,
    }


def _stored(value: Value) -> Any:
    """Numbers and truths keep their types, all else is text."""
    match value:
        case bool():
            return value
        case int() | float():
            return float(value)
        case _:
            return as_text(value)


def _stamp(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
