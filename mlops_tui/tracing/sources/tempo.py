"""Grafana Tempo: traces by id as protobuf, and a search that gives the ids of some.

Source: grafana/tempo, docs/sources/tempo/api_docs/_index.md and pkg/tempopb. A search gives the first traces it meets,
without pages; ids come without their leading zeros. Attributes that are no durations cannot be counted there.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote

from mlops_tui.domain.inferences import ENVIRONMENT, MODEL_NAME, MODEL_VERSION, TRACK
from mlops_tui.domain.text import clean
from mlops_tui.domain.traces import Span
from mlops_tui.tracing import otlp_protobuf
from mlops_tui.tracing.attributes import EverythingRead
from mlops_tui.tracing.findings import Findings, MalformedBodyError
from mlops_tui.tracing.sources.protobuf_fields import fields_of
from mlops_tui.tracing.sources.sampling import Found, Search
from mlops_tui.tracing.sources.servers import ServerAnswer, TraceServer

MOST_TRACES = 50
_AT_ONCE = 8
_SECOND = 1_000_000_000
_TRACE_ID = re.compile(r"[0-9a-fA-F]{1,32}")
_PROTOBUF = {"Accept": "application/protobuf"}
_TOLD = (("model", MODEL_NAME), ("version", MODEL_VERSION), ("arm", TRACK), ("environment", ENVIRONMENT))
# Fields of tempopb.TraceByIDResponse and tempopb.Trace.
_TRACE = 1


class Tempo:
    """A Tempo query front end; ``most`` is how many traces one search is asked for."""

    # Each trace that a search finds costs a request of its own.
    most_searches = 16

    def __init__(self, server: TraceServer, most: int = MOST_TRACES) -> None:
        self._server = server
        self._most = most
        self._has_second_version: bool | None = None

    async def find(self, search: Search) -> Found:
        """The traces of a search, each fetched by its id."""
        answer = await self._server.get(
            "find traces",
            "/api/search",
            (
                ("q", query_text(search)),
                ("start", str(search.times.start_ns // _SECOND)),
                ("end", str(-(-search.times.end_ns // _SECOND))),
                ("limit", str(self._most)),
                ("spss", "1"),
            ),
        )
        listed = answer.json()
        traces = listed.get("traces") if isinstance(listed, dict) else None
        if not isinstance(traces, list | None):
            raise answer.unreadable("it lists no traces")
        ids = [_trace_id(item, answer) for item in traces or ()]
        spans: list[Span] = []
        for start in range(0, len(ids), _AT_ONCE):
            for part in await asyncio.gather(*map(self.trace, ids[start : start + _AT_ONCE])):
                spans += part
        return Found(tuple(spans), len(ids) >= self._most)

    async def trace(self, trace_id: str) -> tuple[Span, ...]:
        """The spans of one trace, by the second version of the route where there is one."""
        if self._has_second_version is not False:
            answer = await self._trace("/api/v2/traces/", trace_id)
            if answer.status == 200:
                self._has_second_version = True
                return _spans(answer, _unwrapped(answer))
            if self._has_second_version:
                return ()
        answer = await self._trace("/api/traces/", trace_id)
        if answer.status == 404:
            return ()
        self._has_second_version = False
        return _spans(answer, answer.body)

    async def services(self) -> tuple[str, ...]:
        """The names of the services of which spans were seen."""
        answer = await self._server.get(
            "list services", f"/api/v2/search/tag/{quote('resource.service.name', safe='')}/values"
        )
        listed = answer.json()
        values = listed.get("tagValues", []) if isinstance(listed, dict) else []
        return tuple(sorted(clean(str(item.get("value", ""))) for item in values if isinstance(item, dict)))

    async def _trace(self, route: str, trace_id: str) -> ServerAnswer:
        return await self._server.get("read the trace", route + trace_id, headers=_PROTOBUF, accepted=(404,))


def query_text(search: Search) -> str:
    """A search in TraceQL: one span that meets every condition."""
    told = [(key, value) for part, key in _TOLD if (value := getattr(search.subjects, part))]
    conditions = [f".{_name(key)} = {_text(value)}" for key, value in told if (key, value) != (TRACK, "stable")]
    if search.subjects.service:
        conditions.append(f"resource.service.name = {_text(search.subjects.service)}")
    if search.status is not None:
        conditions.append(f"status = {search.status.name.lower()}")
    if search.least_ns is not None:
        conditions.append(f"duration >= {search.least_ns}ns")
    if search.most_ns is not None:
        conditions.append(f"duration <= {search.most_ns}ns")
    return f"{{ {' && '.join(conditions)} }}"


def _name(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_.]+", key) else _text(key)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _trace_id(item: object, answer: ServerAnswer) -> str:
    trace_id = item.get("traceID") if isinstance(item, dict) else None
    if not isinstance(trace_id, str) or not _TRACE_ID.fullmatch(trace_id):
        raise answer.unreadable("a trace has no id")
    return trace_id.lower().zfill(32)


def _unwrapped(answer: ServerAnswer) -> bytes:
    """The trace in an answer of the second version, which says how complete it is besides."""
    try:
        return b"".join(part for number, part in fields_of(answer.body) if number == _TRACE)
    except ValueError as error:
        raise answer.unreadable(str(error)) from None


def _spans(answer: ServerAnswer, body: bytes) -> tuple[Span, ...]:
    try:
        chunks = otlp_protobuf.decode(body, EverythingRead(), Findings())
        return tuple(span for chunk in chunks for span in chunk)
    except MalformedBodyError as error:
        raise answer.unreadable(str(error)) from None
