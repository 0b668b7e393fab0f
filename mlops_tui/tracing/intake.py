"""The intake of traces: an application that takes OTLP over HTTP, and CloudEvents of inference loggers.

A request is acknowledged only when its spans are on the disk, and may be sent again without harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.inferences import PROJECT_ID, PROJECT_NAME
from mlops_tui.domain.traces import Appended, Span
from mlops_tui.tracing import cloudevents, otlp_json, otlp_protobuf
from mlops_tui.tracing.admission import Admission, Limits, Ticket, check_token
from mlops_tui.tracing.answers import IntakeError, WireFormat, failure, success
from mlops_tui.tracing.attributes import AttributeRules
from mlops_tui.tracing.bodies import read_body
from mlops_tui.tracing.findings import Findings, MalformedBodyError
from mlops_tui.tracing.span_shapes import SpanShapes

LATE = "span is of a time whose spans were removed, so that it may be one of them"
_STORE_SECONDS = 3
# Below so many bytes a body is decoded at once: handing it to the other thread would take longer.
_SMALL_BODY = 8_192
_PROTOBUF_TYPES = frozenset({"application/x-protobuf", "application/protobuf"})

_log = logging.getLogger(__name__)


class SpanSink(Protocol):
    """Where spans go. What it answers is durable; errors derived from ``MlopsError`` mean that nothing was stored."""

    async def append(self, spans: Sequence[Span]) -> Appended:
        """Store spans, each once however often it comes."""
        ...

    async def append_half(self, half: Span, part: str) -> Appended:
        """Store one half of a span, to be joined with the other by their ids."""
        ...


class Intake:
    """Takes requests and hands their spans to ``sink``.

    ``token`` is what every request has to show, None for none. ``rules`` say which attributes are kept.
    """

    def __init__(
        self,
        sink: SpanSink,
        clock: Clock,
        *,
        rules: AttributeRules | None = None,
        limits: Limits | None = None,
        token: str | None = None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._rules = rules or AttributeRules()
        self._shapes = SpanShapes(self._rules)
        self._limits = limits or Limits()
        self._token = token
        self._admission = Admission(self._limits)
        # One thread: decoding is Python's own work, and one message at a time bounds the memory.
        self._decoder = ThreadPoolExecutor(1, "decoder of traces")

    def application(self) -> Starlette:
        """The ASGI application; it may be mounted in another one."""
        return Starlette(
            routes=[
                Route("/v1/traces", self._traces, methods=["POST"]),
                # GitLab: workhorse/internal/gob/proxy.go, and its predecessor at observe.gitlab.com.
                Route("/api/v4/projects/{project:path}/observability/v1/traces", self._traces, methods=["POST"]),
                Route("/v3/{namespace}/{project}/ingest/traces", self._traces, methods=["POST"]),
                Route("/", self._event, methods=["POST"]),
            ],
            exception_handlers={HTTPException: _refused, Exception: _failed},
        )

    async def _traces(self, request: Request) -> Response:
        async def take(ticket: Ticket) -> Response:
            wire_format = _wire_format(request)
            body = await self._body(request, ticket)
            findings = Findings()
            await self._store(self._chunks(wire_format, body, findings, _project(request)), len(body), findings)
            return success(findings, wire_format)

        return await self._answered(request, take, _answer_format(request))

    async def _event(self, request: Request) -> Response:
        async def take(ticket: Ticket) -> Response:
            body = await self._body(request, ticket)
            half = cloudevents.decode(request.headers, body, self._rules, self._clock)
            await self._sink.append_half(half.span, half.part)
            return success(Findings(), WireFormat.JSON)

        return await self._answered(request, take, WireFormat.JSON)

    async def _answered(
        self, request: Request, take: Callable[[Ticket], Awaitable[Response]], answer_format: WireFormat
    ) -> Response:
        """Admit a request and turn whatever goes wrong with it into its answer."""
        client = request.client.host if request.client else ""
        try:
            check_token(self._token, request.headers)
            with self._admission.enter(client) as ticket:
                return await take(ticket)
        except IntakeError as error:
            return failure(error, answer_format)
        except MalformedBodyError as error:
            return failure(IntakeError(400, str(error)), answer_format)
        except ClientDisconnect:
            return failure(IntakeError(400, "the client went away"), answer_format)
        except MlopsError as error:
            _log.warning("spans could not be stored: %s", error)
            return failure(IntakeError(503, "the store cannot be written just now", _STORE_SECONDS), answer_format)

    async def _body(self, request: Request, ticket: Ticket) -> bytes:
        return await read_body(request, ticket, self._limits.body_bytes, self._limits.body_seconds)

    def _chunks(
        self, wire_format: WireFormat, body: bytes, findings: Findings, defaults: Mapping[str, str]
    ) -> Iterator[list[Span]]:
        match wire_format:
            case WireFormat.PROTOBUF:
                return otlp_protobuf.decode(body, self._rules, findings, defaults, self._shapes)
            case WireFormat.JSON:
                return otlp_json.decode(body, self._rules, findings, defaults)

    async def _store(self, chunks: Iterator[list[Span]], size: int, findings: Findings) -> None:
        """Decode and store part by part; what was stored before a failure does no harm when it comes again."""
        loop = asyncio.get_running_loop()
        while True:
            if size < _SMALL_BODY:
                spans = next(chunks, None)
            else:
                spans = await loop.run_in_executor(self._decoder, next, chunks, None)
            if spans is None:
                return
            appended = await self._sink.append(spans)
            if appended.late:
                findings.reject(LATE, appended.late)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _wire_format(request: Request) -> WireFormat:
    media_type = _media_type(request)
    if media_type in _PROTOBUF_TYPES:
        return WireFormat.PROTOBUF
    if media_type == WireFormat.JSON:
        return WireFormat.JSON
    raise IntakeError(415, f"the content type is neither {WireFormat.PROTOBUF.value} nor {WireFormat.JSON.value}")


def _project(request: Request) -> dict[str, str]:
    """The project that the route names, for resources that do not name one."""
    project: str | None = request.path_params.get("project")
    if not project:
        return {}
    return {PROJECT_ID if project.isdecimal() else PROJECT_NAME: project[:300]}


async def _refused(request: Request, error: Exception) -> Response:
    """The answer of the router: no such path, or not this method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = "there is no intake at this path" if status == 404 else "only POST is understood here"
    response = failure(IntakeError(status, message), _answer_format(request))
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("a request failed: %s", type(error).__name__)
    return failure(IntakeError(500, "the request could not be worked on"), _answer_format(request))


def _answer_format(request: Request) -> WireFormat:
    """The sender's own format, and JSON, which people can read, for one that has none."""
    return WireFormat.PROTOBUF if _media_type(request) in _PROTOBUF_TYPES else WireFormat.JSON
