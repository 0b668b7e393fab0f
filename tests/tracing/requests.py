"""Export requests to send, made from plain Python values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1 import trace_pb2

# 2026-03-02T12:00:00Z, where the tests' clock starts.
NOON = 1_772_452_800_000_000_000
SECOND = 1_000_000_000
MILLISECOND = 1_000_000

RESOURCE = {
    "service.name": "fraud-api",
    "gitlab.project.id": "7",
    "deployment.environment.name": "production",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A span as a sender would make it; ids are raw bytes."""

    trace_id: bytes
    span_id: bytes
    attributes: Mapping[str, Any] = field(default_factory=dict)
    name: str = "predict fraud"
    parent_id: bytes = b""
    start_ns: int = NOON
    end_ns: int = NOON + 5 * MILLISECOND
    status: int = 0
    links: Sequence[tuple[bytes, bytes]] = ()


def ids(seed: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """Pairs of a trace's and a span's id, all different for one seed."""
    for number in itertools.count(1):
        yield (
            (seed << 64 | number).to_bytes(16, "big"),
            (seed << 32 | number).to_bytes(8, "big"),
        )


def inference(number: int, *, version: str = "1.2.0", track: str = "stable", **changes: Any) -> Sent:
    """One inference of the model ``fraud``."""
    attributes = {
        "ml.model.name": "fraud",
        "ml.model.version": version,
        "ml.deployment.track": track,
        "ml.feature.amount": float(number),
        "ml.prediction.score": number / 1_000,
        **changes.pop("more", {}),
    }
    trace_id, span_id = number.to_bytes(16, "big"), number.to_bytes(8, "big")
    return Sent(trace_id, span_id, attributes, **changes)


def request(spans: Sequence[Sent], resource: Mapping[str, Any] | None = None) -> bytes:
    """The spans as an export request in protobuf."""
    data = trace_pb2.TracesData()
    group = data.resource_spans.add()
    for key, value in (RESOURCE if resource is None else resource).items():
        put(group.resource.attributes.add(key=key).value, value)
    scope = group.scope_spans.add()
    scope.scope.name = "tests"
    for span in spans:
        message = scope.spans.add(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_id,
            name=span.name,
            kind=trace_pb2.Span.SPAN_KIND_SERVER,
            start_time_unix_nano=span.start_ns,
            end_time_unix_nano=span.end_ns,
        )
        message.status.code = trace_pb2.Status.StatusCode.ValueType(span.status)
        for key, value in span.attributes.items():
            put(message.attributes.add(key=key).value, value)
        for trace_id, span_id in span.links:
            message.links.add(trace_id=trace_id, span_id=span_id)
    encoded: bytes = data.SerializeToString()
    return encoded


def json_request(spans: Sequence[Mapping[str, Any]], resource: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Spans that are JSON already, in an export request."""
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in (resource or RESOURCE).items()]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}]}


def put(message: AnyValue, value: Any) -> None:
    """Set a value of the protocol from a Python value."""
    match value:
        case bool():
            message.bool_value = value
        case int():
            message.int_value = value
        case float():
            message.double_value = value
        case str():
            message.string_value = value
        case bytes():
            message.bytes_value = value
        case list():
            message.array_value.SetInParent()
            for item in value:
                put(message.array_value.values.add(), item)
        case dict():
            message.kvlist_value.SetInParent()
            for key, item in value.items():
                put(message.kvlist_value.values.add(key=key).value, item)
        case None:
            return
