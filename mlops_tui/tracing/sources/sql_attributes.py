"""Attributes, events and links out of the JSON in which the layouts give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from mlops_tui.domain.text import clean
from mlops_tui.domain.traces import SpanEvent, SpanLink, Value
from mlops_tui.tracing.sources.go_values import plain_value, value_of
from mlops_tui.tracing.spans import link


def from_pairs(text: str) -> dict[str, Value]:
    """``[[name, text], …]`` or ``[[name, text, kind], …]``; without a kind a value is what its text looks like."""
    return {clean(name): _typed(value, *kind) for name, value, *kind in orjson.loads(text)}


def from_map(text: str) -> dict[str, Value]:
    """``{name: text, …}``, where all is left as text."""
    return {clean(name): plain_value(value) for name, value in orjson.loads(text).items()}


def from_document(text: str) -> dict[str, Value]:
    """A document whose nested names are joined by dots."""
    return {clean(name): plain_value(value) for name, value in _flat(orjson.loads(text), "")}


def events_of(text: str) -> tuple[SpanEvent, ...]:
    """``[[time in nanoseconds, name, attributes], …]``."""
    return tuple(
        SpanEvent(int(time), clean(name), _attributes(attributes)) for time, name, attributes in orjson.loads(text)
    )


def links_of(text: str) -> tuple[SpanLink, ...]:
    """``[[trace, span, attributes], …]``."""
    return tuple(link(trace, span, _attributes(attributes)) for trace, span, attributes in orjson.loads(text))


def signoz_events(text: str) -> tuple[SpanEvent, ...]:
    """A list of texts, each an object in JSON of its own."""
    found = (orjson.loads(item) for item in orjson.loads(text))
    return tuple(
        SpanEvent(int(item.get("timeUnixNano", 0)), clean(str(item.get("name", ""))), _attributes(_map_of(item)))
        for item in found
        if isinstance(item, dict)
    )


def signoz_links(text: str) -> tuple[SpanLink, ...]:
    """Links, from a list in which the parent stands too."""
    listed: Sequence[Any] = orjson.loads(text) if text else ()
    return tuple(
        link(str(item.get("traceId", "")), str(item.get("spanId", "")), {})
        for item in listed
        if isinstance(item, dict) and item.get("refType") != "CHILD_OF" and item.get("spanId")
    )


def _map_of(item: Mapping[str, Any]) -> Any:
    return item.get("attributeMap") or {}


def _attributes(found: Any) -> dict[str, Value]:
    if isinstance(found, str):
        found = orjson.loads(found) if found else {}
    if not isinstance(found, Mapping):
        return {}
    return {
        clean(name): value_of(value) if isinstance(value, str) else plain_value(value)
        for name, value in _flat(found, "")
    }


def _typed(text: str, kind: str = "") -> Value:
    match kind:
        case "n":
            number = float(text)
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        case "b":
            return text == "true"
        case "s":
            return value_of(text) if text.startswith("[") else plain_value(text)
        case _:
            return value_of(text)


def _flat(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
