"""What every reader gives: the cells of a column, batch by batch, read as numbers or as texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from mlops_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from mlops_tui.analysis.sparse_columns import FloatArray

# So many rows of a table that is stored row by row are in memory at a time.
BATCH_ROWS = 8_192


class DataError(UsageError):
    """A table cannot be read: no such file, another format, damaged, or rows that do not fit its header."""


class Nature(Enum):
    """What cells hold by themselves; ``EITHER`` is text of a file that knows nothing but text."""

    NUMBERS = "numbers"
    TEXTS = "texts"
    EITHER = "text or numbers"
    NOTHING = "nothing"
    MIXED = "numbers and texts"
    OTHER = "dates, lists or records"


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Cells as numbers, in their order; a missing or unreadable one is NaN.

    ``missing`` counts the cells without a value and ``strange`` those that are no number, of which ``example`` is the
    first.
    """

    values: FloatArray
    missing: int
    strange: int = 0
    example: str = ""


class Cells(Protocol):
    """A stretch of one column."""

    @property
    def rows(self) -> int:
        """How many cells there are, missing ones included."""
        ...

    @property
    def nature(self) -> Nature:
        """What they hold."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether every cell holds a whole number, written as one."""
        ...

    def numbers(self) -> Numbers:
        """The cells as numbers."""
        ...

    def texts(self) -> Sequence[str | None]:
        """The cells as texts, None where one is missing."""
        ...

    def categories(self) -> Counter[str | None]:
        """How often each text comes, the missing ones under None."""
        ...


class Dataset(Protocol):
    """A table.

    ``read`` may be called once where the table comes from a pipe. Where ``is_columnar``, a column can be read without
    the others and several at once from different threads.
    """

    @property
    def name(self) -> str:
        """The file, or where else it comes from."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns known so far, in their order; a table without a header may find more while it is read."""
        ...

    @property
    def rows(self) -> int:
        """How many rows were read so far, all of them once ``read`` has ended."""
        ...

    @property
    def is_columnar(self) -> bool:
        """Whether single columns can be read."""
        ...

    def read(self, columns: Sequence[str] | None = None) -> Iterator[tuple[str, Cells]]:
        """The cells of these columns (None = all), batch by batch.

        Raises:
            DataError: the table is damaged.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
