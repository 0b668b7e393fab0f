"""OTLP as JSON: requests into spans, and spans back into requests.

Ids are hexadecimal in any case, enums are numbers, 64-bit integers are text or numbers, unknown fields are ignored
(OpenTelemetry: opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding").
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

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
from mlops_tui.tracing.findings import Findings, MalformedBodyError
from mlops_tui.tracing.json_fields import double, enumerated, integer, object_of, objects, signed, text_field

_KIND_NAMES = {f"SPAN_KIND_{kind.name}": kind.value for kind in SpanKind}
_STATUS_NAMES = {f"STATUS_CODE_{status.name}": status.value for status in SpanStatus}


def decode(
    body: bytes, rules: AttributeRules, findings: Findings, defaults: Attributes = NO_ATTRIBUTES
) -> Iterator[list[Span]]:
    """The spans of an export request or of ``TracesData``, at most a thousand at a time.

    ``defaults`` are attributes for resources that lack them.

    Raises:
        MalformedBodyError: The text is not JSON, or a field has the wrong type; spans before it were already given.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError(f"the body is not JSON: {error.msg} in column {error.colno}") from None
    if not isinstance(request, dict):
        raise MalformedBodyError("the body is not an ExportTraceServiceRequest")
    found = _Reader(rules, findings).read(request, defaults)
    while chunk := list(islice(found, spans.CHUNK)):
        yield chunk


class _Reader:
    """Reads the objects of one request."""

    def __init__(self, rules: AttributeRules, findings: Findings) -> None:
        self._rules = rules
        self._findings = findings

    def read(self, request: Mapping[str, Any], defaults: Attributes) -> Iterator[Span]:
        for group in objects(request, "resourceSpans"):
            attributes, _, _ = self._attributes(object_of(group, "resource"))
            if not SPECIAL.isdisjoint(attributes):
                spans.normalise(attributes, self._rules, self._findings)
            resource = Resource({**defaults, **attributes})
            for part in objects(group, "scopeSpans"):
                named = object_of(part, "scope")
                scope = Scope(clean(text_field(named, "name")), clean(text_field(named, "version")))
                for item in objects(part, "spans"):
                    span = self._span(item, resource, scope)
                    if span is not None:
                        yield span

    def _span(self, item: Mapping[str, Any], resource: Resource, scope: Scope) -> Span | None:
        attributes, withheld, refused = self._attributes(item)
        status = object_of(item, "status")
        span = Span(
            text_field(item, "traceId").lower(),
            text_field(item, "spanId").lower(),
            text_field(item, "parentSpanId").lower(),
            clean(text_field(item, "name")),
            spans.KINDS.get(enumerated(item, "kind", _KIND_NAMES), SpanKind.UNSPECIFIED),
            integer(item.get("startTimeUnixNano", 0)),
            integer(item.get("endTimeUnixNano", 0)),
            spans.STATUSES.get(enumerated(status, "code", _STATUS_NAMES), SpanStatus.UNSET),
            clean(text_field(status, "message"), spans.LONGEST_MESSAGE),
            attributes,
            resource,
            scope,
            tuple(map(self._event, islice(objects(item, "events"), spans.MOST_EVENTS))),
            tuple(map(self._link, islice(objects(item, "links"), spans.MOST_EVENTS))),
            min(max(integer(item.get("droppedAttributesCount", 0)), 0), 2**32 - 1),
            withheld,
        )
        if not spans.is_kept(span, refused, self._findings):
            return None
        if not SPECIAL.isdisjoint(attributes):
            spans.normalise(attributes, self._rules, self._findings)
        return span

    def _event(self, item: Mapping[str, Any]) -> SpanEvent:
        attributes, _, _ = self._attributes(item)
        return SpanEvent(
            integer(item.get("timeUnixNano", 0)) & spans.LATEST_NS, clean(text_field(item, "name")), attributes
        )

    def _link(self, item: Mapping[str, Any]) -> SpanLink:
        attributes, _, _ = self._attributes(item)
        return spans.link(text_field(item, "traceId").lower(), text_field(item, "spanId").lower(), attributes)

    def _attributes(self, holder: Mapping[str, Any]) -> tuple[dict[str, Value], int, str | None]:
        """What is kept of them, how many were not, and why the whole span has to be refused, if it has to."""
        kept: dict[str, Value] = {}
        seen, refused, known = 0, None, self._rules.known
        for pair in objects(holder, "attributes"):
            seen += 1
            key = text_field(pair, "key")
            if key not in known:
                verdict = self._rules.judge(key)
                if verdict is Verdict.REFUSE:
                    refused = spans.BAD_FEATURE
                if verdict is not Verdict.KEEP:
                    continue
            value = self._value(object_of(pair, "value"), 0)
            if value is not None and seen <= spans.MOST_ATTRIBUTES:
                kept[key] = value
        return kept, seen - len(kept), refused

    def _value(self, item: Mapping[str, Any], depth: int) -> Value:
        for name, value in item.items():
            match name:
                case "doubleValue":
                    return value if isinstance(value, float) else double(value)
                case "stringValue":
                    return spans.safe_text(text_field(item, name), self._findings)
                case "intValue":
                    return signed(value)
                case "boolValue" if isinstance(value, bool):
                    return value
                case "bytesValue":
                    return self._bytes(text_field(item, name))
                case "arrayValue" | "kvlistValue" if depth == spans.DEEPEST:
                    self._findings.warn(spans.DEEP_VALUE)
                    return None
                case "arrayValue":
                    return tuple(self._value(inner, depth + 1) for inner in objects(object_of(item, name), "values"))
                case "kvlistValue":
                    return {
                        clean(text_field(pair, "key")): self._value(object_of(pair, "value"), depth + 1)
                        for pair in objects(object_of(item, name), "values")
                    }
                case "boolValue":
                    raise MalformedBodyError("boolValue is neither true nor false")
                case _:
                    continue
        return None

    def _bytes(self, text: str) -> bytes | None:
        if len(text) > spans.LONGEST_TEXT:
            self._findings.warn(spans.LONG_VALUE)
            return None
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise MalformedBodyError("bytesValue is not base64") from None


