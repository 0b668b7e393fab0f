"""One run: what it logged, where it came from, and the files it left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from mlops_tui.domain.artifacts import Artifact
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import MAKE_VERSION, RUN_ACTIONS
from mlops_tui.screens.artifacts import download, show_text
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.run_details import (
    ARTIFACT_COLUMNS,
    LOGGED_COLUMNS,
    METRIC_COLUMNS,
    artifact_rows,
    detail_description,
    fact_lines,
    logged_rows,
    metric_rows,
)
from mlops_tui.screens.view import View
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_source import ListSource, Row
from mlops_tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from mlops_tui.operations.runs import RunDetail
    from mlops_tui.operations.session import Session

_FINISHED_SECONDS = 300.0
_TABLES = ("metrics", "logged", "artifacts")


class RunView(View):
    """Everything about a run.

    Args:
        run_id: Its UUID.
        name: Its name, until it is read.
    """

    NAME: ClassVar[str] = "run"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    AUTO_FOCUS: ClassVar[str | None] = "#metrics-table"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(RUN_ACTIONS), *bindings([MAKE_VERSION])]

    def __init__(self, run_id: str, name: str = "") -> None:
        super().__init__()
        self._run_id = run_id
        self._name = name
        self._detail: RunDetail | None = None

    @property
    def crumb(self) -> str:
        """The run's name."""
        return self._name or self._run_id[:8]

    @property
    def frame_name(self) -> str:
        """One for each run."""
        return f"run {self._run_id}"

    def body(self) -> ComposeResult:
        """Facts, metrics beside parameters and tags, files."""
        with Pane("Run", id="facts"):
            yield TextLines(empty="Loading…", id="facts-lines")
        with Horizontal():
            with Pane("Metrics", id="metrics"):
                yield Table(METRIC_COLUMNS, empty="Loading…", id="metrics-table", classes="-filtered")
            with Pane("Params and tags", id="logged"):
                yield Table(LOGGED_COLUMNS, empty="Loading…", id="logged-table", classes="-filtered")
        with Pane("Artifacts", id="artifacts"):
            yield Table(ARTIFACT_COLUMNS, empty="Loading…", id="artifacts-table", classes="-filtered")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The run with all that belongs to it; one that has ended hardly changes any more."""
        from mlops_tui.operations.runs import RunDetail, show_run

        async def fetch() -> Snapshot[RunDetail]:
            return await show_run(session, self._run_id)

        cached = session.cached_view(self.frame_name, RunDetail)
        kept = cached.load()
        has_ended = kept is not None and not kept.data.run.status.is_live
        interval = _FINISHED_SECONDS if has_ended else session.context.poll_interval
        yield Feed(fetch, self._take, "#facts", interval, cached)

    def _take(self, snapshot: Snapshot[RunDetail]) -> None:
        detail = self._detail = snapshot.data
        self._name = detail.run.name or self._run_id[:8]
        self.query_one("#facts-lines", TextLines).show(fact_lines(detail, self.host.clock.now()))
        self._draw_tables()
        self.update_standing()

    def _draw_tables(self) -> None:
        detail = self._detail
        if detail is None:
            return
        every = {
            "metrics": (METRIC_COLUMNS, metric_rows(detail), "No metric was logged."),
            "logged": (LOGGED_COLUMNS, logged_rows(detail), "No parameter and no tag was logged."),
            "artifacts": (ARTIFACT_COLUMNS, artifact_rows(detail), "No file was uploaded."),
        }
        for name, (columns, rows, empty) in every.items():
            kept = self._fitting(rows)
            table = self.query_one(f"#{name}-table", Table)
            table.show_message(empty if not rows else "Nothing fits the filter; esc clears it.")
            table.show(ListSource(columns, kept, len(rows)))

    def _fitting(self, rows: list[Row]) -> list[Row]:
        from mlops_tui.domain.filters import TextSearch, parse_query

        search = parse_query(self.filter_text)
        if not isinstance(search, TextSearch):
            return rows
        return [row for row in rows if search.holds(" ".join(cell.text for cell in row.cells))]

    def filter_rows(self, _text: str) -> None:
        """Keep the metrics, parameters and files that fit."""
        self._draw_tables()

    def describe(self) -> tuple[str, JsonValue] | None:
        """Everything."""
        return None if self._detail is None else (self.crumb, detail_description(self._detail))

    def copy_text(self) -> str | None:
        """The run's id, or the name of what the cursor stands on in the list of files."""
        focused = self.focused
        if isinstance(focused, Table) and focused.id == "artifacts-table" and focused.cursor_key:
            return focused.cursor_key
        return self._run_id

    def action_metrics(self) -> None:
        """Plot the metric under the cursor."""
        from mlops_tui.screens.metrics import MetricsView

        table = self.query_one("#metrics-table", Table)
        if table.cursor_key is None:
            self.notify("The run has logged no metric", markup=False)
            return
        self.app.push_screen(MetricsView((self._run_id,), table.cursor_key))

    @on(Table.Opened, "#metrics-table")
    def _metric_opened(self, event: Table.Opened) -> None:
        event.stop()
        self.action_metrics()

    @on(Table.Opened, "#logged-table")
    def _logged_opened(self, event: Table.Opened) -> None:
        """Show a long value whole."""
        event.stop()
        from mlops_tui.widgets.text_dialog import TextDialog

        kind, _, name = event.key.partition(".")
        run = self._detail.run if self._detail is not None else None
        if run is not None:
            values: Mapping[str, str] = run.params if kind == "params" else run.tags
            self.app.push_screen(TextDialog(event.key, values.get(name, "")))

    @on(Table.Opened, "#artifacts-table")
    def _artifact_opened(self, event: Table.Opened) -> None:
        event.stop()
        artifact = self._artifact()
        if artifact is not None and self._detail is not None:
            show_text(self, self._detail.run.project, artifact)

    def _artifact(self) -> Artifact | None:
        key = self.query_one("#artifacts-table", Table).cursor_key
        artifacts = self._detail.artifacts if self._detail is not None else ()
        return next((item for item in artifacts if item.path == key), None)

    def action_download(self) -> None:
        """Ask for a folder and save the marked files there, or the current one."""
        detail = self._detail
        chosen = set(self.query_one("#artifacts-table", Table).chosen_keys)
        files = [item for item in detail.artifacts if item.path in chosen] if detail is not None else []
        if detail is None or not files:
            self.notify("There is no file to save", markup=False)
            return
        download(
            self,
            detail.run.project,
            files,
            _folder_name(detail.run.name or detail.run.id),
            self.query_one("#artifacts", Pane),
        )

    def action_make_version(self) -> None:
        """Make a model version from this run."""
        from mlops_tui.screens.registering import make_version

        make_version(self, run_id=self._run_id)

    def action_log(self) -> None:
        """Follow the log of the CI job."""
        from mlops_tui.screens.job_log import JobLogView

        run = self._detail.run if self._detail is not None else None
        if run is None or run.job_id is None:
            self.notify("No CI job is linked: the run carries no tag gitlab.CI_JOB_ID", markup=False)
            return
        self.app.push_screen(JobLogView(run.project, run.job_id, run.name))


def _folder_name(name: str) -> str:
    """A run's name as that of a folder inside the current one, whatever stands in it."""
    return "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in name).lstrip(".-") or "run"
