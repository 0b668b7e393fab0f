"""Which metrics and parameters say most about a set of runs, for tables that cannot show them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlops_tui.analysis.comparison import Direction, direction_of
from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.sparse_columns import IndexArray, MaskArray
from mlops_tui.domain.filters import Field, FieldKind


@dataclass(frozen=True, slots=True)
class Telling:
    """A metric or parameter, and the share of the runs that logged it, from 0 to 1."""

    field: Field
    share: float


def telling_metrics(columns: RunColumns, rows: IndexArray) -> tuple[Telling, ...]:
    """The metrics of these rows, those that most runs logged first.

    Of equally frequent ones, those that vary come before those that do not, and those with a known direction before
    the others.
    """
    is_chosen = _mask(columns, rows)
    ranks: dict[str, tuple[int, bool, bool, str]] = {}
    for name, column in columns.metrics.items():
        values = column.values[is_chosen[column.rows]]
        if len(values):
            is_constant = bool(np.all(values == values[0]))
            ranks[name] = (-len(values), is_constant, direction_of(name) is Direction.NEITHER, name)
    return _ranked(FieldKind.METRIC, ranks, len(rows))


def telling_params(columns: RunColumns, rows: IndexArray) -> tuple[Telling, ...]:
    """The parameters of these rows that vary, those that most runs logged first."""
    is_chosen = _mask(columns, rows)
    ranks: dict[str, tuple[int, bool, bool, str]] = {}
    for name, column in columns.params.items():
        codes = column.codes.values[is_chosen[column.codes.rows]]
        if len(codes) and bool(np.any(codes != codes[0])):
            ranks[name] = (-len(codes), False, False, name)
    return _ranked(FieldKind.PARAM, ranks, len(rows))


def _ranked(kind: FieldKind, ranks: Mapping[str, tuple[int, bool, bool, str]], count: int) -> tuple[Telling, ...]:
    return tuple(Telling(Field(kind, name), -ranks[name][0] / count) for name in sorted(ranks, key=ranks.__getitem__))


def _mask(columns: RunColumns, rows: IndexArray) -> MaskArray:
    mask = np.zeros(len(columns), np.bool_)
    mask[rows] = True
    return mask
