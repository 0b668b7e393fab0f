"""Attributes as JSON text and back, without losing what JSON lacks: NaN, the infinities, bytes, and nested maps.

Each of these stands as an object with one key that says what it is; everything else is plain JSON, so that SQLite can
look into it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mlops_tui.domain.traces import Attributes, SpanEvent, SpanLink, Value

_DOUBLE, _BYTES, _MAP = "double", "bytes", "map"


def dump_attributes(attributes: Attributes) -> bytes:
    """The attributes as JSON, in UTF-8."""
    try:
        plain = orjson.dumps(attributes)
    except TypeError:
        return orjson.dumps(_plain_items(attributes))
    # Nulls may be NaN and braces a nested map, which then need their objects; text that only looks so costs a moment.
    if b"null" in plain or plain.find(b"{", 1) > 0:
        return orjson.dumps(_plain_items(attributes))
    return plain


def load_attributes(text: str) -> dict[str, Value]:
    """The attributes of such a text."""
    attributes: dict[str, Value] = orjson.loads(text)
    if "[" in text or "{" in text[1:]:
        return {key: _restored(value) for key, value in attributes.items()}
    return attributes


def dump_events(events: Sequence[SpanEvent]) -> list[list[Any]]:
    """Events as something that JSON can hold."""
    return [[event.time_ns, event.name, _plain_items(event.attributes)] for event in events]


def load_events(items: Sequence[Sequence[Any]]) -> tuple[SpanEvent, ...]:
    """Events from what JSON held."""
    return tuple(SpanEvent(time_ns, name, _restored_items(attributes)) for time_ns, name, attributes in items)


def dump_links(links: Sequence[SpanLink]) -> list[list[Any]]:
    """Links as something that JSON can hold."""
    return [[link.trace_id, link.span_id, _plain_items(link.attributes)] for link in links]


def load_links(items: Sequence[Sequence[Any]]) -> tuple[SpanLink, ...]:
    """Links from what JSON held."""
    return tuple(SpanLink(trace_id, span_id, _restored_items(attributes)) for trace_id, span_id, attributes in items)


def _plain_items(attributes: Attributes) -> dict[str, Any]:
    return {key: _plain(value) for key, value in attributes.items()}


def _restored_items(attributes: Mapping[str, Any]) -> dict[str, Value]:
    return {key: _restored(value) for key, value in attributes.items()}


def _plain(value: Value) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {_DOUBLE: repr(value)}
        case bytes():
            return {_BYTES: base64.b64encode(value).decode("ascii")}
        case Mapping():
            return {_MAP: _plain_items(value)}
        case Sequence():
            return [_plain(item) for item in value]


def _restored(value: Any) -> Value:
    match value:
        case list():
            return tuple(_restored(item) for item in value)
        case {"double": str(text)}:
            return float(text)
        case {"bytes": str(text)}:
            return base64.b64decode(text)
        case {"map": dict(items)}:
            return _restored_items(items)
        case _:
            restored: Value = value
            return restored
