"""Many rows of a table of columns as records, a column at a time: what is written out is written out whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.sparse_columns import FloatArray, IndexArray, SparseColumn, TextColumn, Values
from mlops_tui.domain.runs import Run

_Value = TypeVar("_Value")


def runs_of(columns: RunColumns, rows: Sequence[int] | IndexArray) -> list[Run]:
    """The runs in these rows, in the same order; equal to ``row(index).to_run()`` for each."""
    wanted = np.asarray(rows, np.int32)
    metrics = _metrics(columns.metrics, wanted)
    params, tags = _texts(columns.params, wanted), _texts(columns.tags, wanted)
    return [_run(columns, int(index), metrics[place], params[place], tags[place]) for place, index in enumerate(wanted)]


def _metrics(named: Mapping[str, SparseColumn[FloatArray]], wanted: IndexArray) -> list[dict[str, float]]:
    collected: list[dict[str, float]] = [{} for _ in wanted]
    for name, column in named.items():
        places, entries = _entries(column, wanted)
        _collect(collected, name, places, column.values[entries].tolist())
    return collected


def _texts(named: Mapping[str, TextColumn], wanted: IndexArray) -> list[dict[str, str]]:
    collected: list[dict[str, str]] = [{} for _ in wanted]
    for name, column in named.items():
        places, entries = _entries(column.codes, wanted)
        terms = column.vocabulary.terms
        _collect(collected, name, places, [terms[code] for code in column.codes.values[entries].tolist()])
    return collected


def _entries(column: SparseColumn[Values], wanted: IndexArray) -> tuple[IndexArray, IndexArray]:
    """The places in ``wanted`` whose rows have a value, and where each value stands."""
    if not len(column.rows):
        return np.empty(0, np.int32), np.empty(0, np.int32)
    entries = column.rows.searchsorted(wanted).astype(np.int32)
    is_there = column.rows[np.minimum(entries, len(column.rows) - 1)] == wanted
    return np.flatnonzero(is_there).astype(np.int32), entries[is_there]


def _collect(into: list[dict[str, _Value]], name: str, places: IndexArray, values: Sequence[_Value]) -> None:
    for place, value in zip(places.tolist(), values, strict=True):
        into[place][name] = value


def _run(
    columns: RunColumns, index: int, metrics: dict[str, float], params: dict[str, str], tags: dict[str, str]
) -> Run:
    row = columns.row(index)
    experiment, user = row.experiment, int(columns.users[index])
    return Run(
        id=row.id,
        project=experiment.project,
        experiment_iid=experiment.iid,
        experiment=experiment.name,
        name=row.name,
        status=row.status,
        started_at=row.started_at,
        ended_at=row.ended_at,
        user_id=None if user < 0 else user,
        metrics=metrics,
        params=params,
        tags=tags,
    )
