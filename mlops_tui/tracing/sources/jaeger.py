"""Jaeger's third query API, whose answers are OTLP in JSON.

Source: jaegertracing/jaeger-idl, proto/api_v3/query_service.proto; jaegertracing/jaeger, apiv3/http_gateway.go. Both
ends of the time have to be said, there are no pages and no order, whole traces come back, and nothing found is a 404.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import orjson

from mlops_tui.domain.inferences import ENVIRONMENT, MODEL_NAME, MODEL_VERSION, TRACK
from mlops_tui.domain.text import clean
from mlops_tui.domain.traces import Span
from mlops_tui.tracing import otlp_json
from mlops_tui.tracing.attributes import EverythingRead
from mlops_tui.tracing.findings import Findings, MalformedBodyError
from mlops_tui.tracing.sources.sampling import MOST_SEARCHES, Found, Search
from mlops_tui.tracing.sources.servers import Parameters, ServerAnswer, TraceServer

DEPTH = 500
_MOST_SERVICES = 50
_TRACE_ID = re.compile(rb'"traceId"\s*:\s*"([0-9a-fA-F]+)"')
_SECOND = 1_000_000_000
# Older versions know the parameters by these names only, and the depth by another.
_OLD_NAMES = {
    "query.serviceName": "query.service_name",
    "query.startTimeMin": "query.start_time_min",
    "query.startTimeMax": "query.start_time_max",
    "query.durationMin": "query.duration_min",
    "query.durationMax": "query.duration_max",
    "query.searchDepth": "query.num_traces",
}
_TOLD = (("model", MODEL_NAME), ("version", MODEL_VERSION), ("arm", TRACK), ("environment", ENVIRONMENT))


class Jaeger:
    """A Jaeger query service; ``depth`` is how many traces are asked for at once."""

    most_searches = MOST_SEARCHES

    def __init__(self, server: TraceServer, depth: int = DEPTH) -> None:
        self._server = server
        self._depth = depth
        self._names_are_old = False

    async def find(self, search: Search) -> Found:
        """The traces of each service in turn, since most of Jaeger's stores need its name."""
        named = search.subjects.service
        spans: list[Span] = []
        is_full = False
        for service in (named,) if named else await self.services():
            answer = await self._found(_parameters(search, service, self._depth))
            spans += _spans(answer)
            # Counted before spans that make no sense are left out.
            is_full = is_full or len(set(_TRACE_ID.findall(answer.body))) >= self._depth
        return Found(tuple(spans), is_full)

    async def trace(self, trace_id: str) -> tuple[Span, ...]:
        """The spans of one trace."""
        answer = await self._server.get("read the trace", f"/api/v3/traces/{trace_id}", accepted=(404,))
        return () if answer.status == 404 else _spans(answer)

    async def services(self) -> tuple[str, ...]:
        """The names of the services, the first fifty."""
        answer = await self._server.get("list services", "/api/v3/services")
        listed = answer.json()
        if not isinstance(listed, dict) or not isinstance(listed.get("services", []), list):
            raise answer.unreadable("it lists no services")
        return tuple(sorted(clean(str(name)) for name in listed.get("services", [])))[:_MOST_SERVICES]

    async def _found(self, parameters: Parameters) -> ServerAnswer:
        if not self._names_are_old:
            answer = await self._server.get("find traces", "/api/v3/traces", parameters, accepted=(400, 404))
            if answer.status != 400:
                return answer
        old = [(_OLD_NAMES.get(name, name), value) for name, value in parameters]
        answer = await self._server.get("find traces", "/api/v3/traces", old, accepted=(404,))
        self._names_are_old = True
        return answer


def _parameters(search: Search, service: str, depth: int) -> Parameters:
    told = {key: value for part, key in _TOLD if (value := getattr(search.subjects, part))}
    if told.get(TRACK) == "stable":
        del told[TRACK]  # which some call default
    attributes = {**told, **dict(search.attributes)}
    parameters = [
        ("query.serviceName", service),
        ("query.startTimeMin", moment(search.times.start_ns)),
        ("query.startTimeMax", moment(search.times.end_ns)),
        ("query.searchDepth", str(depth)),
    ]
    if attributes:
        parameters.append(("query.attributes", orjson.dumps(attributes).decode()))
    if search.least_ns is not None:
        parameters.append(("query.durationMin", f"{search.least_ns}ns"))
    if search.most_ns is not None:
        parameters.append(("query.durationMax", f"{search.most_ns}ns"))
    return parameters


def moment(time_ns: int) -> str:
    """A time to the nanosecond, as RFC 3339 writes it."""
    seconds, rest = divmod(time_ns, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _spans(answer: ServerAnswer) -> tuple[Span, ...]:
    if answer.status == 404:
        return ()
    document = answer.json()
    result = document.get("result") if isinstance(document, dict) else None
    if not isinstance(result, dict):
        raise answer.unreadable("it holds no result")
    try:
        chunks = otlp_json.decode(orjson.dumps(result), EverythingRead(), Findings())
        return tuple(span for chunk in chunks for span in chunk)
    except MalformedBodyError as error:
        raise answer.unreadable(str(error)) from None
