"""Alerts: every rule of the policy files, what it makes of the newest windows, and who looks after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.monitored_metrics import MetricFamily
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.acting import act, awaited
from mlops_tui.screens.actions import ALERTS_ACTIONS
from mlops_tui.screens.alert_rows import COLUMNS, alert_item, alert_value, detail_lines
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import Item, ListedView
from mlops_tui.screens.retraining import RetrainingView
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import Refusal, bindings
from mlops_tui.widgets.cells import Cell, line
from mlops_tui.widgets.chooser import Choice, Chooser
from mlops_tui.widgets.form import FormDialog, TextField
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from mlops_tui.domain.alert_board import Alert
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.alerts import AlertBoard
    from mlops_tui.operations.session import Session

MOST_NOTICES = 3
SILENCES = ("30m", "1h", "4h", "1d", "7d")
END = "end"


class AlertsView(ListedView, RetrainingView):
    """What fires, what waits, what cannot be told."""

    NAME = "alerts"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    LIST = "alerts-table"
    EMPTY = "No rule watches anything: monitoring.alerts in .gitlab/mlops.yml makes one."
    COLUMNS = COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ALERTS_ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self._board: AlertBoard | None = None
        self._firing: frozenset[str] | None = None

    def body(self) -> ComposeResult:
        """What could not be read, the table, and below it the alert under the cursor."""
        yield Static("", id="notices")
        with Pane("Alerts", id="alerts"):
            yield self.list_table()
        with Pane("This alert", id="this-alert"):
            yield TextLines(empty="Loading…", id="alert-lines")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """Every rule, judged anew."""
        from mlops_tui.operations.alerts import AlertBoard, evaluate

        cached = session.cached_view("alerts", AlertBoard)
        yield Feed(lambda: evaluate(session), self._take, "#alerts", session.context.poll_interval, cached)

    def _take(self, snapshot: Snapshot[AlertBoard]) -> None:
        self._board = snapshot.data
        notices = [line(Cell(f"{Sign.WARNING.glyph} {text}", Token.WARNING)) for text in snapshot.data.notices]
        self.query_one("#notices", Static).update(Content("\n").join(notices[:MOST_NOTICES]))
        self._announce(snapshot.data)
        self.relist()
        self._show_current()

    def _announce(self, board: AlertBoard) -> None:
        """Tell of what began to fire while somebody was looking; not of what fired before."""
        now = self.host.clock.now()
        firing = {item.fingerprint: item for item in board.alerts if item.counts(now)}
        if self._firing is not None:
            for key in sorted(firing.keys() - self._firing):
                self.host.announce("mlops-tui", f"fires: {firing[key].title}")
        self._firing = frozenset(firing)

    def items(self, now: datetime) -> Sequence[Item] | None:
        """One row for each alert, what needs attention first."""
        if self._board is None:
            return None
        return [alert_item(alert, place, now) for place, alert in enumerate(self._board.alerts)]

    @on(Table.Moved, "#alerts-table")
    def _moved(self) -> None:
        self._show_current()
        self.refresh_bindings()

    def _show_current(self) -> None:
        current = self._current()
        lines = detail_lines(current, self.host.clock.now()) if current else ()
        self.query_one("#alert-lines", TextLines).show(lines)

    def _current(self) -> Alert | None:
        key = self.listed.cursor_key
        alerts = self._board.alerts if self._board else ()
        return next((item for item in alerts if item.fingerprint == key), None)

    def trained(self) -> tuple[str, str] | None:
        """The model of the alert under the cursor."""
        current = self._current()
        return (current.subject.project, current.subject.model) if current else None

    def describe(self) -> tuple[str, JsonValue] | None:
        """Everything known about the alert under the cursor, its windows included."""
        current = self._current()
        return (current.title, alert_value(current, self.host.clock.now())) if current else None

    def copy_text(self) -> str | None:
        """The page of its issue, or its id."""
        current = self._current()
        if current is None:
            return None
        return current.issue.web_url if current.issue else current.id

    def refusal(self, action_id: str) -> Refusal | None:
        """Besides what every view refuses: taking on what does not fire or is taken on, and an issue there is not."""
        general = super().refusal(action_id)
        current = self._current()
        if general is not None or current is None:
            return general
        match action_id:
            case "alerts.acknowledge" if not current.status.is_firing:
                return Refusal(current.status.state.value, f"{current.title} does not fire")
            case "alerts.acknowledge" if current.acknowledgement is not None:
                by = current.acknowledgement.by
                return Refusal("taken on", f"{current.title} was taken on by {by}")
            case "alerts.open_issue" if current.issue is None:
                return Refusal("no issue", f"{current.title} has no open issue")
            case _:
                return None

    def action_acknowledge(self) -> None:
        """Take the alert on."""
        current = self._current()
        if current is not None:
            act(self, "Take on", partial(self._prepare_acknowledgement, current))

    def action_silence(self) -> None:
        """Let nobody be told of it for a while."""
        current = self._current()
        if current is not None:
            act(self, "Silence", partial(self._prepare_silence, current))

    def action_open_issue(self) -> None:
        """Open its issue in the browser."""
        current = self._current()
        if current is not None and current.issue is not None:
            self.host.open_address(current.issue.web_url)

    @on(Table.Opened, "#alerts-table")
    async def _open(self) -> None:
        """Go to what the figure comes from: the traces of traffic, else the drift and quality of the model."""
        from mlops_tui.screens.drift import DriftView

        current = self._current()
        if current is None:
            return
        if current.metric.family is MetricFamily.TRAFFIC:
            await self.app.run_action("show_view('traces')")
        else:
            self.app.push_screen(DriftView(f"{current.subject.project}:{current.subject.model}"))

    async def _prepare_acknowledgement(self, alert: Alert) -> Action | None:
        from mlops_tui.operations.alert_handling import prepare_acknowledgement

        session = self.host.session
        field = TextField("comment", "What is being done", is_required=False, placeholder="may be empty")
        answers = await self.app.push_screen_wait(FormDialog(f"Take on {alert.title}", (field,)))
        if session is None or answers is None:
            return None
        action = prepare_acknowledgement(session, alert, answers["comment"])
        return await awaited(self, "Preparing the preview…", action)

    async def _prepare_silence(self, alert: Alert) -> Action | None:
        from mlops_tui.operations.alert_handling import prepare_silence

        session = self.host.session
        chosen = await self._ask_length(alert)
        if session is None or chosen is None:
            return None
        reason = ""
        if chosen != END:
            field = TextField("reason", "Why", is_required=False, placeholder="may be empty")
            answers = await self.app.push_screen_wait(FormDialog(f"Silence {alert.title} for {chosen}", (field,)))
            if answers is None:
                return None
            reason = answers["reason"]
        length = parse_duration("0s" if chosen == END else chosen)
        return await awaited(self, "Preparing the preview…", prepare_silence(session, alert, length, reason))

    async def _ask_length(self, alert: Alert) -> str | None:
        choices = [Choice(length, f"for {length}", "nobody is told; it is still shown") for length in SILENCES]
        if alert.silence(self.host.clock.now()) is not None:
            choices.insert(0, Choice(END, "end the silence", "it is told again at once if it fires"))
        return await self.app.push_screen_wait(Chooser(f"Silence {alert.title}", choices))
