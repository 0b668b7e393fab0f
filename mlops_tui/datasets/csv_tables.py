"""CSV with a header, streamed. An empty cell is missing; in numbers so are the usual words for it (NA, null ...)."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TextIO, TypeVar

from mlops_tui.datasets.columns import BATCH_ROWS, Cells, DataError, Nature, Numbers
from mlops_tui.domain.text import clean

if TYPE_CHECKING:
    from mlops_tui.analysis.sparse_columns import FloatArray

_Result = TypeVar("_Result")

_MISSING = frozenset({"", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "Null", "None", "none", "<NA>", "-"})
_DELIMITERS = ",;\t|"
_LONGEST_CELL = 1_048_576


@dataclass(frozen=True, slots=True, eq=False)
class TextCells:
    """Cells of a file that knows nothing but text."""

    cells: Sequence[str]

    @property
    def rows(self) -> int:
        """How many cells there are."""
        return len(self.cells)

    @property
    def nature(self) -> Nature:
        """Text may read as numbers or not."""
        return Nature.EITHER if any(self.cells) else Nature.NOTHING

    @property
    def is_whole(self) -> bool:
        """Whether every cell is a sign at most and digits."""
        return all(cell.lstrip("+-").isdecimal() for cell in self.cells)

    def numbers(self) -> Numbers:
        """The cells as numbers; NaN and the infinities as Python reads them."""
        import numpy as np

        values = _read(self.cells)
        if values is not None:
            return Numbers(values, 0)
        missing = sum(map(_MISSING.__contains__, self.cells))
        values = _read(["nan" if cell in _MISSING else cell for cell in self.cells])
        if values is not None:
            return Numbers(values, missing)
        read = [_number(cell.strip()) for cell in self.cells]
        strange = [cell for cell, value in zip(self.cells, read, strict=True) if value is _STRANGE]
        values = np.array([value if isinstance(value, float) else np.nan for value in read], np.float64)
        return Numbers(values, read.count(None), len(strange), clean(strange[0], 40) if strange else "")

    def texts(self) -> Sequence[str | None]:
        """The cells as they stand."""
        return [cell or None for cell in self.cells]

    def categories(self) -> Counter[str | None]:
        """How often each text comes."""
        counts: Counter[str | None] = Counter(self.cells)
        missing = counts.pop("", 0)
        if missing:
            counts[None] = missing
        return counts


class CsvDataset:
    """A CSV file or pipe. Comma, semicolon, tab or bar separate, whichever the header has most of."""

    is_columnar = False

    def __init__(self, stream: TextIO, name: str) -> None:
        self.name = name
        self.rows = 0
        self._stream = stream
        csv.field_size_limit(_LONGEST_CELL)
        header = self._guarded(stream.readline)
        if not header.strip():
            raise DataError(f"{name} cannot be read", why="it is empty, without even a header")
        delimiter = max(_DELIMITERS, key=header.count)
        self._reader = csv.reader(self._lines(header, stream), delimiter=delimiter, strict=True)
        self.columns = tuple(self._guarded(lambda: next(self._reader)))
        twice = [column for column, count in Counter(self.columns).items() if count > 1]
        if twice:
            raise DataError(f"{name} cannot be read", why=f"its header names {clean(twice[0], 80)!r} twice")

    def read(self, columns: Sequence[str] | None = None) -> Iterator[tuple[str, Cells]]:
        """The cells of these columns, batch by batch; a row that is too short misses its last cells."""
        wanted = self.columns if columns is None else columns
        places = [(name, place) for place, name in enumerate(self.columns) if name in set(wanted)]
        while batch := self._guarded(lambda: list(islice(self._reader, BATCH_ROWS))):
            rows = self._even(batch)
            self.rows += len(rows)
            cells = list(zip(*rows, strict=True))
            if cells:
                yield from ((name, TextCells(cells[place])) for name, place in places)

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def _even(self, batch: list[list[str]]) -> list[list[str]]:
        width = len(self.columns)
        if set(map(len, batch)) == {width}:
            return batch
        rows = [row for row in batch if row]
        longest = max(map(len, rows), default=0)
        if longest > width:
            row = next(place for place, row in enumerate(rows) if len(row) > width)
            raise DataError(
                f"{self.name} cannot be read",
                why=f"row {self.rows + row + 1} has {len(rows[row])} cells, and the header has {width}",
            )
        return [row + [""] * (width - len(row)) for row in rows]

    def _lines(self, header: str, stream: TextIO) -> Iterator[str]:
        yield header
        yield from stream

    def _guarded(self, read: Callable[[], _Result]) -> _Result:
        try:
            return read()
        except csv.Error as error:
            why = f"near row {self.rows + 1}: {error}"
        except UnicodeDecodeError:
            why = "it is not UTF-8 text"
        except (OSError, EOFError) as error:
            why = str(error)
        raise DataError(f"{self.name} cannot be read", why=why)


_STRANGE = object()


def _read(cells: Sequence[str]) -> FloatArray | None:
    """All cells at once, or None if a single one is not a plain number."""
    import numpy as np

    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    # Python reads 1_000, which no other tool writes.
    return None if "_" in "".join(cells) else values


def _number(cell: str) -> float | object | None:
    if cell in _MISSING:
        return None
    try:
        return _STRANGE if "_" in cell else float(cell)
    except ValueError:
        return _STRANGE
