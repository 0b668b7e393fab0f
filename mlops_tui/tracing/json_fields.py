"""Fields of decoded JSON of which nothing is known yet: they have the type they ought to, or the body is malformed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_tui.tracing.findings import MalformedBodyError

_INTEGERS = 2**64


def objects(holder: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The objects of an array; none where it is missing."""
    items = holder.get(name)
    if items is None:
        return
    if not isinstance(items, list):
        raise MalformedBodyError(f"{name} is not an array")
    for item in items:
        if not isinstance(item, dict):
            raise MalformedBodyError(f"{name} holds something that is not an object")
        yield item


def object_of(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object, an empty one where it is missing."""
    item = holder.get(name)
    if item is None:
        return {}
    if not isinstance(item, dict):
        raise MalformedBodyError(f"{name} is not an object")
    return item


def text_field(holder: Mapping[str, Any], name: str) -> str:
    """Text, "" where it is missing."""
    value = holder.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedBodyError(f"{name} is not text")
    return value


def enumerated(holder: Mapping[str, Any], name: str, names: Mapping[str, int]) -> int:
    """An enum's number; senders that write its name are understood too."""
    value = holder.get(name, 0)
    return names.get(value, 0) if isinstance(value, str) and value in names else integer(value)


def integer(value: object) -> int:
    """A 64-bit integer, signed or not."""
    number: int | None = None
    match value:
        case str() if len(value) <= 20 and value.removeprefix("-").isdecimal() and value.isascii():
            number = int(value)
        case int() if not isinstance(value, bool):
            number = value
        case float() if value.is_integer():
            number = int(value)
        case None:
            number = 0
    if number is None or not -_INTEGERS < number < _INTEGERS:
        raise MalformedBodyError("an integer is not one")
    return number


def signed(value: object) -> int:
    """A signed 64-bit integer."""
    number = integer(value)
    if not -(2**63) <= number < 2**63:
        raise MalformedBodyError("intValue needs more than 64 bits")
    return number


def double(value: object) -> float:
    """A number, also one that JSON has only as text: NaN and the infinities."""
    match value:
        case bool():
            pass
        case int() | float():
            return float(value)
        case "NaN":
            return math.nan
        case "Infinity":
            return math.inf
        case "-Infinity":
            return -math.inf
        case str() if len(value) <= 64:
            try:
                return float(value)
            except ValueError:
                pass
        case _:
            pass
    raise MalformedBodyError("doubleValue is not a number")
