"""Opening a table or a reference profile from a file or standard input, whatever its name: the content tells."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from typing import BinaryIO

from mlops_tui.analysis.profile_documents import FIRST_BYTES, load_profile
from mlops_tui.datasets.columns import DataError, Dataset
from mlops_tui.datasets.csv_tables import CsvDataset
from mlops_tui.datasets.ndjson_tables import NdjsonDataset
from mlops_tui.datasets.parquet_tables import ParquetDataset
from mlops_tui.domain.profiles import ProfileError, ReferenceProfile

STANDARD_INPUT = "-"

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_LARGEST_PROFILE = 256 * 1024 * 1024


def open_dataset(path: str) -> Dataset:
    """Open a table; ``-`` is standard input. CSV and NDJSON may be gzipped.

    Raises:
        DataError: there is no such file, or it is no table.
    """
    opened = open_reference(path)
    if isinstance(opened, ReferenceProfile):
        raise DataError(f"{_name(path)} is a reference profile", remedy="Hand over the data themselves")
    return opened


def open_reference(path: str) -> ReferenceProfile | Dataset:
    """Open a reference profile or a table.

    Raises:
        DataError: there is no such file, or it is neither.
        ProfileError: it is a profile that is damaged or of another version.
    """
    name = _name(path)
    stream = _stream(path)
    start = _peek(stream, name)
    if start.startswith(_PARQUET):
        stream.close()
        if path == STANDARD_INPUT:
            raise DataError("Parquet cannot be read from standard input", remedy="Name the file")
        return ParquetDataset(Path(path))
    if start.startswith(_GZIP):
        stream = io.BufferedReader(_Unzipped(stream, name))
        start = _peek(stream, name)
    if start.startswith(FIRST_BYTES):
        return _profile(stream, name)
    match start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]:
        case b"{":
            return NdjsonDataset(stream, name)
        case b"[":
            stream.close()
            raise DataError(f"{name} cannot be read", why="it is one JSON array", remedy="Write one object per line")
        case _:
            return CsvDataset(io.TextIOWrapper(stream, "utf-8-sig", newline=""), name)


def _profile(stream: BinaryIO, name: str) -> ReferenceProfile:
    with stream:
        data = stream.read(_LARGEST_PROFILE + 1)
    if len(data) > _LARGEST_PROFILE:
        raise ProfileError(f"{name} cannot be read as a reference profile", why="it is larger than any profile")
    return load_profile(data, name)


def _stream(path: str) -> io.BufferedReader:
    if path == STANDARD_INPUT:
        return _standard_input()
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read", why=error.strerror or str(error)) from None


def _standard_input() -> io.BufferedReader:
    """A handle of its own, which may be closed; where there is no descriptor, what has been piped in by other means."""
    try:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    except (OSError, ValueError):
        return io.BufferedReader(io.BytesIO(sys.stdin.read().encode("utf-8")))


def _peek(stream: io.BufferedReader, name: str) -> bytes:
    try:
        return stream.peek(64)[:64]
    except OSError as error:
        raise DataError(f"{name} cannot be read", why=error.strerror or str(error)) from None


def _name(path: str) -> str:
    return "standard input" if path == STANDARD_INPUT else path


class _Unzipped(io.RawIOBase):
    """A gzipped stream as its content; damage is told as such."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._file = gzip.GzipFile(fileobj=stream)
        self._name = name

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands in
        """Fill the buffer from the content."""
        import zlib

        try:
            data = self._file.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{self._name} cannot be read", why=f"its compression is damaged ({error})") from None
        buffer[: len(data)] = data
        return len(data)
