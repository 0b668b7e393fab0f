"""Reading spans that look alike: a service sends the same names, in the same order, with values of the same size.

Asking protobuf for one attribute after the other is most of the work of taking spans in. A span in its wire format
whose every length is known has every value at a known place, though. A shape is learnt from one span: which bytes are
values, and which have to be the same in another span for it to have that shape. Where all of those are the same, the
values are read at once; any other span is read attribute by attribute.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from mlops_tui.domain.text import clean_block
from mlops_tui.domain.traces import Span, Value
from mlops_tui.tracing.attributes import AttributeRules, Verdict
from mlops_tui.tracing.findings import MalformedBodyError

# So many spans of one length are read the slow way before their shape is learnt, so that lengths which come once cost
# nothing; shapes and texts that are remembered are bounded.
_SIGHTINGS = 8
_MOST_SHAPES = 256
_MOST_OF_LENGTH = 8
_MOST_LENGTHS = 4_096
_MOST_TEXTS = 8_192
_LONGEST_TEXT = 256
# No attribute that is kept has this name.
_WITHHELD = ""

# Fields of opentelemetry.proto.trace.v1.Span.
_TRACE_ID, _SPAN_ID, _PARENT_ID, _START, _END, _ATTRIBUTE = 1, 2, 4, 7, 8, 9
# Its name, kind, dropped attributes, status and flags have to be the same.
_SAME = frozenset({5, 6, 10, 15, 16})
# Fields of opentelemetry.proto.common.v1.AnyValue.
_TEXT, _TRUTH, _WHOLE, _DOUBLE = 1, 2, 3, 4


class _Kind(Enum):
    """What a value is, which says how it is read."""

    TEXT = auto()
    HIDDEN = auto()
    WHOLE = auto()
    OTHER = auto()


class _ShapelessError(Exception):
    """The span has something that a shape cannot hold."""


@dataclass(frozen=True, slots=True)
class SpanShape:
    """A shape, with the span it was learnt from: all but ids, times and attributes are as in that one.

    ``texts``, ``hidden`` and ``wholes`` are the places of values: texts, texts that are withheld, and whole numbers.
    """

    example: Span
    names: tuple[str, ...]
    layout: struct.Struct
    mask: int
    expected: int
    texts: tuple[int, ...]
    hidden: tuple[int, ...]
    wholes: tuple[int, ...]


@dataclass(slots=True)
class _Draft:
    """A shape while it is learnt; ``same`` has a bit for every bit that has to be the same."""

    layout: list[str] = field(default_factory=lambda: ["<"])
    same: bytearray = field(default_factory=bytearray)
    names: list[str] = field(default_factory=list)
    kinds: list[_Kind] = field(default_factory=list)

    def keep(self, size: int) -> None:
        """Bytes that have to be the same."""
        self.layout.append(f"{size}x")
        self.same += b"\xff" * size

    def take(self, code: str, size: int) -> None:
        """A value; how long it is the bytes before it say, which have to be the same."""
        self.layout.append(code)
        self.same += bytes(size)

    def places(self, kind: _Kind) -> tuple[int, ...]:
        """Where the values of a kind are."""
        return tuple(place for place, found in enumerate(self.kinds) if found is kind)


class SpanShapes:
    """The shapes met so far, under one set of rules."""

    def __init__(self, rules: AttributeRules) -> None:
        self._rules = rules
        self._shapes: dict[int, list[SpanShape]] = {}
        self._sightings: Counter[int] = Counter()
        self._texts: dict[bytes, str] = {}

    def read(self, data: bytes) -> tuple[SpanShape, tuple[str, str, str, int, int], dict[str, Value]] | None:
        """A span in its wire format: its shape, ids and times, and attributes; None when its shape is not known.

        Raises:
            MalformedBodyError: A text in it is not UTF-8.
        """
        shapes = self._shapes.get(len(data))
        if shapes is None:
            return None
        bits = int.from_bytes(data, "little")
        for shape in shapes:
            if bits & shape.mask == shape.expected:
                trace_id, span_id, parent_id, start_ns, end_ns, *values = shape.layout.unpack(data)
                for place in shape.texts:
                    values[place] = self._texts.get(values[place]) or self._text(values[place])
                for place in shape.wholes:
                    values[place] = _whole(values[place])
                for place in shape.hidden:
                    _decoded(values[place])
                fixed = (trace_id.hex(), span_id.hex(), parent_id.hex(), start_ns, end_ns)
                attributes = dict(zip(shape.names, values, strict=True))
                attributes.pop(_WITHHELD, None)
                return shape, fixed, attributes
        return None

    def learn(self, data: bytes, span: Span) -> None:
        """Remember the shape of a span that was read the slow way, if others of its length came before."""
        length = len(data)
        if len(self._sightings) > _MOST_LENGTHS:
            self._sightings.clear()
        self._sightings[length] += 1
        if self._sightings[length] < _SIGHTINGS:
            return
        self._sightings[length] = 0
        try:
            shape = _shape_of(data, span, self._rules)
        except _ShapelessError:
            return
        if len(self._shapes) >= _MOST_SHAPES:
            del self._shapes[next(iter(self._shapes))]
        self._shapes[length] = [shape, *self._shapes.get(length, ())][:_MOST_OF_LENGTH]

    def _text(self, raw: bytes) -> str:
        if len(self._texts) >= _MOST_TEXTS:
            self._texts.clear()
        text = _decoded(raw)
        self._texts[raw] = text if text.isascii() and text.isprintable() else clean_block(text)
        return self._texts[raw]


def _shape_of(data: bytes, span: Span, rules: AttributeRules) -> SpanShape:
    draft = _Draft()
    position, met = 0, []
    for number, start, end in _fields(data, 0, len(data)):
        met.append(number)
        match number:
            case _ if number in _SAME:
                draft.keep(end - position)
            case _ if number == _ATTRIBUTE:
                draft.keep(start - position)
                _attribute(data, start, end, draft, rules)
            case _ if number in {_TRACE_ID, _SPAN_ID, _PARENT_ID}:
                draft.keep(start - position)
                draft.take(f"{end - start}s", end - start)
            case _ if number in {_START, _END}:
                draft.keep(start - position)
                draft.take("Q", 8)
            case _:
                raise _ShapelessError
        if number == _SPAN_ID and data[end : end + 1] != b"\x22":
            draft.layout.append("0s")  # a root has no parent, whose place is kept
        position = end
    once = [number for number in met if number != _ATTRIBUTE]
    if met != sorted(met) or len(set(once)) != len(once) or not {_TRACE_ID, _SPAN_ID, _START, _END} <= set(once):
        raise _ShapelessError
    if [name for name in draft.names if name != _WITHHELD] != list(span.attributes):
        raise _ShapelessError
    mask = int.from_bytes(draft.same, "little")
    return SpanShape(
        span,
        tuple(draft.names),
        struct.Struct("".join(draft.layout)),
        mask,
        int.from_bytes(data, "little") & mask,
        draft.places(_Kind.TEXT),
        draft.places(_Kind.HIDDEN),
        draft.places(_Kind.WHOLE),
    )


def _attribute(data: bytes, start: int, end: int, draft: _Draft, rules: AttributeRules) -> None:
    parts = list(_fields(data, start, end))
    if [number for number, _, _ in parts] != [1, 2]:
        raise _ShapelessError
    (_, key_start, key_end), (_, value_start, value_end) = parts
    name = data[key_start:key_end].decode("utf-8", "replace")
    values = list(_fields(data, value_start, value_end))
    if len(values) != 1:
        raise _ShapelessError
    ((number, inner_start, inner_end),) = values
    match rules.judge(name):
        case Verdict.KEEP:
            draft.keep(inner_start - start)
            draft.names.append(name)
            draft.kinds.append(_value(number, inner_end - inner_start, draft))
        case Verdict.WITHHOLD if number in {_TEXT, _DOUBLE}:
            draft.keep(inner_start - start)
            draft.names.append(_WITHHELD)
            draft.kinds.append(_Kind.HIDDEN if number == _TEXT else _Kind.OTHER)
            draft.take(f"{inner_end - inner_start}s", inner_end - inner_start)
        case _:
            raise _ShapelessError


def _value(number: int, size: int, draft: _Draft) -> _Kind:
    match number:
        case _ if number == _DOUBLE:
            draft.take("d", 8)
            return _Kind.OTHER
        case _ if number == _TEXT and 0 < size <= _LONGEST_TEXT:
            draft.take(f"{size}s", size)
            return _Kind.TEXT
        case _ if number == _TRUTH and size == 1:
            draft.take("?", 1)
            return _Kind.OTHER
        case _ if number == _WHOLE:
            draft.take(f"{size}s", size)
            return _Kind.WHOLE
        case _:
            raise _ShapelessError


def _fields(data: bytes, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a message: number, and where the value begins and ends."""
    while position < end:
        tag, position = _varint(data, position)
        match tag & 7:
            case 0:
                stop = _varint(data, position)[1]
            case 1:
                stop = position + 8
            case 2:
                size, position = _varint(data, position)
                stop = position + size
            case 5:
                stop = position + 4
            case _:
                raise _ShapelessError
        yield tag >> 3, position, stop
        position = stop


def _varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        number |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return number, position
        shift += 7


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedBodyError("a text is not UTF-8") from None


def _whole(raw: Sequence[int]) -> int:
    """A signed 64-bit integer from its varint."""
    number = 0
    for place, byte in enumerate(raw):
        number |= (byte & 0x7F) << 7 * place
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number
