"""Parquet files, column by column, where pyarrow is installed. Null is missing, NaN is NaN."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_tui.datasets.columns import Cells, DataError, Nature, Numbers
from mlops_tui.domain.text import clean

_BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class ArrowCells:
    """An Arrow array."""

    array: Any

    @property
    def rows(self) -> int:
        """How many cells there are."""
        return len(self.array)

    @property
    def nature(self) -> Nature:
        """By the column's type; true and false are texts."""
        import pyarrow.types as kinds

        kind = self.array.type
        if kinds.is_dictionary(kind):
            kind = kind.value_type
        if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind):
            return Nature.NUMBERS
        if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_boolean(kind):
            return Nature.TEXTS
        return Nature.NOTHING if kinds.is_null(kind) else Nature.OTHER

    @property
    def is_whole(self) -> bool:
        """Whether the column is of whole numbers, none missing."""
        import pyarrow.types as kinds

        return bool(kinds.is_integer(self.array.type)) and self.array.null_count == 0

    def numbers(self) -> Numbers:
        """The cells as numbers; a text is none, whatever it says."""
        import numpy as np
        import pyarrow as pa

        missing = int(self.array.null_count)
        if self.nature not in {Nature.NUMBERS, Nature.NOTHING}:
            present = self.array.drop_null()
            example = clean(str(present[0].as_py()), 40) if len(present) else ""
            return Numbers(np.full(len(self.array), np.nan), missing, len(present), example)
        values = self.array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return Numbers(np.asarray(values, np.float64), missing)

    def texts(self) -> Sequence[str | None]:
        """The cells as texts."""
        return [_text(value) for value in self.array.to_pylist()]

    def categories(self) -> Counter[str | None]:
        """How often each text comes."""
        counts: Counter[str | None] = Counter()
        for entry in self.array.value_counts():
            counts[_text(entry["values"].as_py())] += entry["counts"].as_py()
        return counts


class ParquetDataset:
    """A Parquet file. Memory holds one batch of one column at a time, per thread that reads."""

    is_columnar = True

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        with self._open() as file:
            self.columns = tuple(str(name) for name in file.schema_arrow.names)
            self.rows = int(file.metadata.num_rows)

    def read(self, columns: Sequence[str] | None = None) -> Iterator[tuple[str, Cells]]:
        """The cells of these columns, one column after the other."""
        import pyarrow as pa

        with self._open() as file:
            for name in self.columns if columns is None else columns:
                if name not in self.columns:
                    continue
                try:
                    for batch in file.iter_batches(_BATCH_ROWS, columns=[name], use_threads=False):
                        yield name, ArrowCells(batch.column(0))
                except (pa.ArrowException, OSError) as error:
                    raise self._damaged(error) from None

    def close(self) -> None:
        """Nothing is open between reads."""

    def _open(self) -> Any:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise DataError(
                f"{self.name} cannot be read",
                why="Parquet files need pyarrow, which is not installed",
                remedy="Install pyarrow, or hand over CSV or NDJSON",
            ) from None
        try:
            # Buffering ahead would hold a whole column of the file.
            return parquet.ParquetFile(self._path, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> DataError:
        return DataError(f"{self.name} cannot be read", why=clean(str(error), 200))


def _text(value: object) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
