"""The view of a comparison: in which parameters runs differ, and what each metric gained or lost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import COMPARISON_ACTIONS
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.run_items import run_description, status_cell
from mlops_tui.screens.view import View
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.cells import EMPTY, Align, Cell, number
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.plot_figure import plain_number
from mlops_tui.widgets.status import comparison as verdict
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import ListSource, Row

if TYPE_CHECKING:
    from mlops_tui.analysis.comparison import MetricCell
    from mlops_tui.domain.runs import Run
    from mlops_tui.operations.runs import ComparedRuns
    from mlops_tui.operations.session import Session

_METRIC = "metrics."
_WIDEST_NAME = 28
_WIDEST_CELL = 40


class ComparisonView(View):
    """Runs held against the first of them, or against another that is pinned.

    Args:
        run_ids: Two runs or more.
    """

    NAME: ClassVar[str] = "comparison"
    AUTO_FOCUS: ClassVar[str | None] = "#comparison-table"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMPARISON_ACTIONS)]

    def __init__(self, run_ids: Sequence[str]) -> None:
        super().__init__()
        self._run_ids = tuple(run_ids)
        self._baseline = self._run_ids[0]
        self._compared: ComparedRuns | None = None

    def body(self) -> ComposeResult:
        """The table: a line for each parameter and metric, a column for each run."""
        with Pane("Comparison", id="comparison"):
            yield Table(empty="Loading…", id="comparison-table", classes="-filtered")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The runs, as long as one of them may still log something."""
        from mlops_tui.operations.runs import compared_runs

        async def fetch() -> Snapshot[ComparedRuns]:
            known = self._compared
            if known is not None and known.baseline_id == self._baseline and not known.is_live:
                return session.snapshot(known)
            return await compared_runs(session, self._run_ids, self._baseline)

        yield Feed(fetch, self._take, "#comparison", session.context.poll_interval)

    def _take(self, snapshot: Snapshot[ComparedRuns]) -> None:
        self._compared = snapshot.data
        self._draw_table()

    def _draw_table(self) -> None:
        compared = self._compared
        if compared is None:
            return
        from mlops_tui.domain.filters import TextSearch, parse_query

        rows = list(_rows(compared))
        search = parse_query(self.filter_text)
        kept = [row for row in rows if not isinstance(search, TextSearch) or search.holds(row.cells[0].text)]
        table = self.query_one("#comparison-table", Table)
        table.show_message("Nothing fits the filter; esc clears it.")
        table.show(ListSource(_columns(compared, rows), kept, len(rows)))
        self.query_one("#comparison", Pane).heading = _heading(compared)

    def filter_rows(self, _text: str) -> None:
        """Keep the parameters and metrics that fit."""
        self._draw_table()

    def describe(self) -> tuple[str, JsonValue] | None:
        """The runs."""
        if self._compared is None:
            return None
        return "Comparison", {"baseline": self._baseline, "runs": [run_description(run) for run in self._compared.runs]}

    def action_baseline(self) -> None:
        """Choose the run that the others are held against."""
        from mlops_tui.widgets.chooser import Choice, Chooser

        if self._compared is None:
            return
        choices = [Choice(run.id, run.name or run.id[:8], run.id) for run in self._compared.runs]
        self.app.push_screen(Chooser("Baseline", choices, current=self._baseline), self._pin)

    def _pin(self, run_id: str | None) -> None:
        if run_id is not None and run_id != self._baseline:
            self._baseline = run_id
            self.action_refresh()

    def action_metrics(self) -> None:
        """Plot the metric under the cursor for all these runs."""
        from mlops_tui.screens.metrics import MetricsView

        key = self.query_one("#comparison-table", Table).cursor_key or ""
        metric = key.removeprefix(_METRIC) if key.startswith(_METRIC) else ""
        self.app.push_screen(MetricsView(self._run_ids, metric))

    @on(Table.Opened, "#comparison-table")
    def _opened(self, event: Table.Opened) -> None:
        event.stop()
        if event.key.startswith(_METRIC):
            self.action_metrics()


def _heading(compared: ComparedRuns) -> str:
    """What is compared, and what is left out."""
    same = compared.comparison.same_params
    left_out = {0: "", 1: ", 1 equal parameter left out"}.get(same, f", {same} equal parameters left out")
    return f"{len(compared.runs)} runs{left_out}"


def _columns(compared: ComparedRuns, rows: Sequence[Row]) -> tuple[Column, ...]:
    """As wide as what stands in them, so that no difference is cut off; what does not fit is scrolled to."""
    place = compared.comparison.baseline
    titles = ["WHAT", *(run.name or run.id[:8] for run in compared.runs)]
    titles[place + 1] += " (baseline)"
    widths = [max(len(title), *(len(row.cells[index].text) for row in rows)) for index, title in enumerate(titles)]
    what = Column("name", titles[0], min(widths[0], _WIDEST_NAME), is_sortable=False)
    runs = [
        Column(run.id, title, min(width, _WIDEST_CELL), align=Align.RIGHT, is_sortable=False)
        for run, title, width in zip(compared.runs, titles[1:], widths[1:], strict=True)
    ]
    return (what, *runs)


def _rows(compared: ComparedRuns) -> Iterator[Row]:
    yield Row("status", (Cell("status"), *map(_status, compared.runs)))
    blanks = (EMPTY,) * len(compared.runs)
    if compared.comparison.params:
        yield Row("params", (Cell("PARAMETERS", Token.TITLE), *blanks))
    for param in compared.comparison.params:
        yield Row(f"params.{param.name}", (Cell(param.name), *map(_param, param.values)))
    if compared.comparison.metrics:
        yield Row("metrics", (Cell("METRICS", Token.TITLE), *blanks))
    for metric in compared.comparison.metrics:
        yield Row(f"{_METRIC}{metric.name}", (Cell(metric.name), *map(_metric, metric.cells)))


def _status(run: Run) -> Cell:
    cell = status_cell(run)
    return Cell(cell.text, cell.token, Align.RIGHT)


def _param(value: str | None) -> Cell:
    return number("not set", Token.MUTED) if value is None else number(value)


def _metric(cell: MetricCell) -> Cell:
    """The value, and for all but the baseline the difference, a sign and a word."""
    from mlops_tui.analysis.comparison import Judgement

    if cell.value is None:
        return number("not logged", Token.MUTED)
    value = plain_number(cell.value) if math.isfinite(cell.value) else str(cell.value)
    difference = "" if cell.absolute is None else f" {cell.absolute:+.4g}"
    match cell.judgement:
        case Judgement.BETTER | Judgement.WORSE:
            look = verdict(cell.judgement is Judgement.BETTER)
            return number(f"{value}{difference} {look.sign.glyph} {look.word}", look.token)
        case Judgement.EQUAL:
            return number(f"{value} equal", Token.MUTED)
        case Judgement.BASELINE:
            return number(value, Token.STRONG if math.isfinite(cell.value) else Token.WARNING)
        case Judgement.UNJUDGED:
            return number(f"{value}{difference}", Token.PLAIN if math.isfinite(cell.value) else Token.WARNING)
        case Judgement.MISSING:
            return EMPTY
