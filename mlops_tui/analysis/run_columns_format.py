"""A table of runs as bytes, for the cache on disk.

The layout is ours: a magic word with a version, a JSON header with the names, each array as its length and its
little-endian items, in the order in which ``dump_columns`` writes them, and last a checksum of all between the two.
Nothing in it is executed when it is read. What cannot be read is thrown away and fetched again, so there is no
compatibility with older versions.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_rows import STATUSES
from mlops_tui.analysis.sparse_columns import IndexArray, SparseColumn, TextColumn
from mlops_tui.analysis.vocabularies import Vocabulary
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef

_MAGIC = b"MLOPSRUNS\x02"
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")

Kind = TypeVar("Kind", bound=np.generic)


class RunColumnsFormatError(ValueError):
    """The bytes are no table of runs of this version, or damaged."""


def dump_columns(columns: RunColumns) -> Iterator[bytes]:
    """Write a table as bytes, piece by piece, so that a large one is never held twice."""
    checksum = 0
    yield _MAGIC
    for block in _blocks(columns):
        for part in (_LENGTH.pack(len(block)), block):
            checksum = zlib.crc32(part, checksum)
            yield part
    yield _CHECKSUM.pack(checksum)


def load_columns(data: bytes) -> RunColumns:
    """Read a table back.

    Raises:
        RunColumnsFormatError: the bytes are of another version, cut off or damaged.
    """
    try:
        return _read(_Reader(data))
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise RunColumnsFormatError(f"no readable table of runs: {error}") from error


def _blocks(columns: RunColumns) -> Iterator[bytes]:
    yield json.dumps(_header(columns)).encode()
    yield from _text_blocks(columns.ids[: columns.count])
    for dense in (columns.sources, columns.arrival, columns.names):
        yield _array_block(dense, np.int32)
    yield from _text_blocks(columns.name_vocabulary.terms)
    yield _array_block(columns.statuses, np.int8)
    yield _array_block(columns.users, np.int64)
    yield _array_block(columns.starts, np.float64)
    yield _array_block(columns.ends, np.float64)
    for metric in columns.metrics.values():
        yield _array_block(metric.rows, np.int32)
        yield _array_block(metric.values, np.float64)
    for text in (*columns.params.values(), *columns.tags.values()):
        yield _array_block(text.codes.rows, np.int32)
        yield _array_block(text.codes.values, np.int32)
        yield from _text_blocks(text.vocabulary.terms)


def _header(columns: RunColumns) -> dict[str, Any]:
    return {
        "count": columns.count,
        "statuses": [status.value for status in STATUSES],
        "experiments": [_experiment_row(experiment) for experiment in columns.experiments],
        "metrics": list(columns.metrics),
        "params": list(columns.params),
        "tags": list(columns.tags),
    }


def _array_block(array: NDArray[Any], kind: type[np.generic]) -> bytes:
    return array.astype(np.dtype(kind).newbyteorder("<"), copy=False).tobytes()


def _text_blocks(texts: list[str]) -> Iterator[bytes]:
    yield _array_block(np.fromiter(map(len, texts), np.int32, len(texts)), np.int32)
    yield "".join(texts).encode()


def _read(reader: _Reader) -> RunColumns:
    header = reader.header()
    if header["statuses"] != [status.value for status in STATUSES]:
        raise RunColumnsFormatError("other states of runs")
    ids = reader.texts()
    sources, arrival, names = (reader.array(np.int32) for _ in range(3))
    columns = RunColumns(
        count=header["count"],
        ids=ids,
        index_of_id={run_id: index for index, run_id in enumerate(ids)},
        experiments=tuple(_experiment(row) for row in header["experiments"]),
        sources=sources,
        arrival=arrival,
        names=names,
        name_vocabulary=Vocabulary(reader.texts()),
        statuses=reader.array(np.int8),
        users=reader.array(np.int64),
        starts=reader.array(np.float64),
        ends=reader.array(np.float64),
        metrics={name: SparseColumn(reader.array(np.int32), reader.array(np.float64)) for name in header["metrics"]},
        params={name: reader.text_column() for name in header["params"]},
        tags={name: reader.text_column() for name in header["tags"]},
    )
    reader.finish()
    return columns


def _experiment_row(experiment: Experiment) -> list[Any]:
    project = experiment.project
    return [project.id, project.path, experiment.iid, experiment.name, dict(experiment.tags)]


def _experiment(row: list[Any]) -> Experiment:
    project_id, path, iid, name, tags = row
    return Experiment(ProjectRef(project_id, path), iid, name, tags)


class _Reader:
    """Takes the parts apart again, in the same order."""

    def __init__(self, data: bytes) -> None:
        start, end = len(_MAGIC), len(data) - _CHECKSUM.size
        if not data.startswith(_MAGIC) or end < start:
            raise RunColumnsFormatError("another format or version")
        self._body = memoryview(data)[start:end]
        self._position = 0
        if _CHECKSUM.unpack_from(data, end) != (zlib.crc32(self._body),):
            raise RunColumnsFormatError("the checksum differs")

    def header(self) -> dict[str, Any]:
        header: dict[str, Any] = json.loads(bytes(self._block()))
        return header

    def array(self, kind: type[Kind]) -> NDArray[Kind]:
        stored = np.frombuffer(self._block(), np.dtype(kind).newbyteorder("<"))
        return stored.astype(kind)  # a copy, so that the bytes can be let go

    def texts(self) -> list[str]:
        ends = np.cumsum(self.array(np.int32), dtype=np.int64).tolist()
        joined = str(self._block(), "utf-8")
        return [joined[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def text_column(self) -> TextColumn:
        codes: SparseColumn[IndexArray] = SparseColumn(self.array(np.int32), self.array(np.int32))
        return TextColumn(codes, Vocabulary(self.texts()))

    def finish(self) -> None:
        if self._position != len(self._body):
            raise RunColumnsFormatError("something follows the table")

    def _block(self) -> memoryview:
        (length,) = _LENGTH.unpack_from(self._body, self._position)
        start = self._position + _LENGTH.size
        block = self._body[start : start + length]
        if len(block) != length:
            raise RunColumnsFormatError("cut off")
        self._position = start + length
        return block