def encode(exported: Iterable[Span]) -> bytes:
    """The spans as one export request, without a line break; grouped by resource and scope."""
    groups: dict[int, dict[str, Any]] = {}
    scopes: dict[tuple[int, Scope], list[dict[str, Any]]] = {}
    for span in exported:
        resource = id(span.resource)
        if resource not in groups:
            groups[resource] = {"resource": {"attributes": _pairs(span.resource.attributes)}, "scopeSpans": []}
        key = (resource, span.scope)
        if key not in scopes:
            scopes[key] = []
            scope = {"name": span.scope.name, "version": span.scope.version}
            groups[resource]["scopeSpans"].append({"scope": scope, "spans": scopes[key]})
        scopes[key].append(_written(span))
    return orjson.dumps({"resourceSpans": list(groups.values())})


def _written(span: Span) -> dict[str, Any]:
    written: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": span.kind.value,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _pairs(span.attributes),
        "droppedAttributesCount": min(span.dropped + span.withheld, 2**32 - 1),
        "status": {"code": span.status.value, "message": span.status_message},
    }
    if span.events:
        written["events"] = [
            {"timeUnixNano": str(event.time_ns), "name": event.name, "attributes": _pairs(event.attributes)}
            for event in span.events
        ]
    if span.links:
        written["links"] = [
            {"traceId": link.trace_id, "spanId": link.span_id, "attributes": _pairs(link.attributes)}
            for link in span.links
        ]
    return written


def _pairs(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if math.isfinite(value) else _spelled(value)}
        case str():
            return {"stringValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode("ascii")}
        case Mapping():
            return {"kvlistValue": {"values": _pairs(value)}}
        case Sequence():
            return {"arrayValue": {"values": [_any_value(item) for item in value]}}
        case None:
            return {}


def _spelled(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
