"""One rollout, live: its tree, the weight over the same time as what was measured, harm against the margins, events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Static

from mlops_tui.domain.canonical import JsonValue, plain
from mlops_tui.domain.rollout_documents import rollout_document
from mlops_tui.domain.rollouts import Hindrance, Rollout, RolloutEvent
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import ROLLOUT_ACTIONS
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.rollout_facts import facts
from mlops_tui.screens.rollout_figures import intervals, tracks
from mlops_tui.screens.rollout_tree import TREE_COLUMNS, rollout_branch
from mlops_tui.screens.steering import SteeringView
from mlops_tui.screens.watching import Watch
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.intervals import IntervalPlot
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source
from mlops_tui.widgets.text_layout import fold, text_line
from mlops_tui.widgets.times import short_moment
from mlops_tui.widgets.tracks import Tracks
from mlops_tui.widgets.tree import Tree

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session

WIDTHS: list[tuple[int, str]] | None = [(0, "-narrow"), (160, "-vast")]
HEIGHTS: list[tuple[int, str]] | None = [(0, "-short"), (34, "-tall")]
EVENT_COLUMNS = (
    Column("at", "WHEN", 11, is_sortable=False),
    Column("kind", "EVENT", 10, is_sortable=False),
    Column("text", "WHAT", 30, flex=1, is_sortable=False),
    Column("by", "BY", 10, priority=20, is_sortable=False),
)
LEAST_FACTS, MOST_FACTS, MOST_FACTS_SHORT = 4, 9, 5
NOTHING_JUDGED = "Nothing was judged yet: it begins with the first closed window of measurements."


class RolloutView(SteeringView):
    """A rollout.

    Args:
        rollout_id: Its id.
        known: What is known of it already, drawn until it is read anew.
    """

    NAME = "rollout"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    AUTO_FOCUS: ClassVar[str | None] = "Tree"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ROLLOUT_ACTIONS)]

    class Watched(Message):
        """This program looked at the rollout while it watches it, or began or ended to watch it."""

        def __init__(self, watch: Watch) -> None:
            super().__init__()
            self.watch = watch

    def __init__(self, rollout_id: str, known: Rollout | None = None) -> None:
        super().__init__()
        self._rollout_id = rollout_id
        self._rollout = known
        self._facts_rows = LEAST_FACTS
        self._read_at: datetime | None = None
        self._asks_gitlab = False

    @property
    def crumb(self) -> str:
        """The version, once it is known."""
        return f"{self._rollout.model} {self._rollout.version}" if self._rollout else self._rollout_id

    @property
    def frame_name(self) -> str:
        """One for each rollout."""
        return f"rollout {self._rollout_id}"

    def body(self) -> ComposeResult:
        """Facts, the tree with the tracks, the intervals, the events."""
        pace = self.host.new_pace()
        yield Static("", id="facts")
        with Container(id="middle"):
            with Pane("Plan", id="tree"):
                yield Tree(TREE_COLUMNS, empty="Loading…", id="rollout-tree")
            with Pane("Over time", id="over-time"):
                yield Tracks(pace=pace, id="tracks")
        with Pane("Harm against the margin", id="harm"):
            yield IntervalPlot(empty=NOTHING_JUDGED, pace=pace, id="intervals")
        with Pane("Events", id="happened"):
            yield Table(EVENT_COLUMNS, empty="Nothing is known to have happened.", id="events-table")

    def on_mount(self) -> None:
        """Draw what is known, and hear of this program's own looks."""
        self.host.watches.listeners.append(self._looked)
        if self._rollout is not None:
            self._draw_rollout(self._rollout)

    async def on_unmount(self) -> None:
        """Hear no more."""
        self.host.watches.listeners.remove(self._looked)

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The rollout with its measurements, read together so that no two panes disagree."""
        cached = session.cached_view(self.frame_name, Rollout)
        yield Feed(lambda: self._read(session), self._take, "#tree", session.context.poll_interval, cached)

    def action_refresh(self) -> None:
        """Ask GitLab, also where this program's last look would tell: that was before what the person did."""
        self._asks_gitlab = True
        super().action_refresh()

    async def _read(self, session: Session) -> Snapshot[Rollout]:
        """What this program saw when it looked last, where it watches; else GitLab is asked, once known one project."""
        from mlops_tui.operations.rollouts.listing import renewed, rollout

        watch, known = self.host.watches.get(self._rollout_id), self._rollout
        seen_at = watch.seen_at if watch is not None else None
        is_newest = self._read_at is None or (seen_at is not None and seen_at >= self._read_at)
        if watch is not None and seen_at is not None and is_newest and not self._asks_gitlab:
            return Snapshot(watch.rollout, seen_at, session.transport.host.name)
        found = await (renewed(session, known) if known is not None else rollout(session, self._rollout_id))
        self._read_at, self._asks_gitlab = found.fetched_at, False
        return found

    def _take(self, snapshot: Snapshot[Rollout]) -> None:
        is_first = self._rollout is None
        self._rollout = snapshot.data
        if is_first:
            self.update_standing()
        self._draw_rollout(snapshot.data)

    def _draw_rollout(self, rollout: Rollout) -> None:
        now = self.host.clock.now()
        self._draw_facts(rollout, now)
        self.query_one(Tree).show_branches([rollout_branch(rollout)])
        nothing = _why_nothing(rollout)
        self.query_one(Tracks).show(replace(tracks(rollout, now), empty=nothing))
        self.query_one(IntervalPlot).show(intervals(rollout), empty=nothing)
        self._draw_events(rollout.events)

    def _looked(self, watch: Watch) -> None:
        if watch.rollout.id == self._rollout_id:
            self.post_message(self.Watched(watch))

    @on(Watched)
    def _draw_look(self, event: Watched) -> None:
        """Draw what this program saw when it looked."""
        event.stop()
        self._rollout = event.watch.rollout
        with self.query_one("#tree", Pane).guarded():
            self._draw_rollout(event.watch.rollout)
        self.refresh_bindings()

    def _draw_facts(self, rollout: Rollout, now: datetime) -> None:
        """Draw what stands above; it only ever grows, since every change of its height costs a whole screen."""
        watch, label = self.host.watches.get(rollout.id), self.query_one("#facts", Static)
        width, most = label.content_size.width, MOST_FACTS_SHORT if self.has_class("-short") else MOST_FACTS
        text = facts(rollout, now, watch.sentence if watch else None, Size(width, most) if width else None)
        if label.content == text:
            return
        rows = sum(len(fold(text_line(row.plain), width)) for row in text.split("\n")) if width else 0
        has_grown = rows > self._facts_rows
        if has_grown:
            self._facts_rows = rows
            label.styles.min_height = rows
        label.update(text, layout=has_grown or not width)

    def on_resize(self) -> None:
        """Fit what stands above into another width, once that is known."""
        self.call_after_refresh(self._fit_facts)

    def _fit_facts(self) -> None:
        if self._rollout is not None:
            self._draw_facts(self._rollout, self.host.clock.now())

    def _draw_events(self, events: Iterable[RolloutEvent]) -> None:
        now = self.host.clock.now()
        newest = sorted(events, key=lambda event: event.at, reverse=True)
        rows = [
            (
                # A lease that is kept has a new end every minute, and stays the same row.
                f"{event.at.isoformat()} {event.kind.value} {event.text.partition(' until ')[0]}",
                (
                    Cell(short_moment(event.at, now), Token.MUTED),
                    Cell(event.kind.value),
                    Cell(event.text),
                    Cell(event.by, Token.MUTED),
                ),
            )
            for event in newest
        ]
        self.query_one("#events-table", Table).show(list_source(EVENT_COLUMNS, rows))

    def steered(self) -> Rollout | None:
        """This one."""
        return self._rollout

    def describe(self) -> tuple[str, JsonValue] | None:
        """This one."""
        return (self.crumb, plain(rollout_document(self._rollout))) if self._rollout else None

    def copy_text(self) -> str | None:
        """Its page in GitLab, or its id."""
        return self._rollout.links[0] if self._rollout and self._rollout.links else self._rollout_id

    def action_watch(self) -> None:
        """Let the program act on it by itself, or no longer."""
        session, rollout = self.host.session, self._rollout
        if session is None or rollout is None:
            return
        if self.host.watches.get(rollout.id) is not None:
            self.run_worker(self.host.watches.stop(rollout.id), exit_on_error=False)
            return

        def begin(typed: str | None) -> None:
            if typed is not None:
                self.host.watches.start(session, rollout)

        from mlops_tui.operations.rollouts.watching import watch_preview

        preview = watch_preview(rollout, session.context.origin)
        self.app.push_screen(ConfirmDialog(preview, origin=self.host.context.url, verb="Watch"), begin)

    def action_events(self) -> None:
        """Show the events in place of the tracks, or the tracks again."""
        self.toggle_class("-events")
        if self.has_class("-events"):
            self.query_one("#events-table", Table).focus()
        else:
            self.query_one(Tree).focus()


def _why_nothing(rollout: Rollout) -> str:
    """Why there are no intervals: what is in the way of measuring, where it is known."""
    blind = (item.text for item in rollout.obstacles if item.kind is Hindrance.NO_MEASUREMENTS)
    return next(blind, NOTHING_JUDGED)
