"""Spans as SigNoz gives them, in a waterfall or as rows of a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mlops_tui.domain.text import clean
from mlops_tui.domain.traces import Resource, Scope, Span, SpanEvent, SpanLink, SpanStatus, Value
from mlops_tui.tracing.sources.go_values import plain_value, value_of
from mlops_tui.tracing.sources.remote_spans import accepted, kind_named, status_named
from mlops_tui.tracing.spans import link

_MAPS = ("attributes", "attributes_string", "attributes_number", "attributes_bool")
_SECOND = 1_000_000_000


def span_of(item: Mapping[str, Any]) -> Span | None:
    """The span that a row or a node is, None when it makes no sense."""
    start_ns = _start(item)
    return accepted(
        Span(
            str(item.get("trace_id", "")),
            str(item.get("span_id", "")),
            str(item.get("parent_span_id") or ""),
            clean(str(item.get("name", ""))),
            kind_named(str(item.get("kind_string") or item.get("kind", ""))),
            start_ns,
            start_ns + _whole(item.get("duration_nano")),
            _status(item),
            clean(str(item.get("status_message", "")), 2_000),
            {clean(key): _value(value) for name in _MAPS for key, value in _pairs(item.get(name))},
            Resource(
                {
                    clean(key): plain_value(value)
                    for name in ("resource", "resources_string")
                    for key, value in _pairs(item.get(name))
                }
            ),
            Scope(),
            tuple(_events(item.get("events"))),
            tuple(_links(item.get("references") or item.get("links"))),
        )
    )


def _start(item: Mapping[str, Any]) -> int:
    """When it began: nanoseconds, or a time as RFC 3339 writes it with up to nine digits of a second."""
    if item.get("time_unix"):
        return _whole(item["time_unix"])
    stamp = item.get("timestamp")
    if not isinstance(stamp, str):
        return _whole(stamp)
    whole, _, rest = stamp.rstrip("Z").partition(".")
    try:
        moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    except ValueError:
        return 0
    digits = "".join(character for character in rest[:9] if character.isdigit())
    return int(moment.timestamp()) * _SECOND + int(digits.ljust(9, "0") if digits else 0)


def _status(item: Mapping[str, Any]) -> SpanStatus:
    named = status_named(str(item.get("status_code_string", "")))
    return SpanStatus.ERROR if item.get("has_error") and named is SpanStatus.UNSET else named


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value == value else 0


def _value(value: object) -> Value:
    """Numbers come without a sign of whether they were whole."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str) and value.startswith("["):
        return value_of(value)
    return plain_value(value)


def _pairs(found: object) -> Iterator[tuple[str, Any]]:
    if isinstance(found, dict):
        yield from ((str(key), value) for key, value in found.items())


def _listed(found: object) -> list[Any]:
    if isinstance(found, str):
        try:
            found = orjson.loads(found) if found else []
        except orjson.JSONDecodeError:
            return []
    return found if isinstance(found, list) else []


def _events(found: object) -> Iterator[SpanEvent]:
    for item in _listed(found):
        event = orjson.loads(item) if isinstance(item, str) else item
        if isinstance(event, dict):
            attributes = event.get("attributeMap") or event.get("attributes")
            yield SpanEvent(
                _whole(event.get("timeUnixNano")),
                clean(str(event.get("name", ""))),
                {
                    clean(key): value_of(value) if isinstance(value, str) else _value(value)
                    for key, value in _pairs(attributes)
                },
            )


def _links(found: object) -> Iterator[SpanLink]:
    """Links, from a list in which the parent stands too."""
    for item in _listed(found):
        if isinstance(item, dict) and item.get("refType") != "CHILD_OF" and item.get("spanId"):
            yield link(str(item.get("traceId", "")), str(item["spanId"]), {})
