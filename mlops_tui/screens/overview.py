"""The first view: what needs attention, what serves in production, and the runs of the last days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from mlops_tui.domain.attention import Matter, MatterKind
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import BREAKPOINTS, Item, ListedView
from mlops_tui.screens.live import PROD, version_text
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, line
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.status import Status, run_status
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source
from mlops_tui.widgets.times import age, short_moment

if TYPE_CHECKING:
    from mlops_tui.operations.overview import Overview, RecentRun
    from mlops_tui.operations.session import Session

RARELY = 6
ALERTS_INTERVALS = 3
PRODUCTION_COLUMNS = (
    Column("model", "MODEL", 10, flex=1, max_width=30, is_sortable=False),
    Column("version", "LIVE", 9, flex=1, max_width=20, is_sortable=False),
    Column("newer", "NEWER", 8, flex=1, max_width=20, is_sortable=False),
    Column("since", "SINCE", 11, priority=40, is_sortable=False),
    Column("environment", "ENVIRONMENT", 12, priority=20, is_sortable=False),
)
RUN_COLUMNS = (
    Column("name", "RUN", 10, flex=1, max_width=30, is_sortable=False),
    Column("status", "STATUS", 11, is_sortable=False),
    Column("experiment", "EXPERIMENT", 10, flex=1, max_width=30, priority=40, is_sortable=False),
    Column("age", "BEGAN", 5, align=Align.RIGHT, is_sortable=False),
)
STATES = {
    MatterKind.JOURNAL_BROKEN: Status(Sign.FAILED, "broken", Token.ERROR),
    MatterKind.UNSETTLED: Status(Sign.UNKNOWN, "unsettled", Token.ERROR),
    MatterKind.ROLLOUT_WRONG: Status(Sign.FAILED, "rollout", Token.ERROR),
    MatterKind.ROLLOUT_WAITING: Status(Sign.PAUSED, "rollout", Token.WARNING),
    MatterKind.ROLLOUT_RUNNING: Status(Sign.RUNNING, "rollout", Token.RUNNING),
    MatterKind.DEPLOYMENT_FAILED: Status(Sign.FAILED, "failed", Token.ERROR),
    MatterKind.ALERT_FIRING: Status(Sign.FAILED, "firing", Token.ERROR),
    MatterKind.DEPLOYMENT_WAITING: Status(Sign.PAUSED, "waiting", Token.WARNING),
    MatterKind.LIVE_UNKNOWN: Status(Sign.UNKNOWN, "uncertain", Token.WARNING),
    MatterKind.DEPLOYMENT_RUNNING: Status(Sign.RUNNING, "running", Token.RUNNING),
    MatterKind.RUN_FAILED: Status(Sign.FAILED, "failed", Token.WARNING),
    MatterKind.NEWER_VERSION: Status(Sign.ASCENDING, "newer", Token.PLAIN),
}


class OverviewView(ListedView):
    """What needs attention."""

    NAME = "overview"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    LIST = "attention-table"
    EMPTY = f"{Sign.OK.glyph} Nothing needs attention."
    COLUMNS = (
        Column("state", "STATE", 11),
        Column("title", "WHAT", 30, flex=2, max_width=60),
        Column("detail", "WHY", 20, flex=3, priority=60),
        Column("age", "SINCE", 5, align=Align.RIGHT, priority=50),
        Column("project", "PROJECT", 10, flex=1, max_width=30, priority=20),
    )

    def __init__(self) -> None:
        super().__init__()
        self._overview: Overview | None = None
        self._runs: tuple[RecentRun, ...] = ()
        self._rollouts: tuple[Matter, ...] = ()
        self._alerts: tuple[Matter, ...] = ()

    def body(self) -> ComposeResult:
        """The sum, the matters, and below them production beside the runs."""
        yield Static("", id="sum")
        with Pane("Needs attention", id="attention"):
            yield self.list_table()
        with Container(id="lower"):
            with Pane("In production", id="production"):
                yield Table(PRODUCTION_COLUMNS, empty="Loading…", id="production-table")
            with Pane("Runs lately", id="recent"):
                yield Table(RUN_COLUMNS, empty="Loading…", id="recent-table")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """Models and deployments, what fires, and more rarely the rollouts and the runs."""
        from mlops_tui.operations.alert_evidence import alert_matters
        from mlops_tui.operations.overview import Overview, RecentRun, read_overview, recent_runs
        from mlops_tui.operations.rollouts.matters import rollout_matters

        interval = session.context.poll_interval
        seen = session.cached_view("overview", Overview)
        runs = session.cached_view("recent runs", tuple[RecentRun, ...])
        rollouts = session.cached_view("rollout matters", tuple[Matter, ...])
        slow = interval * RARELY
        # The pane's stamp is that of the overview, which comes last.
        yield Feed(lambda: rollout_matters(session), self._take_rollouts, "#attention", slow, rollouts)
        yield Feed(lambda: alert_matters(session), self._take_alerts, "#attention", interval * ALERTS_INTERVALS)
        yield Feed(lambda: read_overview(session), self._take, "#attention", interval, seen)
        yield Feed(lambda: recent_runs(session), self._take_runs, "#recent", slow, runs)

    def _take(self, snapshot: Snapshot[Overview]) -> None:
        self._overview = snapshot.data
        self.query_one("#sum", Static).update(self._sum(snapshot.data))
        self.relist()
        now = self.host.clock.now()
        table = self.query_one("#production-table", Table)
        table.show_message("Nothing that names a model is live in production.")
        rows = [
            (
                f"{row.project}:{row.live.model} {row.live.environment} {row.live.version}",
                (
                    Cell(row.live.model, Token.STRONG),
                    Cell(f"{PROD} {version_text(row.live)}", Token.PRODUCTION),
                    Cell(row.newer or "", Token.MUTED),
                    Cell(short_moment(row.live.since, now), Token.MUTED),
                    Cell(row.live.environment, Token.MUTED),
                ),
            )
            for row in snapshot.data.production
        ]
        table.show(list_source(PRODUCTION_COLUMNS, rows))

    def _take_rollouts(self, snapshot: Snapshot[tuple[Matter, ...]]) -> None:
        self._rollouts = snapshot.data
        self.relist()

    def _take_runs(self, snapshot: Snapshot[tuple[RecentRun, ...]]) -> None:
        self._runs = snapshot.data
        now = self.host.clock.now()
        table = self.query_one("#recent-table", Table)
        table.show_message("No run goes on, and none ended in the last two days.")
        rows = [
            (
                run.id,
                (
                    Cell(run.name or run.id[:8]),
                    run_status(run.status).cell,
                    Cell(run.experiment, Token.MUTED),
                    Cell(age(run.started_at, now), Token.MUTED, Align.RIGHT),
                ),
            )
            for run in snapshot.data
        ]
        table.show(list_source(RUN_COLUMNS, rows))
        self.relist()

    def _take_alerts(self, snapshot: Snapshot[tuple[Matter, ...]]) -> None:
        self._alerts = snapshot.data
        self.relist()

    def _sum(self, overview: Overview) -> Content:
        parts = (
            _count(overview.models, "model"),
            _count(overview.environments, "environment"),
            _count(overview.projects, "project"),
        )
        who = f"signed in as {overview.username}"
        return line(Cell(", ".join(parts[:2]) + f" in {parts[2]}"), Cell(who, Token.MUTED), separator="  ·  ")

    def _matters(self) -> Sequence[Matter]:
        from mlops_tui.operations.overview import failed_runs, in_order

        known = self._overview.matters if self._overview else ()
        return in_order([*known, *self._rollouts, *self._alerts, *failed_runs(self._runs)])

    def items(self, now: datetime) -> Sequence[Item] | None:
        """One row for each matter, the most urgent first."""
        if self._overview is None:
            return None
        return [_item(matter, now) for matter in self._matters()]

    def describe(self) -> tuple[str, JsonValue] | None:
        """The matter under the cursor."""
        matter = self._current()
        if matter is None:
            return None
        value: dict[str, JsonValue] = {
            "what": matter.title,
            "why": matter.detail,
            "since": matter.at.isoformat() if matter.at else None,
            "project": matter.project,
            "model": matter.model,
            "version": matter.version,
            "environment": matter.environment,
            "run": matter.run_id,
            "rollout": matter.rollout_id,
        }
        return matter.title, value

    def _current(self) -> Matter | None:
        key = self.listed.cursor_key
        return next((matter for matter in self._matters() if matter.key == key), None)

    @on(Table.Opened, "#attention-table")
    async def _open_matter(self) -> None:
        matter = self._current()
        if matter is None:
            return
        if matter.kind in {MatterKind.JOURNAL_BROKEN, MatterKind.UNSETTLED}:
            await self.app.run_action("show_view('journal')")
        elif matter.kind is MatterKind.ALERT_FIRING:
            await self.app.run_action("show_view('alerts')")
        elif matter.run_id:
            self._open_run(matter.run_id, matter.title)
        elif matter.rollout_id:
            self._open_rollout(matter.rollout_id)
        elif matter.version:
            self._open_version(f"{matter.project}:{matter.model}", matter.version)
        elif matter.model:
            self._open_model(f"{matter.project}:{matter.model}")
        else:
            await self.app.run_action("show_view('environments')")

    @on(Table.Opened, "#production-table")
    def _open_production(self, event: Table.Opened) -> None:
        self._open_model(event.key.partition(" ")[0])

    @on(Table.Opened, "#recent-table")
    def _open_recent(self, event: Table.Opened) -> None:
        name = next((run.name for run in self._runs if run.id == event.key), "")
        self._open_run(event.key, name)

    def _open_run(self, run_id: str, name: str) -> None:
        from mlops_tui.screens.run import RunView

        self.app.push_screen(RunView(run_id, name))

    def _open_rollout(self, rollout_id: str) -> None:
        from mlops_tui.screens.rollout import RolloutView

        self.app.push_screen(RolloutView(rollout_id))

    def _open_model(self, model: str) -> None:
        from mlops_tui.screens.model import ModelView

        self.app.push_screen(ModelView(model))

    def _open_version(self, model: str, version: str) -> None:
        from mlops_tui.screens.version import VersionView

        self.app.push_screen(VersionView(model, version))


def _item(matter: Matter, now: datetime) -> Item:
    token = Token.PRODUCTION if matter.is_production else Token.STRONG
    cells = (
        STATES[matter.kind].cell,
        Cell(f"{PROD} {matter.title}" if matter.is_production else matter.title, token),
        Cell(matter.detail),
        Cell(age(matter.at, now), Token.MUTED, Align.RIGHT),
        Cell(matter.project, Token.MUTED),
    )
    return Item(matter.key, cells, {"age": -matter.at.timestamp() if matter.at else None, "state": float(matter.kind)})


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
