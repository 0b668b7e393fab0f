"""What every view does: draw snapshots, poll while it is visible, name its keys and say why some do nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import MlopsError, NotSignedInError, UnreachableError
from mlops_tui.live.pollers import Asked
from mlops_tui.live.snapshots import CACHED
from mlops_tui.screens.feeds import Feed, FeedFailed, Feeds, SnapshotArrived
from mlops_tui.screens.first_frame import capture, restore
from mlops_tui.screens.host import Host
from mlops_tui.widgets.actions import VIEW_ACTIONS, KeyAction, Refusal, bindings
from mlops_tui.widgets.as_of import Freshness
from mlops_tui.widgets.command_line import CommandLine, Prompt
from mlops_tui.widgets.footer import Footer
from mlops_tui.widgets.header import Connection, Header
from mlops_tui.widgets.log_view import LogView
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session

RESTAMP_SECONDS = 5.0


class View(Screen[None]):
    """One screen of the program, drilled into or chosen by its key.

    A view says what it consists of in ``body`` and where its data come from in ``feeds``; it never asks GitLab itself
    and keeps no time. Subclasses set ``NAME`` (its scope in the table of actions) and ``crumb``.
    """

    NAME: ClassVar[str] = ""
    SHARED_SCOPES: ClassVar[tuple[str, ...]] = ("delivery", "registry")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW_ACTIONS)]
    AUTO_FOCUS: ClassVar[str | None] = "Table"
    ALLOW_IN_MAXIMIZED_VIEW: ClassVar[str | None] = "Header, Footer, CommandLine"
    DEFAULT_CSS = "View { layout: vertical; }"

    def __init__(self) -> None:
        super().__init__()
        self.filter_text = ""
        self._feeds: Feeds | None = None
        self._is_visible = False
        self._is_after_action = False
        self._first_freshness: dict[str, Freshness] = {}

    @property
    def host(self) -> Host:
        """The program around this view."""
        return cast("Host", self.app)

    @property
    def crumb(self) -> str:
        """What the breadcrumb calls this view."""
        return self.NAME.capitalize()

    def body(self) -> ComposeResult:
        """The panes between header and footer."""
        yield from ()

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:  # noqa: ARG002 - for the views that have feeds
        """Where the data come from, once the session is open."""
        return ()

    def check_filter(self, text: str) -> None:
        """Raise a UsageError for a filter that cannot be read."""
        from mlops_tui.domain.filters import parse_query

        parse_query(text)

    def filter_rows(self, text: str) -> None:
        """Keep only what fits the filter; empty keeps all."""

    def describe(self) -> tuple[str, JsonValue] | None:
        """A title and everything known about the current thing, or None where there is none."""
        return None

    def copy_text(self) -> str | None:
        """What the key for copying copies: the current row's name, unless the view knows better."""
        focused = self.focused
        return focused.cursor_key if isinstance(focused, Table) else None

    def refusal(self, action_id: str) -> Refusal | None:
        """Why an action is not available now; views that add reasons ask this one first."""
        action = self.host.actions.get(action_id)
        if action is None or not action.changes:
            return None
        if self.host.context.is_read_only:
            name = self.host.context.name
            return Refusal("read-only", f"The context {name} is read-only, so nothing can be changed from here")
        if self.host.session is None:
            return Refusal("loading", "Everything is still being loaded")
        return None

    def compose(self) -> ComposeResult:
        """Header, body and footer; the command line comes when it is called for."""
        yield Header()
        yield from self.body()
        yield Footer()

    def on_mount(self) -> None:
        """Draw what was shown last time, then wait for data."""
        frame = self.host.first_frame(self.frame_name)
        if frame is not None:
            restore(frame, self.query(Table))
            self._first_freshness = frame.freshness()
        self.set_interval(RESTAMP_SECONDS, self.restamp)
        self.update_standing()
        self.restamp()
        if self.host.session is not None:
            self.start(self.host.session)

    async def on_unmount(self) -> None:
        """End the pollers."""
        if self._feeds is not None:
            await self._feeds.close()

    @property
    def frame_name(self) -> str:
        """Under which name the first frame is kept."""
        return self.NAME

    def start(self, session: Session) -> None:
        """Ask for data: the session is open."""
        if self._feeds is None:
            self._feeds = Feeds(self.post_message, self.host.clock)
            self._feeds.open(
                self.feeds(session),
                is_visible=self._is_visible,
                is_paused=self.host.is_paused,
                has_focus=self.app.app_focus,
            )
            if self._is_after_action:
                self._feeds.refresh(asked=Asked.AFTER_ACTION)
            self.refresh_bindings()

    @on(events.ScreenResume)
    def _resume(self) -> None:
        self._is_visible = True
        self.update_standing()
        if self._feeds is not None:
            self._feeds.show()
        self.restamp()

    @on(events.ScreenSuspend)
    def _suspend(self) -> None:
        self._is_visible = False
        if self._feeds is not None:
            self._feeds.hide()

    def terminal_focus(self, has_focus: bool) -> None:
        """The terminal has the focus, or lost it."""
        if self._feeds is not None:
            self._feeds.set_focus(has_focus)

    def pause_changed(self) -> None:
        """The person paused, or went on."""
        if self._feeds is not None:
            self._feeds.set_paused(self.host.is_paused)
        self.restamp()

    def update_standing(self) -> None:
        """Draw the header anew."""
        for header in self.query(Header):
            header.standing = self.host.standing
            header.crumbs = tuple(screen.crumb for screen in self.app.screen_stack if isinstance(screen, View))

    def restamp(self) -> None:
        """Look at the age of every pane's data."""
        now = self.host.clock.now()
        for selector, freshness in self._freshness().items():
            self.query_one(selector, Pane).stamp(freshness, now)

    def _freshness(self) -> dict[str, Freshness]:
        if self._feeds is None:
            return self._first_freshness
        first = self._first_freshness
        return {
            pane: first.get(pane, known) if known.snapshot is None and known.error is None else known
            for pane, known in self._feeds.freshness(is_paused=self.host.is_paused).items()
        }

    @on(SnapshotArrived)
    def _draw(self, event: SnapshotArrived) -> None:
        event.stop()
        snapshot = event.snapshot
        with self.query_one(event.feed.pane, Pane).guarded():
            event.feed.draw(snapshot)
        self.restamp()
        if not event.feed.is_gitlab:
            self._tell_ready()
        elif snapshot.source != CACHED or snapshot.error is not None:
            self.host.connection_is(_connection(snapshot.error))
        self.refresh_bindings()
        self.host.keep_first_frame(self.frame_name, capture(self.query(Table), self._freshness()))

    def _tell_ready(self) -> None:
        if self.host.standing.connection is Connection.STARTING:
            self.host.connection_is(Connection.READY)

    @on(FeedFailed)
    def _feed_failed(self, event: FeedFailed) -> None:
        event.stop()
        if event.feed.is_gitlab:
            self.host.connection_is(_connection(event.error))
        self.restamp()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what is refused; Textual asks this for every key."""
        own = self._own_action(action)
        if own is not None and self.refusal(own.id) is not None:
            return None
        return super().check_action(action, parameters)

    def _own_action(self, method: str) -> KeyAction | None:
        names = [f"{scope}.{method}" for scope in (self.NAME, "view", *self.SHARED_SCOPES)]
        return next((found for name in names if (found := self.host.actions.get(name)) is not None), None)

    def on_key(self, event: events.Key) -> None:
        """Say why a refused key does nothing."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled or active.binding.id is None:
            return
        refusal = self.refusal(active.binding.id)
        if refusal is not None:
            event.stop()
            self.notify(refusal.sentence, severity="warning", markup=False)

    def action_back(self) -> None:
        """Clear the filter, or go back one step."""
        if self.filter_text:
            self.apply_filter("")
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    async def action_filter(self) -> None:
        """Ask for a filter, or for text to find in a log."""
        line = await self._command_line()
        if isinstance(self.focused, LogView):
            line.open(Prompt.FILTER, self.focused.pattern)
        else:
            line.open(Prompt.FILTER, self.filter_text, check=self.check_filter)

    async def open_command(self) -> None:
        """Ask for a command."""
        line = await self._command_line()
        line.open(Prompt.COMMAND, check=self.check_filter)

    async def _command_line(self) -> CommandLine:
        for line in self.query(CommandLine):
            return line
        line = CommandLine(self.host.view_names, self.host.context_names)
        await self.mount(line)
        return line

    @on(CommandLine.Filtered)
    def _filtered(self, event: CommandLine.Filtered) -> None:
        event.stop()
        focused = self.focused
        if isinstance(focused, LogView):
            if not focused.search(event.text):
                self.notify(f"{event.text} is not in the log", markup=False)
            return
        self.apply_filter(event.text)

    def apply_filter(self, text: str) -> None:
        """Keep only what fits the filter and say so in the table's title."""
        self.filter_text = text
        for table in self.query(Table):
            if table.has_class("-filtered"):
                table.filter_text = text
        self.filter_rows(text)

    def action_refresh(self) -> None:
        """Ask for newer data now."""
        if self._feeds is not None:
            self._feeds.refresh()

    def refresh_after_action(self) -> None:
        """Ask what an action has changed, before everything else that is asked; once it is open, if it is not yet."""
        self.action_refresh()
        if self._feeds is not None:
            self._feeds.refresh(asked=Asked.AFTER_ACTION)
        else:
            self._is_after_action = True

    def refresh_pane(self, pane: str) -> None:
        """Ask for newer data of one pane now."""
        if self._feeds is not None:
            self._feeds.refresh(pane)

    def action_pause(self) -> None:
        """Stop asking for newer data, or go on."""
        self.host.toggle_pause()

    def action_describe(self) -> None:
        """Show everything known about the current thing."""
        found = self.describe()
        if found is None:
            self.notify("Nothing to describe here", markup=False)
            return
        from mlops_tui.widgets.details import DetailsDialog

        self.app.push_screen(DetailsDialog(*found))

    def action_copy(self) -> None:
        """Copy the current thing's name."""
        text = self.copy_text()
        if text:
            self.host.copy(text)
        else:
            self.notify("Nothing to copy here", markup=False)

    def action_whole_screen(self) -> None:
        """Give the focused pane the whole screen, or take it back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            panes = (node for node in self.focused.ancestors_with_self if isinstance(node, Pane))
            self.maximize(next(panes, self.focused), container=False)


def _connection(error: MlopsError | None) -> Connection:
    match error:
        case None:
            return Connection.ONLINE
        case NotSignedInError():
            return Connection.REFUSED
        case UnreachableError():
            return Connection.OFFLINE
        case _:
            return Connection.ONLINE
