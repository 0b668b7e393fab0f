"""OTLP in files: JSON lines as the OpenTelemetry Collector's file exporter writes them, or length-prefixed protobuf.

Each JSON line, and each protobuf message, is an export request; a protobuf message follows its size in four bytes, the
highest first. A file that is one bare message is read too, and so are gzip-compressed files.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, BinaryIO, cast

from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.traces import Span
from mlops_tui.tracing import otlp_json, otlp_protobuf
from mlops_tui.tracing.admission import MEBIBYTE
from mlops_tui.tracing.attributes import AttributeRules
from mlops_tui.tracing.findings import Findings, MalformedBodyError

MOST_BYTES = 64 * MEBIBYTE
_SIZE = struct.Struct(">I")
_GZIP = b"\x1f\x8b"


class FileFormat(StrEnum):
    """How spans are written to a file."""

    JSON = "json"
    PROTOBUF = "protobuf"


def read_spans(path: Path, rules: AttributeRules, findings: Findings) -> Iterator[list[Span]]:
    """The spans of a file, part by part; the format is recognised.

    Raises:
        UsageError: The file cannot be read or holds something else; what came before it was already given.
    """
    try:
        with _opened(path) as file:
            if file.peek(1) in {b"{", b""}:
                yield from _json_lines(file, path, rules, findings)
            else:
                for message in _messages(file):
                    yield from otlp_protobuf.decode(message, rules, findings)
    except OSError as error:
        raise UsageError(f"{path} cannot be read", why=error.strerror or str(error)) from None
    except (MalformedBodyError, EOFError) as error:
        raise UsageError(f"{path} holds no spans in OTLP", why=str(error)) from None


def write_spans(file: IO[bytes], spans: Iterable[Span], file_format: FileFormat) -> None:
    """Append one export request with these spans."""
    match file_format:
        case FileFormat.JSON:
            file.write(otlp_json.encode(spans) + b"\n")
        case FileFormat.PROTOBUF:
            message = otlp_protobuf.encode(spans)
            file.write(_SIZE.pack(len(message)) + message)


class _Peekable:
    """A file of which the beginning can be looked at; a context manager."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead = b""

    def __enter__(self) -> _Peekable:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def peek(self, size: int) -> bytes:
        self._ahead += self._file.read(max(0, size - len(self._ahead)))
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        ahead, self._ahead = self._ahead[:size], self._ahead[size:]
        return ahead + self._file.read(size - len(ahead))

    def readline(self, most: int) -> bytes:
        ahead, self._ahead = self._ahead, b""
        return ahead + self._file.readline(most)


def _opened(path: Path) -> _Peekable:
    file = path.open("rb")
    try:
        beginning = file.read(2)
        file.seek(0)
    except OSError:
        file.close()
        raise
    return _Peekable(cast("BinaryIO", gzip.open(file)) if beginning == _GZIP else file)


def _json_lines(file: _Peekable, path: Path, rules: AttributeRules, findings: Findings) -> Iterator[list[Span]]:
    number = 0
    while line := file.readline(MOST_BYTES + 1):
        number += 1
        if len(line) > MOST_BYTES:
            raise MalformedBodyError(f"line {number} is longer than {MOST_BYTES} bytes")
        if not line.strip():
            continue
        try:
            yield from otlp_json.decode(line, rules, findings)
        except MalformedBodyError as error:
            raise UsageError(f"{path}:{number} is no export request", why=str(error)) from None


def _messages(file: _Peekable) -> Iterator[bytes]:
    """The messages of a file; a bare one begins with the tag of its first field, which would be a huge size."""
    (size,) = _SIZE.unpack(file.peek(4).ljust(4, b"\0"))
    if size > MOST_BYTES:
        message = file.read(MOST_BYTES + 1)
        if len(message) > MOST_BYTES:
            raise MalformedBodyError(f"it is longer than {MOST_BYTES} bytes")
        yield message
        return
    while head := file.read(4):
        if len(head) < 4:
            raise MalformedBodyError("it ends within a message")
        (size,) = _SIZE.unpack(head)
        message = file.read(size) if size <= MOST_BYTES else b""
        if len(message) < size:
            raise MalformedBodyError("it ends within a message")
        yield message
