"""Our records to JSON and back, by their type hints, so that a cached view is the very record it was.

Standard library only: it runs before the first frame. Understood are frozen dataclasses (nested, generic, recursive),
enums, datetimes, dates, timedeltas, tuples, lists, frozensets, mappings, unions, text, numbers, booleans, None and
plain JSON values. Decoding trusts nothing: whatever is not exactly of the type is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Generic, TypeVar

from mlops_tui.live.values import SIMPLE, Part, expect

T = TypeVar("T")

_FORMAT = 1


class UndecodableError(ValueError):
    """The bytes are not the encoding of the expected record."""


class Codec(Generic[T]):
    """The encoding of one type; ``fingerprint`` changes whenever the shape of any record inside it does.

    Raises:
        TypeError: The type, or a part of it, has no encoding.
    """

    def __init__(self, data_type: type[T]) -> None:
        compiler = _Compiler()
        self._part = compiler.part(data_type)
        shapes = json.dumps([_FORMAT, repr(data_type), compiler.shapes], sort_keys=True)
        self.fingerprint = hashlib.sha256(shapes.encode("utf-8")).hexdigest()

    def encode(self, value: T) -> bytes:
        """Write ``value`` as JSON.

        Raises:
            TypeError: It is not of the type.
        """
        return json.dumps(self._part.encode(value), separators=(",", ":"), allow_nan=False).encode("ascii")

    def decode(self, body: bytes) -> T:
        """Read what ``encode`` wrote.

        Raises:
            UndecodableError: It is something else.
        """
        try:
            value: T = self._part.decode(json.loads(body))
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
            raise UndecodableError(f"not the encoding of the expected record: {error}") from error
        return value


class _Compiler:
    """Turns type hints into parts and remembers the shape of every record and enum on the way."""

    def __init__(self) -> None:
        self.shapes: dict[str, object] = {}
        self._records: dict[Any, Part] = {}

    def part(self, hint: Any) -> Part:
        simple = SIMPLE.get(hint) if isinstance(hint, typing.Hashable) else None
        if simple is not None:
            return simple
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in {typing.Union, types.UnionType}:
            return self._union(arguments)
        if origin is tuple:
            return self._tuple(arguments)
        if origin in {list, frozenset, Sequence}:
            return self._items(origin, arguments[0])
        if origin in {dict, Mapping}:
            return self._mapping(*arguments)
        plain = origin or hint
        if isinstance(plain, type) and issubclass(plain, Enum):
            return self._enum(plain)
        if isinstance(plain, type) and dataclasses.is_dataclass(plain):
            return self._record(hint, plain, arguments)
        raise TypeError(f"{hint!r} has no encoding")

    def _union(self, hints: tuple[Any, ...]) -> Part:
        """None as null, the only other alternative as itself, several with the index of the one that it is."""
        parts = [self.part(hint) for hint in hints if hint is not types.NoneType]
        takes_none = types.NoneType in hints
        if len(parts) == 1:
            only = parts[0]
            return Part(
                lambda value: None if value is None else only.encode(value),
                lambda value: None if value is None else only.decode(value),
                lambda value: value is None or only.accepts(value),
            )

        def encode(value: Any) -> Any:
            if takes_none and value is None:
                return None
            for index, part in enumerate(parts):
                if part.accepts(value):
                    return [index, part.encode(value)]
            raise TypeError(f"{type(value).__name__} is none of {hints}")

        def decode(value: Any) -> Any:
            if takes_none and value is None:
                return None
            index, inner = expect(value, list)
            return parts[range(len(parts))[expect(index, int)]].decode(inner)

        def accepts(value: Any) -> bool:
            return (takes_none and value is None) or any(part.accepts(value) for part in parts)

        return Part(encode, decode, accepts)

    def _tuple(self, hints: tuple[Any, ...]) -> Part:
        if len(hints) == 2 and hints[1] is Ellipsis:
            return self._items(tuple, hints[0])
        parts = [self.part(hint) for hint in hints]

        def each(values: Any, kind: type, direction: str) -> list[Any]:
            pairs = zip(parts, expect(values, kind), strict=True)
            return [getattr(part, direction)(value) for part, value in pairs]

        return Part(
            lambda values: each(values, tuple, "encode"),
            lambda values: tuple(each(values, list, "decode")),
            lambda value: isinstance(value, tuple) and len(value) == len(parts),
        )

    def _items(self, origin: Any, hint: Any) -> Part:
        """Items of one type; a Sequence comes back as a tuple."""
        part = self.part(hint)
        build = tuple if origin is Sequence else origin
        kind = (tuple, list) if origin is Sequence else origin
        return Part(
            lambda values: [part.encode(value) for value in expect(values, kind)],
            lambda values: build([part.decode(value) for value in expect(values, list)]),
            lambda value: isinstance(value, kind),
        )

    def _mapping(self, key_hint: Any, value_hint: Any) -> Part:
        """An object where the keys are text, else a list of pairs; comes back as a dict."""
        key, item = self.part(key_hint), self.part(value_hint)
        if key_hint is str:
            return Part(
                lambda values: {expect(k, str): item.encode(v) for k, v in expect(values, Mapping).items()},
                lambda values: {k: item.decode(v) for k, v in expect(values, dict).items()},
                lambda value: isinstance(value, Mapping),
            )
        return Part(
            lambda values: [[key.encode(k), item.encode(v)] for k, v in expect(values, Mapping).items()],
            lambda values: {key.decode(k): item.decode(v) for k, v in expect(values, list)},
            lambda value: isinstance(value, Mapping),
        )

    def _enum(self, kind: type[Enum]) -> Part:
        """By name, since values may be of any type."""
        self.shapes[_full_name(kind)] = {name: repr(member.value) for name, member in kind.__members__.items()}
        return Part(
            lambda member: expect(member, kind).name,
            lambda name: kind.__members__[expect(name, str)],
            lambda value: isinstance(value, kind),
        )

    def _record(self, hint: Any, kind: type, arguments: tuple[Any, ...]) -> Part:
        """As a list of the fields' values, in the order of their declaration."""
        known = self._records.get(hint)
        if known is not None:
            return known
        fields: list[tuple[str, Part]] = []
        part = _record_part(kind, fields)
        # Remembered before its fields are looked at, so that a record may contain itself.
        self._records[hint] = part
        hints = typing.get_type_hints(kind, localns={"JsonValue": Any})
        bound = dict(zip(getattr(kind, "__parameters__", ()), arguments, strict=False))
        shape = []
        for field in dataclasses.fields(kind):
            if not field.init:
                raise TypeError(f"{kind.__name__}.{field.name} is not set by the constructor")
            inner = _bind(hints[field.name], bound)
            shape.append([field.name, repr(inner)])
            fields.append((field.name, self.part(inner)))
        self.shapes[f"{_full_name(kind)}{arguments!r}"] = shape
        return part


def _record_part(kind: type, fields: Sequence[tuple[str, Part]]) -> Part:
    def encode(value: Any) -> list[Any]:
        record = expect(value, kind)
        return [part.encode(getattr(record, name)) for name, part in fields]

    def decode(values: Any) -> Any:
        pairs = zip(fields, expect(values, list), strict=True)
        return kind(**{name: part.decode(value) for (name, part), value in pairs})

    return Part(encode, decode, lambda value: isinstance(value, kind))


def _bind(hint: Any, bound: Mapping[Any, Any]) -> Any:
    """The hint with type variables replaced by what a generic record was given for them."""
    parameters = getattr(hint, "__parameters__", ())
    if isinstance(hint, TypeVar):
        return bound.get(hint, hint)
    return hint[tuple(bound.get(parameter, parameter) for parameter in parameters)] if parameters else hint


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
