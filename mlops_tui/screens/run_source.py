"""The rows of the table of runs: any number of them, their cells made when they are drawn."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_tui.domain.durations import coarse_duration
from mlops_tui.domain.filters import Field, FieldKind, parse_field
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.plot_figure import plain_number
from mlops_tui.widgets.status import run_status
from mlops_tui.widgets.table_columns import Column

if TYPE_CHECKING:
    from mlops_tui.analysis.run_columns import RunColumns
    from mlops_tui.analysis.run_coverage import Telling
    from mlops_tui.analysis.run_rows import RunRow
    from mlops_tui.analysis.sparse_columns import IndexArray
    from mlops_tui.domain.filters import Query
    from mlops_tui.widgets.table_lines import Sort

MOST_METRICS = 8
MOST_PARAMS = 6
_FIXED = (
    Column("status", "STATUS", 11),
    Column("name", "NAME", 15, max_width=44, flex=3),
    Column("experiment", "EXPERIMENT", 14, max_width=28, flex=2, priority=93),
    Column("age", "AGE", 4, align=Align.RIGHT),
)
# A letter that no number has, and that does not stand for a class of characters: writing a million metrics as text
# to look for it would only take time.
_LETTER = re.compile(r"(?<!\\)[b-dg-hj-mo-z]", re.IGNORECASE)
FIXED_FIELDS = (FieldKind.NAME, FieldKind.STATUS, FieldKind.EXPERIMENT)


@dataclass(frozen=True, slots=True)
class Wish:
    """What of the runs shall be shown: of which experiment (project and number), which fit, and in which order."""

    experiment: tuple[int, int] | None = None
    query: Query | None = None
    sort: Sort | None = None


@dataclass(frozen=True, eq=False)
class RunSource:
    """Runs in the order they are shown, with the metrics and parameters that say most about them.

    ``total`` is how many there are before filtering, None while not all have been read.
    """

    table: RunColumns
    rows: IndexArray
    fields: tuple[Field, ...]
    columns: tuple[Column, ...]
    total: int | None
    now: datetime
    baseline: str | None
    _places: list[IndexArray] = field(default_factory=list, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def cells(self, index: int) -> Sequence[Cell]:
        """The cells of one run."""
        row = self.table.row(int(self.rows[index]))
        started = row.started_at
        shown = [
            run_status(row.status).cell,
            self._name(row),
            Cell(row.experiment.name, Token.MUTED),
            number(coarse_duration(self.now - started) if started else "-", Token.MUTED),
        ]
        return [*shown, *(field_cell(row, field) for field in self.fields)]

    def key(self, index: int) -> str:
        """The run's id."""
        return self.table.ids[int(self.rows[index])]

    def index_of(self, key: str) -> int | None:
        """Where a run stands."""
        row = self.table.find(key)
        if row is None:
            return None
        if not self._places:
            self._places.append(_inverse(self.rows, len(self.table)))
        place = int(self._places[0][row])
        return place if place >= 0 else None

    def _name(self, row: RunRow) -> Cell:
        name = row.name or row.id[:8]
        return Cell(f"{Sign.CRUMB.glyph} {name}", Token.STRONG) if row.id == self.baseline else Cell(name)


def run_source(
    table: RunColumns, wish: Wish, now: datetime, *, is_complete: bool, baseline: str | None = None
) -> RunSource:
    """The runs that are wished for, in a table with the columns that say most about them."""
    from mlops_tui.analysis.run_coverage import telling_metrics, telling_params

    every = _of_experiment(table, wish.experiment)
    fields = _chosen_fields(telling_metrics(table, every)[:MOST_METRICS], telling_params(table, every)[:MOST_PARAMS])
    sorted_by = _sort_field(wish.sort)
    if sorted_by is not None and sorted_by.kind.is_named and sorted_by not in fields:
        fields = (sorted_by, *fields)
    rows = _sorted(table, _fitting(table, every, wish.query, fields, now), wish.sort)
    columns = (*_fixed(wish.experiment), *(_column(item, rank, sorted_by) for rank, item in enumerate(fields)))
    total = len(every) if is_complete else None
    return RunSource(table, rows, fields, columns, total, now, baseline)


