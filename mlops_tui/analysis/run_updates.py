"""Keeping a table of runs fresh: the newest page and the runs that still run, instead of everything again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_pages import RunColumnsBuilder
from mlops_tui.analysis.sparse_columns import FloatArray, IndexArray, MaskArray, SparseColumn, TextColumn
from mlops_tui.analysis.vocabularies import Vocabulary
from mlops_tui.domain.experiments import Experiment

Column = TypeVar("Column")
Array = TypeVar("Array", bound=NDArray[Any])


def updated(columns: RunColumns, rows: Iterable[Mapping[str, Any]], experiment: Experiment) -> RunColumns:
    """A table in which these rows of ``runs/search`` or ``runs/get``, newest first, replace what was known of them.

    Runs that were not there come on top. The given table stays as it is; what did not change is shared.

    Raises:
        UnreadableAnswerError: a row is not what MLflow's API promises.
    """
    builder = RunColumnsBuilder()
    builder.append_page(rows, experiment)
    batch = builder.build()
    return _Merge.of(columns, batch).result() if len(batch) else columns


@dataclass(frozen=True, slots=True)
class _Merge:
    """A table, a batch of rows for it, and where in the table each of these goes."""

    table: RunColumns
    batch: RunColumns
    ids: list[str]
    index_of_id: dict[str, int]
    targets: IndexArray
    changed: MaskArray

    @classmethod
    def of(cls, table: RunColumns, batch: RunColumns) -> _Merge:
        known = [table.find(run_id) for run_id in batch.ids]
        ids, index_of_id = table.ids, table.index_of_id
        fresh = [run_id for run_id, index in zip(batch.ids, known, strict=True) if index is None]
        if fresh or len(ids) > table.count:
            ids = table.ids[: table.count] + fresh
            index_of_id = {run_id: index for index, run_id in enumerate(ids)}
        targets = np.array([index_of_id[run_id] for run_id in batch.ids], np.int32)
        changed = np.zeros(len(ids), np.bool_)
        changed[targets] = True
        return cls(table, batch, ids, index_of_id, targets, changed)

    def result(self) -> RunColumns:
        table, batch = self.table, self.batch
        added = [experiment for experiment in batch.experiments if experiment not in table.experiments]
        experiments = (*table.experiments, *added)
        places = np.array([experiments.index(experiment) for experiment in batch.experiments], np.int32)
        return replace(
            table,
            count=len(self.ids),
            ids=self.ids,
            index_of_id=self.index_of_id,
            experiments=experiments,
            sources=self._dense(table.sources, places[batch.sources]),
            arrival=self._arrival(),
            names=self._dense(table.names, self._names()),
            statuses=self._dense(table.statuses, batch.statuses),
            users=self._dense(table.users, batch.users),
            starts=self._dense(table.starts, batch.starts),
            ends=self._dense(table.ends, batch.ends),
            metrics=self._columns(table.metrics, batch.metrics, self._numbers),
            params=self._columns(table.params, batch.params, self._texts),
            tags=self._columns(table.tags, batch.tags, self._texts),
        )

    def _dense(self, old: Array, new: Array) -> Array:
        merged = np.empty(len(self.ids), old.dtype)
        merged[: len(old)] = old
        merged[self.targets] = new
        return merged  # type: ignore[return-value]  # numpy cannot say that the dtype is the old one

    def _names(self) -> IndexArray:
        """A code per row of the batch: the one it has, unless the run is new or was renamed."""
        table, vocabulary = self.table, self.table.name_vocabulary
        codes = np.empty(len(self.batch), np.int32)
        for place, target in enumerate(self.targets.tolist()):
            name = self.batch.row(place).name
            code = int(table.names[target]) if target < table.count else None
            codes[place] = code if code is not None and vocabulary.terms[code] == name else vocabulary.append(name)
        return codes

    def _arrival(self) -> IndexArray:
        old = self.table.arrival
        added = len(self.ids) - len(old)
        first = int(old.min(initial=0)) - added
        return np.concatenate([old, np.arange(first, first + added, dtype=np.int32)])

    def _columns(
        self,
        old: Mapping[str, Column],
        new: Mapping[str, Column],
        merge: Callable[[Column | None, Column | None], Column],
    ) -> dict[str, Column]:
        return {name: merge(old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))}

    def _numbers(
        self, old: SparseColumn[FloatArray] | None, new: SparseColumn[FloatArray] | None
    ) -> SparseColumn[FloatArray]:
        old = old or SparseColumn(np.empty(0, np.int32), np.empty(0))
        rows, values = (self.targets[new.rows], new.values) if new else (np.empty(0, np.int32), np.empty(0))
        return old.replaced(self.changed, rows, values)

    def _texts(self, old: TextColumn | None, new: TextColumn | None) -> TextColumn:
        nothing = np.empty(0, np.int32)
        old = old or TextColumn(SparseColumn(nothing, nothing), Vocabulary())
        if new is None:
            return TextColumn(old.codes.replaced(self.changed, nothing, nothing), old.vocabulary)
        codes = _translated(new.codes.values, new.vocabulary, old.vocabulary)
        return TextColumn(old.codes.replaced(self.changed, self.targets[new.codes.rows], codes), old.vocabulary)


def _translated(codes: IndexArray, spoken: Vocabulary, wanted: Vocabulary) -> IndexArray:
    dictionary = np.array([wanted.code(term) for term in spoken.terms], np.int32)
    return dictionary[codes]
