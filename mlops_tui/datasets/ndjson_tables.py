"""NDJSON: one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from mlops_tui.datasets.columns import BATCH_ROWS, DataError
from mlops_tui.datasets.records import Record, RecordTable


class NdjsonDataset(RecordTable):
    """An NDJSON file or pipe."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        super().__init__(name, _batches(stream, name))

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()


def _batches(stream: BinaryIO, name: str) -> Iterator[list[Record]]:
    lines = (line for line in stream if line.strip())
    row = 1
    while batch := _lines(lines, name):
        yield [_record(line, number, name) for number, line in enumerate(batch, row)]
        row += len(batch)


def _lines(lines: Iterator[bytes], name: str) -> list[bytes]:
    try:
        return list(islice(lines, BATCH_ROWS))
    except (OSError, EOFError) as error:
        raise DataError(f"{name} cannot be read", why=str(error)) from None


def _record(line: bytes, row: int, name: str) -> dict[str, Any]:
    import orjson

    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        # Python's own reader takes the NaN and Infinity that numpy and pandas write.
        record = _lenient(line, row, name)
    if not isinstance(record, dict):
        raise DataError(f"{name} cannot be read", why=f"line {row} holds no JSON object")
    return record


def _lenient(line: bytes, row: int, name: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise DataError(f"{name} cannot be read", why=f"line {row} is not JSON") from None
