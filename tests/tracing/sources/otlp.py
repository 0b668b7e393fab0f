"""Spans as messages of OpenTelemetry's protocol, made with its own library."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1 import trace_pb2

from mlops_tui.domain.traces import Span
from tests.tracing.requests import put
from tests.tracing.sources.clickhouse import as_text


def traces_data(spans: Sequence[Span]) -> trace_pb2.TracesData:
    """The spans, each with its resource."""
    data = trace_pb2.TracesData()
    for span in spans:
        group = data.resource_spans.add()
        for key, value in span.resource.attributes.items():
            put(group.resource.attributes.add(key=key).value, value)
        scope = group.scope_spans.add()
        scope.scope.name, scope.scope.version = span.scope.name, span.scope.version
        message = scope.spans.add(
            trace_id=bytes.fromhex(span.trace_id),
            span_id=bytes.fromhex(span.span_id),
            parent_span_id=bytes.fromhex(span.parent_id),
            name=span.name,
            start_time_unix_nano=span.start_ns,
            end_time_unix_nano=span.end_ns,
        )
        message.kind = trace_pb2.Span.SpanKind.ValueType(span.kind.value)
        message.status.code = trace_pb2.Status.StatusCode.ValueType(span.status.value)
        message.status.message = span.status_message
        for key, value in span.attributes.items():
            put(message.attributes.add(key=key).value, list(value) if isinstance(value, tuple) else value)
        for event in span.events:
            added = message.events.add(time_unix_nano=event.time_ns, name=event.name)
            for key, value in event.attributes.items():
                put(added.attributes.add(key=key).value, value)
        for link in span.links:
            message.links.add(trace_id=bytes.fromhex(link.trace_id), span_id=bytes.fromhex(link.span_id))
    return data


def json_with_hexadecimal_ids(spans: Sequence[Span]) -> dict[str, Any]:
    """The same as JSON, with ids as OTLP writes them and not as protobuf's own JSON does."""
    document: dict[str, Any] = MessageToDict(traces_data(spans), use_integers_for_enums=True)
    for group in document.get("resourceSpans", []):
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                for holder in (span, *span.get("links", [])):
                    for name in ("traceId", "spanId", "parentSpanId"):
                        if name in holder:
                            holder[name] = base64.b64decode(holder[name]).hex()
    return document


def texts_of(span: Span) -> dict[str, str]:
    """The attributes of a span and of its resource by the text of their values."""
    return {key: as_text(value) for key, value in {**span.resource.attributes, **span.attributes}.items()}
