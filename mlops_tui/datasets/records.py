"""Tables of records: one mapping per row. A key that a record lacks, and None, is a missing value."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlops_tui.datasets.columns import Cells, Nature, Numbers
from mlops_tui.domain.text import clean

Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class ValueCells:
    """Values of the types that JSON has."""

    values: Sequence[Any]

    @property
    def rows(self) -> int:
        """How many cells there are."""
        return len(self.values)

    @property
    def nature(self) -> Nature:
        """By the types that occur; true and false are texts."""
        types = set(map(type, self.values)) - {type(None)}
        if not types:
            return Nature.NOTHING
        if types <= {int, float}:
            return Nature.NUMBERS
        if types <= {str, bool}:
            return Nature.TEXTS
        return Nature.MIXED if types <= {str, bool, int, float} else Nature.OTHER

    @property
    def is_whole(self) -> bool:
        """Whether every cell holds a whole number."""
        return set(map(type, self.values)) == {int}

    def numbers(self) -> Numbers:
        """The cells as numbers; a text is none, whatever it says."""
        import numpy as np

        missing = self.values.count(None)
        strange = [value for value in self.values if value is not None and not _is_number(value)]
        read = [float(value) if _is_number(value) else np.nan for value in self.values]
        return Numbers(np.array(read, np.float64), missing, len(strange), clean(str(strange[0]), 40) if strange else "")

    def texts(self) -> Sequence[str | None]:
        """The cells as texts: numbers and truth values as JSON writes them."""
        return [value if value is None or isinstance(value, str) else json.dumps(value) for value in self.values]

    def categories(self) -> Counter[str | None]:
        """How often each text comes."""
        return Counter(self.texts())


class RecordTable:
    """Records that come batch by batch; its columns are the keys of all that were read so far."""

    is_columnar = False

    def __init__(self, name: str, batches: Iterator[Sequence[Record]]) -> None:
        self.name = name
        self.rows = 0
        self._batches = batches
        self._first = next(batches, ())
        self._names = dict.fromkeys(key for record in self._first for key in record)

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys known so far."""
        return tuple(self._names)

    def read(self, columns: Sequence[str] | None = None) -> Iterator[tuple[str, Cells]]:
        """The cells of these columns, batch by batch; a key that first comes later has no cells before."""
        batch, self._first = self._first, ()
        while batch:
            self.rows += len(batch)
            self._names |= dict.fromkeys(key for record in batch for key in record)
            for name in self._names if columns is None else columns:
                if name in self._names:
                    yield name, ValueCells([record.get(name) for record in batch])
            batch = next(self._batches, ())

    def close(self) -> None:
        """Let go of where the records come from."""


def _is_number(value: object) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < 1 << 1023)
