"""From pages of MLflow's ``runs/search`` to columns, without a record per run.

Every entry is touched once: with a million of them, that is what the time goes into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_rows import STATUSES
from mlops_tui.analysis.sparse_columns import FloatArray, IndexArray, SparseColumn, TextColumn, Values
from mlops_tui.analysis.vocabularies import Vocabulary
from mlops_tui.domain.errors import UnreadableAnswerError
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.runs import RunStatus
from mlops_tui.domain.text import clean

_LAST_MILLISECOND = 253_402_300_799_000  # the end of the year 9999
_STATUS_CODES = {status.value: code for code, status in enumerate(STATUSES)}

Row = Mapping[str, Any]
Column = TypeVar("Column")
Kind = TypeVar("Kind", bound=np.generic)


class _Entries(Generic[Values]):
    """A column that pages are added to; ``column`` keeps what it has joined, so that little is copied twice."""

    __slots__ = ("_joined", "_rows", "_values")

    def __init__(self, nothing: Values) -> None:
        self._joined: SparseColumn[Values] = SparseColumn(np.empty(0, np.int32), nothing)
        self._rows: list[IndexArray] = []
        self._values: list[Values] = []

    def add(self, rows: IndexArray, values: Values) -> None:
        self._rows.append(rows)
        self._values.append(values)

    def column(self, every_row: IndexArray) -> SparseColumn[Values]:
        if self._rows:
            self._joined = self._joined.extended(self._rows, self._values, every_row)
            self._rows, self._values = [], []
        return self._joined


class _Metric:
    """The values of one metric."""

    def __init__(self) -> None:
        self.entries = _Entries(np.empty(0, np.float64))

    def read(self, values: Sequence[Any]) -> FloatArray:
        return _floats(values)

    def column(self, every_row: IndexArray) -> SparseColumn[FloatArray]:
        return self.entries.column(every_row)


class _Text:
    """The texts of one parameter or tag."""

    def __init__(self) -> None:
        self.entries = _Entries(np.empty(0, np.int32))
        self._vocabulary = Vocabulary()

    def read(self, values: Sequence[Any]) -> IndexArray:
        return np.fromiter(map(self._vocabulary.code, values), np.int32, len(values))

    def column(self, every_row: IndexArray) -> TextColumn:
        return TextColumn(self.entries.column(every_row), self._vocabulary)


class _Named(Generic[Column]):
    """The metrics, the parameters or the tags by their names."""

    def __init__(self, kind: Callable[[], Any]) -> None:
        self._kind = kind
        self._columns: dict[str, Any] = {}

    def read(self, entries: Sequence[Sequence[Row]], first_row: int) -> list[tuple[_Entries[Any], IndexArray, Any]]:
        """The ``{"key", "value"}`` entries of a page, one sequence for each of its rows, ready to be added."""
        by_key: dict[str, tuple[list[int], list[Any]]] = {}
        for row, own in enumerate(entries, start=first_row):
            for entry in own:
                key = entry["key"]
                pair = by_key.get(key)
                if pair is None:
                    pair = by_key[key] = ([], [])
                pair[0].append(row)
                pair[1].append(entry["value"])
        ready = []
        for key, (rows, values) in by_key.items():
            # Keys that look alike once they are safe to draw share a column.
            column = self._open(clean(key))
            ready.append((column.entries, np.array(rows, np.int32), column.read(values)))
        return ready

    def columns(self, every_row: IndexArray) -> dict[str, Column]:
        return {name: column.column(every_row) for name, column in self._columns.items()}

    def _open(self, name: str) -> Any:
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = self._kind()
        return column


class RunColumnsBuilder:
    """Takes pages as they come, newest run first, and gives the table so far whenever it is asked."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._index_of_id: dict[str, int] = {}
        self._experiments: list[Experiment] = []
        self._name_vocabulary = Vocabulary()
        self._sources: list[IndexArray] = []
        self._names: list[IndexArray] = []
        self._statuses: list[NDArray[np.int8]] = []
        self._users: list[NDArray[np.int64]] = []
        self._starts: list[FloatArray] = []
        self._ends: list[FloatArray] = []
        self._metrics: _Named[SparseColumn[FloatArray]] = _Named(_Metric)
        self._params: _Named[TextColumn] = _Named(_Text)
        self._tags: _Named[TextColumn] = _Named(_Text)

    def __len__(self) -> int:
        return len(self._ids)

    def append_page(self, rows: Iterable[Row], experiment: Experiment) -> None:
        """Add the ``runs`` of one answer, as decoded JSON; a run that is already there is left as it is.

        Raises:
            UnreadableAnswerError: a row is not what MLflow's API promises.
        """
        try:
            self._append(rows, experiment)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise UnreadableAnswerError(
                f"The runs of {experiment.name} cannot be read", why=f"a row has an unexpected shape ({error!r})"
            ) from error

    def build(self) -> RunColumns:
        """The table of all runs so far; later pages do not change it."""
        count = len(self._ids)
        every_row = np.arange(count, dtype=np.int32)
        return RunColumns(
            count=count,
            ids=self._ids,
            index_of_id=self._index_of_id,
            experiments=tuple(self._experiments),
            sources=_joined(self._sources, np.int32),
            arrival=every_row,
            names=_joined(self._names, np.int32),
            name_vocabulary=self._name_vocabulary,
            statuses=_joined(self._statuses, np.int8),
            users=_joined(self._users, np.int64),
            starts=_joined(self._starts, np.float64),
            ends=_joined(self._ends, np.float64),
            metrics=self._metrics.columns(every_row),
            params=self._params.columns(every_row),
            tags=self._tags.columns(every_row),
        )

    def _append(self, rows: Iterable[Row], experiment: Experiment) -> None:
        fresh = {run_id: row for row in rows if (run_id := clean(row["info"]["run_id"])) not in self._index_of_id}
        if not fresh:
            return
        first_row = len(self._ids)
        data = [row.get("data") or {} for row in fresh.values()]
        dense = self._read_infos([row["info"] for row in fresh.values()], experiment)
        sparse = [
            *self._metrics.read([part.get("metrics") or () for part in data], first_row),
            *self._params.read([part.get("params") or () for part in data], first_row),
            *self._tags.read([part.get("tags") or () for part in data], first_row),
        ]
        # Everything was read, so from here on nothing can fail and leave half a page behind.
        for pages, page in dense:
            pages.append(page)
        for entries, entry_rows, values in sparse:
            entries.add(entry_rows, values)
        self._index_of_id.update((run_id, first_row + place) for place, run_id in enumerate(fresh))
        self._ids.extend(fresh)

    def _read_infos(self, infos: list[Row], experiment: Experiment) -> list[tuple[list[Any], NDArray[Any]]]:
        if experiment not in self._experiments:
            self._experiments.append(experiment)
        names = [self._name_vocabulary.append(info.get("run_name") or "") for info in infos]
        return [
            (self._sources, np.full(len(infos), self._experiments.index(experiment), np.int32)),
            (self._names, np.array(names, np.int32)),
            (self._statuses, np.array([_status_code(info.get("status")) for info in infos], np.int8)),
            (self._users, np.array([_user(info.get("user_id")) for info in infos], np.int64)),
            (self._starts, _seconds([info.get("start_time") for info in infos])),
            (self._ends, _seconds([info.get("end_time") for info in infos])),
        ]


def _joined(pages: list[NDArray[Kind]], kind: type[Kind]) -> NDArray[Kind]:
    """Join the pages into one array and keep it in their place."""
    pages[:] = [np.concatenate(pages, dtype=kind) if pages else np.empty(0, kind)]
    return pages[0]


def _status_code(status: object) -> int:
    code = _STATUS_CODES.get(status) if isinstance(status, str) else None
    return STATUSES.index(RunStatus.parse(str(status))) if code is None else code


def _user(user_id: object) -> int:
    text = str(user_id)
    return int(text) if text.isdecimal() and len(text) < 18 else -1


def _floats(values: Sequence[Any]) -> FloatArray:
    # GitLab's JSON has null where a number is NaN or infinite; numpy reads it as NaN.
    numbers = np.array(values, np.float64)
    if numbers.ndim != 1:
        raise ValueError("a number is a list")
    return numbers


def _seconds(milliseconds: Sequence[Any]) -> FloatArray:
    times = _floats(milliseconds)
    known = (times > 0) & (times <= _LAST_MILLISECOND)
    return np.where(known, times, np.nan) / 1000
