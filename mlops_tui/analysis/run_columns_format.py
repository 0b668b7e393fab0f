"""A table of runs as bytes, for the cache on disk.

The layout is ours: a magic word with a version, a checksum of all that follows, a JSON header with the names, and then
each array as its length and its little-endian items, in the order in which ``_write`` writes them. Nothing in it is
executed when it is read. What cannot be read is thrown away and fetched again, so there is no compatibility with
older versions.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_rows import STATUSES
from mlops_tui.analysis.sparse_columns import IndexArray, SparseColumn, TextColumn
from mlops_tui.analysis.vocabularies import Vocabulary
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef

_MAGIC = b"MLOPSRUNS\x01"
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")

Kind = TypeVar("Kind", bound=np.generic)


class RunColumnsFormatError(ValueError):
    """The bytes are no table of runs of this version, or damaged."""


def dump_columns(columns: RunColumns) -> bytes:
    """Write a table as bytes."""
    writer = _Writer()
    writer.header(
        {
            "count": columns.count,
            "statuses": [status.value for status in STATUSES],
            "experiments": [_experiment_row(experiment) for experiment in columns.experiments],
            "metrics": list(columns.metrics),
            "params": list(columns.params),
            "tags": list(columns.tags),
        }
    )
    writer.texts(columns.ids[: columns.count])
    for dense in (columns.sources, columns.arrival, columns.names):
        writer.array(dense, np.int32)
    writer.texts(columns.name_vocabulary.terms)
    writer.array(columns.statuses, np.int8)
    writer.array(columns.users, np.int64)
    writer.array(columns.starts, np.float64)
    writer.array(columns.ends, np.float64)
    for metric in columns.metrics.values():
        writer.array(metric.rows, np.int32)
        writer.array(metric.values, np.float64)
    for text in (*columns.params.values(), *columns.tags.values()):
        writer.array(text.codes.rows, np.int32)
        writer.array(text.codes.values, np.int32)
        writer.texts(text.vocabulary.terms)
    return writer.finish()


def load_columns(data: bytes) -> RunColumns:
    """Read a table back.

    Raises:
        RunColumnsFormatError: the bytes are of another version, cut off or damaged.
    """
    try:
        return _read(_Reader(data))
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise RunColumnsFormatError(f"no readable table of runs: {error}") from error


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


class _Writer:
    """Collects the parts of one table."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def header(self, header: Mapping[str, Any]) -> None:
        self._block(json.dumps(header).encode())

    def array(self, array: NDArray[Any], kind: type[np.generic]) -> None:
        self._block(array.astype(np.dtype(kind).newbyteorder("<"), copy=False).tobytes())

    def texts(self, texts: list[str]) -> None:
        self.array(np.fromiter(map(len, texts), np.int32, len(texts)), np.int32)
        self._block("".join(texts).encode())

    def finish(self) -> bytes:
        body = b"".join(self._parts)
        return _MAGIC + _CHECKSUM.pack(zlib.crc32(body)) + body

    def _block(self, data: bytes) -> None:
        self._parts += (_LENGTH.pack(len(data)), data)


class _Reader:
    """Takes the parts apart again, in the same order."""

    def __init__(self, data: bytes) -> None:
        start = len(_MAGIC) + _CHECKSUM.size
        if not data.startswith(_MAGIC) or len(data) < start:
            raise RunColumnsFormatError("another format or version")
        self._body = memoryview(data)[start:]
        self._position = 0
        if _CHECKSUM.unpack_from(data, len(_MAGIC)) != (zlib.crc32(self._body),):
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
