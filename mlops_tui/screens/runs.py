"""The view of runs: experiments, and a table of any number of runs that opens at once and stays fresh."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import RUNS_ACTIONS
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import NOTHING_FITS
from mlops_tui.screens.run_items import experiment_counts, experiment_source, experiment_title, run_description
from mlops_tui.screens.run_source import Wish, run_source, sort_choices
from mlops_tui.screens.run_table import RunsTable
from mlops_tui.screens.view import View
from mlops_tui.themes.glyphs import Sign
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table

if TYPE_CHECKING:
    from mlops_tui.analysis.run_rows import RunRow
    from mlops_tui.domain.experiments import Experiment
    from mlops_tui.operations.run_feed import RunFeed, RunTable
    from mlops_tui.operations.session import Session

_REDRAW_SECONDS = 0.5
_AGES_LAST = timedelta(minutes=1)
_EMPTY = "No runs yet. A training script logs the first one with the MLflow client."
_T = TypeVar("_T")


class RunsView(View):
    """All runs of the context's projects, or those of one experiment."""

    NAME: ClassVar[str] = "runs"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    AUTO_FOCUS: ClassVar[str | None] = "#runs-table"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - declared so by Textual
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(RUNS_ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self._feed: RunFeed | None = None
        self._runs: RunTable | None = None
        self._experiment: tuple[int, int] | None = None
        self._baseline: str | None = None
        self._drawn_at: datetime | None = None
        self._progress_at = 0.0

    def body(self) -> ComposeResult:
        """Experiments beside the runs where there is room."""
        with Horizontal():
            with Pane("Experiments", id="experiments"):
                yield Table(empty="Loading…", id="experiments-table")
            with Pane("Runs", id="runs"):
                yield RunsTable(empty="Loading…", id="runs-table", classes="-filtered")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The table of runs, kept on disk as columns."""
        from mlops_tui.operations.run_feed import RunFeed

        feed = self._feed = RunFeed(session, progress=self._show_progress)
        yield Feed(self._fetch, self._take, "#runs", session.context.poll_interval, cached=feed)

    async def on_unmount(self) -> None:
        """Give up what is still being read."""
        if self._feed is not None:
            await self._feed.close()

    async def _fetch(self) -> Snapshot[RunTable]:
        if self._feed is None:
            raise RuntimeError("the feed is asked before it is made")
        focus = next((item for item in self._experiments if _key_of(item) == self._experiment), None)
        return await self._feed.update(self._table.visible_keys, focus)

    def _take(self, snapshot: Snapshot[RunTable]) -> None:
        self._runs = snapshot.data
        self._draw_runs()

    def _show_progress(self, table: RunTable) -> None:
        """Draw a table that is still being read, but not after every page."""
        now = self.host.clock.monotonic()
        if self.is_attached and now - self._progress_at >= _REDRAW_SECONDS:
            self._progress_at = now
            self._runs = table
            self._draw_runs()

    @property
    def _table(self) -> RunsTable:
        return self.query_one("#runs-table", RunsTable)

    @property
    def _experiments(self) -> tuple[Experiment, ...]:
        return self._runs.experiments if self._runs is not None else ()

    def _draw_runs(self) -> None:
        runs = self._runs
        if runs is None:
            return
        from mlops_tui.domain.filters import parse_query

        now = self._drawn_at = self.host.clock.now()
        wish = Wish(self._experiment, parse_query(self.filter_text), self._table.sort)
        source = run_source(runs.columns, wish, now, is_complete=runs.is_complete, baseline=self._baseline)
        self._table.choices = lambda: sort_choices(runs.columns)
        self._table.show_message(self._message(runs))
        self._table.show(source)
        self.query_one("#experiments-table", Table).show(experiment_source(runs))
        self.query_one("#runs", Pane).heading = self._heading()

    def _message(self, runs: RunTable) -> str:
        """What stands where there are no rows."""
        from mlops_tui.domain.filters import TextSearch, parse_query

        if not len(runs.columns):
            return _EMPTY if runs.is_complete else "Loading…"
        is_text = isinstance(parse_query(self.filter_text), TextSearch)
        if is_text and any(sign in self.filter_text for sign in "<=>"):
            return "No run shows this text. A filter names its field: metrics.auc > 0.9 (esc clears)"
        if not runs.is_complete:
            return f"Nothing of the {len(runs.columns):,} runs read so far fits; reading goes on."
        return NOTHING_FITS if self.filter_text else "This experiment has no runs."

    def _heading(self) -> str:
        """What is shown, and how far the reading of everything is where something is shown already."""
        title = "Runs"
        if self._experiment is not None:
            title += f" of {experiment_title(self._experiments, self._experiment)}"
        baseline = self._row(self._baseline)
        if baseline is not None:
            title += f", baseline {Sign.CRUMB.glyph} {baseline.name or baseline.id[:8]}"
        read = self._feed.read if self._feed is not None else None
        if read is not None and self._runs is not None and self._runs.is_complete:
            title += f" (reading anew: {read:,})"
        return title

    def restamp(self) -> None:
        """Tell ages anew once a minute."""
        super().restamp()
        if self._drawn_at is not None and self.host.clock.now() - self._drawn_at >= _AGES_LAST:
            self._draw_runs()

    def filter_rows(self, _text: str) -> None:
        """Keep the runs that fit."""
        self._draw_runs()

    @on(Table.SortChosen, "#runs-table")
    def _sort(self, event: Table.SortChosen) -> None:
        event.stop()
        event.table.sort = event.sort
        self._draw_runs()

    @on(Table.Opened, "#experiments-table")
    def _experiment_opened(self, event: Table.Opened) -> None:
        event.stop()
        self._choose_experiment(event.key)
        self._table.focus()

    @on(Table.Opened, "#runs-table")
    def _run_opened(self, event: Table.Opened) -> None:
        event.stop()
        from mlops_tui.screens.run import RunView

        row = self._row(event.key)
        self.app.push_screen(RunView(event.key, row.name if row is not None else ""))

    def _row(self, run_id: str | None) -> RunRow | None:
        if self._runs is None or run_id is None:
            return None
        place = self._runs.columns.find(run_id)
        return None if place is None else self._runs.columns.row(place)

    def describe(self) -> tuple[str, JsonValue] | None:
        """Everything known about the current run."""
        row = self._row(self._table.cursor_key)
        return None if row is None else (row.name or row.id, run_description(row.to_run()))

    def action_back(self) -> None:
        """Clear the filter, or show all experiments again."""
        if not self.filter_text and self._experiment is not None:
            self._choose_experiment("")
        else:
            super().action_back()

    def action_refresh(self) -> None:
        """Read everything anew."""
        if self._feed is not None:
            self._feed.resync()
        super().action_refresh()

    def action_experiment(self) -> None:
        """Choose an experiment: in its pane, or in a list where there is no room for the pane."""
        if self.query_one("#experiments").display:
            self.query_one("#experiments-table", Table).focus()
            return
        from mlops_tui.widgets.chooser import Choice, Chooser

        counts = experiment_counts(self._runs.columns) if self._runs is not None else {}
        choices = [Choice("all", "All experiments")]
        for key in map(_key_of, self._experiments):
            note = f"{counts.get(key, (0, 0))[0]:,} runs"
            choices.append(Choice(_key_text(key), experiment_title(self._experiments, key), note))
        current = _key_text(self._experiment) or "all"
        self.app.push_screen(Chooser("Experiment", choices, current=current), _if_given(self._choose_experiment))

    def _choose_experiment(self, key: str) -> None:
        project, _, number = key.partition("/")
        self._experiment = (int(project), int(number)) if number else None
        self.query_one("#experiments-table", Table).go_to(key if number else "all")
        self._draw_runs()

    def action_metrics(self) -> None:
        """Plot the metrics of the marked runs, or of the current one."""
        keys = self._table.chosen_keys
        if not keys:
            self.notify("There is no run to plot", markup=False)
            return
        from mlops_tui.screens.metrics import MetricsView

        self.app.push_screen(MetricsView(keys))

    def action_compare(self) -> None:
        """Compare the marked runs, or the current one with the baseline."""
        keys = self._table.chosen_keys
        if self._baseline is not None:
            keys = (self._baseline, *(key for key in keys if key != self._baseline))
        if len(keys) < 2:
            self.notify("Mark two runs or more with space, or pin a baseline with B", markup=False)
            return
        from mlops_tui.screens.comparison import ComparisonView

        self.app.push_screen(ComparisonView(keys))

    def action_baseline(self) -> None:
        """Pin the current run as what others are held against, or let it go."""
        key = self._table.cursor_key
        self._baseline = None if key == self._baseline else key
        self._draw_runs()

    def action_log(self) -> None:
        """Follow the log of the CI job that ran the current run."""
        row = self._row(self._table.cursor_key)
        job_id = row.to_run().job_id if row is not None else None
        if row is None or job_id is None:
            self.notify("No CI job is linked: the run carries no tag gitlab.CI_JOB_ID", markup=False)
            return
        from mlops_tui.screens.job_log import JobLogView

        self.app.push_screen(JobLogView(row.experiment.project, job_id, row.name))


def _key_of(experiment: Experiment) -> tuple[int, int]:
    return experiment.project.id, experiment.iid


def _key_text(key: tuple[int, int] | None) -> str:
    return "" if key is None else f"{key[0]}/{key[1]}"


def _if_given(take: Callable[[_T], None]) -> Callable[[_T | None], None]:
    """What takes the answer of a dialog that may be left without one."""

    def given(answer: _T | None) -> None:
        if answer is not None:
            take(answer)

    return given
