"""Runs as columns: a hundred thousand of them filter and sort in milliseconds and take tens of megabytes.

A row index names a run for as long as the table lives: rows are added at the end and replaced in place, and only
``order`` says in which order they are shown. Texts for drawing are made for the rows that are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis import run_filters
from mlops_tui.analysis.run_rows import STATUSES, RunRow
from mlops_tui.analysis.sparse_columns import FloatArray, IndexArray, MaskArray, SparseColumn, TextColumn, sorted_rows
from mlops_tui.analysis.vocabularies import Vocabulary
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.filters import Expression, Field, FieldKind, TextSearch


@dataclass(frozen=True, slots=True, eq=False)
class RunColumns:
    """A table of runs; make one with ``RunColumnsBuilder`` and keep it fresh with ``updated``.

    ``ids`` and ``index_of_id`` may already hold later rows than this table's ``count``, because they are shared with
    the builder. ``starts`` and ``ends`` are Unix seconds, NaN where missing. ``arrival`` orders the rows for showing,
    least first. ``statuses`` holds codes into ``STATUSES``, ``sources`` codes into ``experiments``, and ``users`` -1
    where GitLab names none.
    """

    count: int
    ids: list[str]
    index_of_id: dict[str, int]
    experiments: tuple[Experiment, ...]
    sources: IndexArray
    arrival: IndexArray
    names: IndexArray
    name_vocabulary: Vocabulary
    statuses: NDArray[np.int8]
    users: NDArray[np.int64]
    starts: FloatArray
    ends: FloatArray
    metrics: Mapping[str, SparseColumn[FloatArray]]
    params: Mapping[str, TextColumn]
    tags: Mapping[str, TextColumn]

    def __len__(self) -> int:
        return self.count

    def row(self, index: int) -> RunRow:
        """One run, looked up as its parts are asked for."""
        return RunRow(self, index)

    def find(self, run_id: str) -> int | None:
        """The row of a run, or None."""
        index = self.index_of_id.get(run_id)
        return index if index is not None and index < self.count else None

    def order(self) -> IndexArray:
        """All rows as they came, with runs that were added later on top."""
        return np.argsort(self.arrival, kind="stable").astype(np.int32)

    def filter(self, expression: Expression, now: datetime) -> IndexArray:
        """The rows that fit a filter, in the order of ``order``; ``now`` is what ages count from."""
        order = self.order()
        return order[run_filters.mask(self, expression, now)[order]]

    def search(self, search: TextSearch, fields: Sequence[Field], number_text: Callable[[float], str]) -> IndexArray:
        """The rows in which the pattern is found in any cell of these fields; inverted, in none.

        Each cell is searched by itself. Metrics are searched as ``number_text`` writes them; times are not searched.
        """
        order = self.order()
        return order[run_filters.search_mask(self, search, fields, number_text)[order]]

    def sort(self, field: Field, *, descending: bool, rows: IndexArray | None = None) -> IndexArray:
        """Sort all rows or some by a field.

        Equal rows stay in the order they have, missing and NaN values come last in both directions. A text that reads
        as a number sorts as one, before other texts.
        """
        keys, present = self._sort_keys(field)
        return sorted_rows(keys, present, self.order() if rows is None else rows, descending=descending)

    def _sort_keys(self, field: Field) -> tuple[FloatArray, MaskArray]:
        match field.kind:
            case FieldKind.METRIC:
                metric = self.metrics.get(field.name)
                return self._dense(metric.rows, metric.values) if metric else self._dense_nothing()
            case FieldKind.STARTED_AT:
                return self.starts, ~np.isnan(self.starts)
            case FieldKind.AGE:
                return -self.starts, ~np.isnan(self.starts)
            case FieldKind.PARAM | FieldKind.TAG | FieldKind.NAME | FieldKind.STATUS | FieldKind.EXPERIMENT:
                column = self.text_column(field)
                if column is None:
                    return self._dense_nothing()
                return self._dense(column.codes.rows, column.vocabulary.ranks()[column.codes.values])
            case _:
                assert_never(field.kind)

    def _dense(self, rows: IndexArray, values: FloatArray) -> tuple[FloatArray, MaskArray]:
        keys, present = self._dense_nothing()
        keys[rows] = values
        present[rows] = True
        return keys, present

    def _dense_nothing(self) -> tuple[FloatArray, MaskArray]:
        return np.full(self.count, np.nan), np.zeros(self.count, np.bool_)

    def text_column(self, field: Field) -> TextColumn | None:
        """The texts of a field, or None when no run has it (or it holds no texts)."""
        match field.kind:
            case FieldKind.PARAM:
                return self.params.get(field.name)
            case FieldKind.TAG:
                return self.tags.get(field.name)
            case FieldKind.NAME:
                return self._full(self.names, self.name_vocabulary)
            case FieldKind.STATUS:
                return self._full(self.statuses.astype(np.int32), Vocabulary(status.value for status in STATUSES))
            case FieldKind.EXPERIMENT:
                names = Vocabulary()
                codes = np.array([names.code(experiment.name) for experiment in self.experiments], np.int32)
                return self._full(codes[self.sources], names)
            case FieldKind.METRIC | FieldKind.STARTED_AT | FieldKind.AGE:
                return None
            case _:
                assert_never(field.kind)

    def _full(self, codes: IndexArray, vocabulary: Vocabulary) -> TextColumn:
        return TextColumn(SparseColumn(np.arange(self.count, dtype=np.int32), codes), vocabulary)
