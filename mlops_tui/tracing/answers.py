"""Answers of the intake, in the format the sender used.

A success is an ``ExportTraceServiceResponse``, empty unless something was refused or dropped; a failure is a
``google.rpc.Status`` (OpenTelemetry: opentelemetry-proto, docs/specification.md, "OTLP/HTTP Response").
"""

from __future__ import annotations

from enum import StrEnum

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.responses import Response

from mlops_tui.tracing.findings import Findings

# The codes of google.rpc.Code that belong to HTTP statuses.
_CODES = {400: 3, 401: 16, 404: 5, 405: 12, 408: 4, 413: 3, 415: 3, 429: 8, 500: 13, 503: 14}
_UNKNOWN = 2


class WireFormat(StrEnum):
    """The formats of OTLP over HTTP, by their content type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class IntakeError(Exception):
    """A request that is answered with an error; ``retry_after`` (seconds) is for those that may be sent again."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def success(findings: Findings, wire_format: WireFormat) -> Response:
    """The answer to a request whose spans were stored, all but those among the findings."""
    message = findings.message()
    if wire_format is WireFormat.JSON:
        body: dict[str, object] = {}
        if message:
            body["partialSuccess"] = {"rejectedSpans": str(findings.rejected), "errorMessage": message}
        return Response(orjson.dumps(body), media_type=wire_format.value)
    answer = ExportTraceServiceResponse()
    if message:
        answer.partial_success.rejected_spans = findings.rejected
        answer.partial_success.error_message = message
    return Response(answer.SerializeToString(), media_type=wire_format.value)


def failure(error: IntakeError, wire_format: WireFormat) -> Response:
    """The answer to a request of which nothing is acknowledged."""
    code = _CODES.get(error.status, _UNKNOWN)
    body = (
        orjson.dumps({"code": code, "message": error.message})
        if wire_format is WireFormat.JSON
        else _status_message(code, error.message)
    )
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(body, error.status, headers, wire_format.value)


def _status_message(code: int, message: str) -> bytes:
    """A ``google.rpc.Status``: field 1 is the code, field 2 the message."""
    text = message.encode("utf-8")
    return b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