def sort_choices(table: RunColumns) -> tuple[Column, ...]:
    """Everything that runs can be sorted by, as columns: what the table shows and what it has no room for."""
    named = [Field(FieldKind.METRIC, name) for name in sorted(table.metrics)]
    named += [Field(FieldKind.PARAM, name) for name in sorted(table.params)]
    named += [Field(FieldKind.TAG, name) for name in sorted(table.tags)]
    return (*_FIXED, *(Column(str(item), str(item), 8) for item in named))


def metric_cell(value: float | None) -> Cell:
    """A metric as it is written everywhere: at most six digits, NaN and the infinities set off."""
    if value is None:
        return number("")
    return number(plain_number(value)) if math.isfinite(value) else number(str(value), Token.WARNING)


def field_cell(row: RunRow, item: Field) -> Cell:
    """A metric, parameter or tag of a run."""
    match item.kind:
        case FieldKind.METRIC:
            return metric_cell(row.metric(item.name))
        case FieldKind.PARAM:
            return Cell(row.param(item.name) or "")
        case FieldKind.TAG:
            return Cell(row.tag(item.name) or "")
        case _:
            return Cell(row.attribute(item.kind) or "")


def _fixed(experiment: tuple[int, int] | None) -> tuple[Column, ...]:
    """Under one experiment its name says nothing, so it goes first where room is short."""
    if experiment is None:
        return _FIXED
    return tuple(
        Column(column.key, column.title, column.min_width, 14, 0, 1) if column.key == "experiment" else column
        for column in _FIXED
    )


def _column(item: Field, rank: int, sorted_by: Field | None) -> Column:
    is_metric = item.kind is FieldKind.METRIC
    width = max(9 if is_metric else 6, min(14, len(item.name)))
    priority = 95 if item == sorted_by else 90 - rank * 2
    align = Align.RIGHT if is_metric else Align.LEFT
    return Column(str(item), item.name, width, 16, 0 if is_metric else 1, priority, align)


def _chosen_fields(metrics: Sequence[Telling], params: Sequence[Telling]) -> tuple[Field, ...]:
    """Two metrics, then a parameter and a metric in turn, so that a narrow table shows some of both.

    Those that few runs have come after all others.
    """
    mixed = list(metrics[:2])
    for place in range(max(len(metrics), len(params))):
        mixed += [*params[place : place + 1], *metrics[place + 2 : place + 3]]
    most = max((item.share for item in mixed), default=0.0)
    return tuple(item.field for item in sorted(mixed, key=lambda item: item.share < most / 2))


def _of_experiment(table: RunColumns, experiment: tuple[int, int] | None) -> IndexArray:
    import numpy as np

    if experiment is None:
        return np.arange(len(table), dtype=np.int32)
    wanted = [place for place, item in enumerate(table.experiments) if (item.project.id, item.iid) == experiment]
    return np.flatnonzero(np.isin(table.sources, wanted)).astype(np.int32)


def _fitting(
    table: RunColumns, every: IndexArray, query: Query | None, fields: Sequence[Field], now: datetime
) -> IndexArray:
    import numpy as np

    from mlops_tui.domain.filters import TextSearch

    if query is None:
        return every
    if isinstance(query, TextSearch):
        can_be_number = _LETTER.search(query.pattern.compiled.pattern) is None
        shown = [item for item in fields if item.kind is not FieldKind.METRIC or can_be_number]
        fitting = table.search(query, [*map(Field, FIXED_FIELDS), *shown], plain_number)
    else:
        fitting = table.filter(query, now)
    return np.intersect1d(every, fitting).astype(np.int32)


def _sorted(table: RunColumns, rows: IndexArray, sort: Sort | None) -> IndexArray:
    """Those that began last on top; where nobody knows when, as GitLab lists them."""
    import numpy as np

    newest_first = rows[np.argsort(table.arrival[rows], kind="stable")]
    newest_first = table.sort(Field(FieldKind.STARTED_AT), descending=True, rows=newest_first)
    field_ = _sort_field(sort)
    if sort is None or field_ is None:
        return newest_first
    return table.sort(field_, descending=sort.is_descending, rows=newest_first)


def _sort_field(sort: Sort | None) -> Field | None:
    return parse_field(sort.column) if sort is not None else None


def _inverse(rows: IndexArray, count: int) -> IndexArray:
    import numpy as np

    places = np.full(count, -1, np.int32)
    places[rows] = np.arange(len(rows), dtype=np.int32)
    return places
