"""The fields of a protobuf message whose type is not ours to know: enough to unwrap one message from another."""

from __future__ import annotations

from collections.abc import Iterator

_BYTES = 2
_FIXED = {1: 8, 5: 4}


def fields_of(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The number and content of each field that holds bytes, in their order; other fields are passed over.

    Raises:
        ValueError: It is no such message.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == _BYTES:
            size, position = _varint(message, position)
            if position + size > len(message):
                raise ValueError("a field is longer than the message")
            yield tag >> 3, message[position : position + size]
            position += size
        elif kind in _FIXED:
            position += _FIXED[kind]
        elif kind == 0:
            _, position = _varint(message, position)
        else:
            raise ValueError("a field has an unknown type")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        number |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return number, position
        shift += 7
    raise ValueError("the message ends within a number")
