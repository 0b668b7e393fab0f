"""The view of traces: how much traffic each model version gets on each arm, and the requests that made it up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_sources import TraceSourceKind
from mlops_tui.screens.actions import TRACES_ACTIONS
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import NOTHING_FITS, Item, filtered_items, sorted_items
from mlops_tui.screens.trace_items import LIST_COLUMNS, summary_items, summary_value
from mlops_tui.screens.trace_sending import sending_text
from mlops_tui.screens.traffic_items import (
    Measure,
    TrafficLook,
    arm_key,
    arm_title,
    traffic_columns,
    traffic_items,
    traffic_value,
)
from mlops_tui.screens.view import View
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import ListSource, Row

if TYPE_CHECKING:
    from mlops_tui.analysis.arm_traffic import Arm, ArmTraffic, TrendPoint
    from mlops_tui.domain.trace_queries import TraceSummary
    from mlops_tui.operations.session import Session
    from mlops_tui.operations.trace_list import TraceList, TraceWish
    from mlops_tui.operations.trace_traffic import TrafficBoard

REACHES = {
    "15m": ("the last 15 minutes", timedelta(minutes=15)),
    "1h": ("the last hour", timedelta(hours=1)),
    "6h": ("the last 6 hours", timedelta(hours=6)),
    "24h": ("the last 24 hours", timedelta(hours=24)),
    "7d": ("the last 7 days", timedelta(days=7)),
}
SERVER_SECONDS = 60.0
_LOOKING = "Looking…"


class TracesView(View):
    """Traffic above, traces below."""

    NAME = "traces"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    AUTO_FOCUS: ClassVar[str | None] = "#traffic-table"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(TRACES_ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self._board: TrafficBoard | None = None
        self._list: TraceList | None = None
        self._reach = "1h"
        self._arm: Arm | None = None
        self._measure = Measure.RATE
        self._trends: Mapping[Arm, Sequence[TrendPoint]] = {}

    def body(self) -> ComposeResult:
        """How to send traces where there are none; the arms; the traces."""
        self._pace = self.host.new_pace()
        yield Static("", id="sending")
        with Pane("Traffic", id="traffic"):
            yield Table(traffic_columns(self._measure), empty="Loading…", id="traffic-table")
        with Pane("Traces", id="traces"):
            yield Table(LIST_COLUMNS, empty="Loading…", id="traces-table", classes="-filtered")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """Windows for the traffic, spans for the list; neither comes from GitLab."""
        from mlops_tui.operations.trace_list import TraceFinder
        from mlops_tui.operations.trace_traffic import show_traffic

        interval, finder = look_interval(session.context), TraceFinder()
        yield Feed(
            lambda: show_traffic(session, self._reach_length), self._take_board, "#traffic", interval, is_gitlab=False
        )
        yield Feed(lambda: finder.find(session, self._wish()), self._take_list, "#traces", interval, is_gitlab=False)

    @property
    def _traffic_table(self) -> Table:
        return self.query_one("#traffic-table", Table)

    @property
    def _list_table(self) -> Table:
        return self.query_one("#traces-table", Table)

    @property
    def _reach_length(self) -> timedelta:
        return REACHES[self._reach][1]

    @property
    def _reach_title(self) -> str:
        return REACHES[self._reach][0]

    def _wish(self) -> TraceWish:
        """Which traces shall be listed; a text that is looked for is looked for in the rows."""
        from mlops_tui.domain.filters import TextSearch
        from mlops_tui.domain.trace_filters import parse_trace_query
        from mlops_tui.operations.trace_list import TraceWish

        query = parse_trace_query(self.filter_text)
        wanted = None if isinstance(query, TextSearch) else query
        return TraceWish(self._reach_length, self._arm, wanted)

    def _take_board(self, snapshot: Snapshot[TrafficBoard]) -> None:
        board = self._board = snapshot.data
        if self._pace.wait() <= 0 or not self._trends:
            self._trends = {item.arm: item.trend for item in board.arms}
        self.query_one("#sending", Static).update(sending_text(board, self.host.context.traces))
        self.set_class(not board.has_store, "-without-store")
        self._draw_traffic()

    def _take_list(self, snapshot: Snapshot[TraceList]) -> None:
        self._list = snapshot.data
        self._draw_list()

    def _draw_traffic(self) -> None:
        board, table = self._board, self._traffic_table
        if board is None:
            return
        trends = {item.arm: item.trend for item in board.arms} | dict(self._trends)
        look = TrafficLook(self.host.clock.now(), self._measure, self._arm, trends)
        columns = traffic_columns(self._measure)
        items = traffic_items(board.arms, look)
        nothing = f"No spans in {self._reach_title}; a looks further back."
        table.show_message(nothing if board.has_store else "No traces here yet.")
        # The row of everything stays at the top, however the arms are sorted.
        kept = [*items[:1], *sorted_items(items[1:], columns, table.sort)]
        table.show(_source(columns, kept, len(items)))
        self.query_one("#traffic", Pane).heading = f"Traffic of {self._reach_title}"

    def _draw_list(self) -> None:
        listed, table = self._list, self._list_table
        if listed is None or listed.wish != self._wish():
            table.show_message(_LOOKING)
            table.show(_source(LIST_COLUMNS, [], None))
            return
        items = summary_items(listed.traces, self.host.clock.now())
        kept = items if listed.wish.wanted is not None else filtered_items(items, self.filter_text)
        table.show_message(self._nothing_listed(listed))
        table.show(_source(LIST_COLUMNS, sorted_items(kept, LIST_COLUMNS, table.sort), len(items)))
        self.query_one("#traces", Pane).heading = self._list_heading(listed)

    def _nothing_listed(self, listed: TraceList) -> str:
        if listed.read is not None and not listed.is_all:
            return (
                f"None of the newest {listed.read:,} fits, and there are more: say what else it is, such as age > 20m."
            )
        if self.filter_text:
            return NOTHING_FITS
        return f"No traces in {self._reach_title}; a looks further back." if listed.has_store else "No traces here yet."

    def _list_heading(self, listed: TraceList) -> str:
        words = ["Traces" if self._arm is None else f"Traces of {arm_title(self._arm)}"]
        if listed.read is not None:
            words.append(f"looked into {listed.read:,}")
        if not listed.is_all:
            words.append("the newest")
        return ", ".join(words)

    def restamp(self) -> None:
        """Draw ages and trends that were waiting for their turn."""
        super().restamp()
        self._draw_traffic()

    def check_filter(self, text: str) -> None:
        """Raise a FilterError, which names the column, for a filter that cannot be read."""
        from mlops_tui.domain.trace_filters import parse_trace_query

        parse_trace_query(text)

    def filter_rows(self, _text: str) -> None:
        """Look for the traces that fit: in the rows for a text, in the store for a filter."""
        self._look_anew()

    def _look_anew(self) -> None:
        self._draw_list()
        if self._list is None or self._list.wish != self._wish():
            self.action_refresh()

    @on(Table.SortChosen)
    def _sort(self, event: Table.SortChosen) -> None:
        event.stop()
        event.table.sort = event.sort
        self._draw_traffic()
        self._draw_list()

    @on(Table.Opened, "#traffic-table")
    def _arm_opened(self, event: Table.Opened) -> None:
        event.stop()
        found = self._arm_at(event.key)
        self._narrow(None if found is None else found.arm)
        self._list_table.focus()

    def _narrow(self, arm: Arm | None) -> None:
        self._arm = arm
        self._draw_traffic()
        self._look_anew()

    def _arm_at(self, key: str | None) -> ArmTraffic | None:
        arms = self._board.arms if self._board else ()
        return next((item for item in arms if arm_key(item.arm) == key), None)

    @on(Table.Opened, "#traces-table")
    def _trace_opened(self, event: Table.Opened) -> None:
        event.stop()
        from mlops_tui.screens.trace import TraceView

        self.app.push_screen(TraceView(event.key))

    def _summary(self) -> TraceSummary | None:
        key = self._list_table.cursor_key
        traces = self._list.traces if self._list else ()
        return next((item for item in traces if item.trace_id == key), None)

    def describe(self) -> tuple[str, JsonValue] | None:
        """The trace or the arm under the cursor."""
        if self.focused is self._traffic_table:
            found = self._arm_at(self._traffic_table.cursor_key)
            return None if found is None else (arm_title(found.arm), traffic_value(found))
        trace = self._summary()
        return None if trace is None else (trace.name, summary_value(trace))

    def copy_text(self) -> str | None:
        """The id of the trace, or the arm in words."""
        if self.focused is self._traffic_table:
            found = self._arm_at(self._traffic_table.cursor_key)
            return None if found is None else arm_title(found.arm)
        return self._list_table.cursor_key

    def action_back(self) -> None:
        """Clear the filter, or list the traces of all arms again."""
        if not self.filter_text and self._arm is not None:
            self._narrow(None)
        else:
            super().action_back()

    def action_measure(self) -> None:
        """Draw the trend of another measure."""
        self._measure = self._measure.next()
        self._trends = {}
        self._draw_traffic()

    def action_reach(self) -> None:
        """Choose how far back traffic and traces are looked at."""
        from mlops_tui.widgets.chooser import Choice, Chooser

        choices = [Choice(key, title[:1].upper() + title[1:]) for key, (title, _) in REACHES.items()]
        self.app.push_screen(Chooser("How far back", choices, current=self._reach), self._choose_reach)

    def _choose_reach(self, key: str | None) -> None:
        if key is not None and key != self._reach:
            self._reach = key
            self._trends = {}
            self._draw_list()
            self.action_refresh()

    def action_go(self) -> None:
        """Go to the model version, the rollout, the job or the commit of the trace under the cursor."""
        trace = self._summary()
        if trace is None:
            self.notify("There is no trace under the cursor", markup=False)
            return
        from mlops_tui.screens.trace_going import go_from_trace

        go_from_trace(self, trace.trace_id)


def look_interval(context: Context) -> float:
    """Seconds between two looks; a server may have to be asked many questions for one, so it is asked seldom."""
    is_here = context.traces is None or context.traces.kind is TraceSourceKind.EMBEDDED
    return context.poll_interval if is_here else max(context.poll_interval, SERVER_SECONDS)


def _source(columns: Sequence[Column], items: Sequence[Item], total: int | None) -> ListSource:
    return ListSource(columns, [Row(item.key, item.cells) for item in items], total)
