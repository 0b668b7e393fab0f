"""OTLP as protobuf: requests into spans, and spans back into the same bytes' meaning.

OpenTelemetry: opentelemetry-proto, docs/specification.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from mlops_tui.domain.text import clean
from mlops_tui.domain.traces import (
    NO_ATTRIBUTES,
    Attributes,
    Resource,
    Scope,
    Span,
    SpanEvent,
    SpanKind,
    SpanLink,
    SpanStatus,
    Value,
)
from mlops_tui.tracing import spans
from mlops_tui.tracing.attributes import SPECIAL, AttributeRules, Verdict
from mlops_tui.tracing.envelopes import Traces
from mlops_tui.tracing.findings import Findings, MalformedBodyError
from mlops_tui.tracing.span_shapes import SpanShapes

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

_SHORT = 256


def decode(
    body: bytes,
    rules: AttributeRules,
    findings: Findings,
    defaults: Attributes = NO_ATTRIBUTES,
    shapes: SpanShapes | None = None,
) -> Iterator[list[Span]]:
    """The spans of an export request or of ``TracesData``, at most a thousand at a time.

    ``defaults`` are attributes for resources that lack them. ``shapes``, which has to be of the same rules, makes
    later requests of the same senders faster to read.

    Raises:
        MalformedBodyError: The bytes are no such message; spans before the place where that shows were already given.
    """
    request = _parsed(Traces, body)
    found = _Reader(rules, findings, shapes or SpanShapes(rules)).read(request, defaults)
    while chunk := list(islice(found, spans.CHUNK)):
        yield chunk


class _Reader:
    """Reads the messages of one request."""

    def __init__(self, rules: AttributeRules, findings: Findings, shapes: SpanShapes) -> None:
        self._rules = rules
        self._findings = findings
        self._shapes = shapes

    def read(self, request: Any, defaults: Attributes) -> Iterator[Span]:
        for group in request.resource_spans:
            attributes, _, _ = self._attributes(group.resource.attributes)
            if not SPECIAL.isdisjoint(attributes):
                spans.normalise(attributes, self._rules, self._findings)
            resource = Resource({**defaults, **attributes})
            for part in group.scope_spans:
                scope = Scope(clean(part.scope.name), clean(part.scope.version))
                for data in part.spans:
                    span = self._span(data, resource, scope)
                    if span is not None:
                        yield span

    def _span(self, data: bytes, resource: Resource, scope: Scope) -> Span | None:
        known = self._shapes.read(data)
        if known is None:
            return self._unknown_span(data, resource, scope)
        shape, (trace_id, span_id, parent_id, start_ns, end_ns), attributes = known
        example = shape.example
        span = Span(
            trace_id,
            span_id,
            parent_id,
            example.name,
            example.kind,
            start_ns,
            end_ns,
            example.status,
            example.status_message,
            attributes,
            resource,
            scope,
            dropped=example.dropped,
            withheld=example.withheld,
        )
        return self._kept(span, attributes, None)

    def _unknown_span(self, data: bytes, resource: Resource, scope: Scope) -> Span | None:
        message = _parsed(trace_pb2.Span, data)
        attributes, withheld, refused = self._attributes(message.attributes)
        status, events, links = message.status, message.events, message.links
        span = Span(
            message.trace_id.hex(),
            message.span_id.hex(),
            message.parent_span_id.hex(),
            clean(message.name),
            spans.KINDS.get(message.kind, SpanKind.UNSPECIFIED),
            message.start_time_unix_nano,
            message.end_time_unix_nano,
            spans.STATUSES.get(status.code, SpanStatus.UNSET),
            clean(status.message, spans.LONGEST_MESSAGE),
            attributes,
            resource,
            scope,
            tuple(map(self._event, events[: spans.MOST_EVENTS])) if events else (),
            tuple(map(self._link, links[: spans.MOST_EVENTS])) if links else (),
            message.dropped_attributes_count,
            withheld,
        )
        if not events and not links and len(attributes) <= _SHORT:
            self._shapes.learn(data, span)
        return self._kept(span, attributes, refused)

    def _kept(self, span: Span, attributes: dict[str, Value], refused: str | None) -> Span | None:
        if not spans.is_kept(span, refused, self._findings):
            return None
        if not SPECIAL.isdisjoint(attributes):
            spans.normalise(attributes, self._rules, self._findings)
        return span

    def _event(self, message: trace_pb2.Span.Event) -> SpanEvent:
        attributes, _, _ = self._attributes(message.attributes)
        return SpanEvent(message.time_unix_nano & spans.LATEST_NS, clean(message.name), attributes)

    def _link(self, message: trace_pb2.Span.Link) -> SpanLink:
        attributes, _, _ = self._attributes(message.attributes)
        return spans.link(message.trace_id.hex(), message.span_id.hex(), attributes)

    def _attributes(self, pairs: Collection[KeyValue]) -> tuple[dict[str, Value], int, str | None]:
        """What is kept of them, how many were not, and why the whole span has to be refused, if it has to.

        The commonest types are read without asking which one it is: in a oneof all others are empty.
        """
        kept: dict[str, Value] = {}
        refused: str | None = None
        known = self._rules.known
        for pair in pairs if len(pairs) <= spans.MOST_ATTRIBUTES else islice(pairs, spans.MOST_ATTRIBUTES):
            key = pair.key
            if key not in known:
                verdict = self._rules.judge(key)
                if verdict is Verdict.REFUSE:
                    refused = spans.BAD_FEATURE
                if verdict is not Verdict.KEEP:
                    continue
            message = pair.value
            value: Value = message.double_value
            if not value:
                text = message.string_value
                # Short names and categories, which most texts are, are seen to be safe at once.
                is_plain = 0 < len(text) < _SHORT and text.isascii() and text.isprintable()
                value = text if is_plain else self._value(message, 0)
            if value is not None:
                kept[key] = value
        return kept, len(pairs) - len(kept), refused

    def _value(self, message: AnyValue, depth: int) -> Value:
        if depth > spans.DEEPEST:
            self._findings.warn(spans.DEEP_VALUE)
            return None
        match message.WhichOneof("value"):
            case "string_value":
                return spans.safe_text(message.string_value, self._findings)
            case "int_value":
                return message.int_value
            case "double_value":
                return message.double_value
            case "bool_value":
                return message.bool_value
            case "bytes_value":
                return spans.short_bytes(message.bytes_value, self._findings)
            case "array_value":
                return tuple(self._value(item, depth + 1) for item in message.array_value.values)
            case "kvlist_value":
                return {clean(pair.key): self._value(pair.value, depth + 1) for pair in message.kvlist_value.values}
            case _:
                return None


def _parsed(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise MalformedBodyError("the body is not an ExportTraceServiceRequest") from None


def encode(exported: Iterable[Span]) -> bytes:
    """The spans as one ``TracesData``, which is also an export request; grouped by resource and scope."""
    data = trace_pb2.TracesData()
    groups: dict[int, trace_pb2.ResourceSpans] = {}
    scopes: dict[tuple[int, Scope], trace_pb2.ScopeSpans] = {}
    for span in exported:
        resource = id(span.resource)
        if resource not in groups:
            groups[resource] = data.resource_spans.add()
            _fill(groups[resource].resource.attributes, span.resource.attributes)
        key = (resource, span.scope)
        if key not in scopes:
            scopes[key] = groups[resource].scope_spans.add()
            scopes[key].scope.name, scopes[key].scope.version = span.scope.name, span.scope.version
        _write(scopes[key].spans.add(), span)
    encoded: bytes = data.SerializeToString()
    return encoded


def _write(message: trace_pb2.Span, span: Span) -> None:
    message.trace_id = bytes.fromhex(span.trace_id)
    message.span_id = bytes.fromhex(span.span_id)
    message.parent_span_id = bytes.fromhex(span.parent_id)
    message.name = span.name
    message.kind = trace_pb2.Span.SpanKind.ValueType(span.kind)
    message.start_time_unix_nano, message.end_time_unix_nano = span.start_ns, span.end_ns
    if span.status or span.status_message:
        message.status.code = trace_pb2.Status.StatusCode.ValueType(span.status)
        message.status.message = span.status_message
    message.dropped_attributes_count = min(span.dropped + span.withheld, 2**32 - 1)
    _fill(message.attributes, span.attributes)
    for event in span.events:
        written = message.events.add(time_unix_nano=event.time_ns, name=event.name)
        _fill(written.attributes, event.attributes)
    for link in span.links:
        linked = message.links.add(trace_id=bytes.fromhex(link.trace_id), span_id=bytes.fromhex(link.span_id))
        _fill(linked.attributes, link.attributes)


def _fill(pairs: RepeatedCompositeFieldContainer[KeyValue], attributes: Attributes) -> None:
    for key, value in attributes.items():
        pair = pairs.add(key=key)
        if value is not None:
            _put(pair.value, value)


def _put(message: AnyValue, value: Value) -> None:
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
        case Mapping():
            message.kvlist_value.SetInParent()
            _fill(message.kvlist_value.values, value)
        case Sequence():
            message.array_value.SetInParent()
            for item in value:
                _put(message.array_value.values.add(), item)
        case None:
            return
