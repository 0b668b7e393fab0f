"""How single values are written and read: what records and collections are encoded with in the end."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Part:
    """How values of one type are written and read; ``accepts`` tells whether a value is of the type."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    accepts: Callable[[Any], bool]


def expect(value: Any, kind: Any) -> Any:
    """Return the value if it is of the kind; a bool is no int.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{type(value).__name__} where {kind} was expected")
    return value


def _encode_float(value: Any) -> float | str:
    number = float(expect(value, (float, int)))
    return number if math.isfinite(number) else repr(number)


def _decode_float(value: Any) -> float:
    return float(value) if value in {"nan", "inf", "-inf"} else float(expect(value, float))


def _encode_plain(value: Any) -> Any:
    """A JSON value; objects are wrapped as well as the numbers that JSON lacks, to tell them apart."""
    match value:
        case float() if not math.isfinite(value):
            return {"number": repr(value)}
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {"items": [[expect(key, str), _encode_plain(item)] for key, item in value.items()]}
        case list() | tuple():
            return [_encode_plain(item) for item in value]
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def _decode_plain(value: Any) -> Any:
    match value:
        case {"number": number}:
            return _decode_float(number)
        case {"items": items}:
            return {expect(key, str): _decode_plain(item) for key, item in expect(items, list)}
        case list():
            return [_decode_plain(item) for item in value]
        case dict():
            raise ValueError("an object that nothing here writes")
        case _:
            return value


def _exact(kind: type) -> Part:
    def same(value: Any) -> Any:
        return expect(value, kind)

    return Part(same, same, lambda value: isinstance(value, kind) and not (kind is int and isinstance(value, bool)))


SIMPLE: Mapping[Any, Part] = {
    types.NoneType: _exact(types.NoneType),
    bool: _exact(bool),
    int: _exact(int),
    str: _exact(str),
    float: Part(_encode_float, _decode_float, lambda value: isinstance(value, float)),
    datetime: Part(
        lambda value: expect(value, datetime).isoformat(),
        lambda text: datetime.fromisoformat(expect(text, str)),
        lambda value: isinstance(value, datetime),
    ),
    date: Part(
        lambda value: expect(value, date).isoformat(),
        lambda text: date.fromisoformat(expect(text, str)),
        lambda value: isinstance(value, date) and not isinstance(value, datetime),
    ),
    timedelta: Part(
        lambda value: expect(value, timedelta) // _MICROSECOND,
        lambda count: expect(count, int) * _MICROSECOND,
        lambda value: isinstance(value, timedelta),
    ),
    Any: Part(_encode_plain, _decode_plain, lambda _value: True),
}
