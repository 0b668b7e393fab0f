"""The terminal program: views and how one gets from one to another. The screens do the work."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.contexts import Context, ContextKind
from mlops_tui.domain.errors import MlopsError, UsageError
from mlops_tui.screens.actions import all_actions, go_actions
from mlops_tui.screens.first_frame import FirstFrame
from mlops_tui.screens.frames import FrameStore
from mlops_tui.screens.launch import Launch
from mlops_tui.screens.leaving import leave_watching
from mlops_tui.screens.palette import ActionProvider
from mlops_tui.screens.registry import VIEWS, ViewEntry
from mlops_tui.screens.view import View
from mlops_tui.screens.watching import Watch, Watches, news
from mlops_tui.widgets._textual_compat import open_in_mode, opened_screens
from mlops_tui.widgets.actions import APP_ACTIONS, Registry, bindings
from mlops_tui.widgets.command_line import CommandLine
from mlops_tui.widgets.commands import CONTEXT_WORDS, QUIT_WORDS, Command, ViewName
from mlops_tui.widgets.footer import key_hints
from mlops_tui.widgets.header import Connection, Standing
from mlops_tui.widgets.keymap import LineFinder, resolve_keymap
from mlops_tui.widgets.pace import INTERVAL, LOW_BANDWIDTH_INTERVAL, Pace
from mlops_tui.widgets.terminal import require_terminal
from mlops_tui.widgets.terminal_app import TerminalApp

if TYPE_CHECKING:
    from mlops_tui.domain.credentials import FoundCredential
    from mlops_tui.operations.session import Session

LEAVE_SECONDS = 3.0
# Long enough for an action that is under way to end, or to leave a word of how far it came.
CLOSE_SECONDS = 10.0
LATEST_LOAD_SECONDS = 1.0


class MlopsApp(TerminalApp["Launch | int"], inherit_bindings=False):
    """The dashboard on one context; it ends with an exit code, or with the launch of another context.

    Args:
        launch: With what it starts.
        environ: The environment, for colours and the clipboard.
    """

    TITLE = "mlops-tui"
    VIEWS: ClassVar[tuple[ViewEntry, ...]] = VIEWS
    COMMANDS: ClassVar = {ActionProvider}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Leave", show=False, priority=True),
        *bindings(APP_ACTIONS),
        *bindings(go_actions()),
    ]

    def __init__(self, launch: Launch, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(launch.preferences, launch.theme, environ)
        self.launch = launch
        self.actions: Registry = all_actions()
        self.session: Session | None = None
        self.is_paused = False
        self._is_loading = False
        self.standing = _standing(launch.context)
        self.watches = Watches(self._watched)
        self._frames = FrameStore(launch.context.name, launch.clock)
        self._interrupted_at: float | None = None
        for view in self.VIEWS:
            self.add_mode(view.name, view.load)
        open_in_mode(self, launch.view or self.VIEWS[0].name)
        self.set_keymap(launch.keys)

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.launch.clock

    @property
    def context(self) -> Context:
        """Which GitLab this is about."""
        return self.launch.context

    @property
    def view_names(self) -> Sequence[ViewName]:
        """The views that can be named."""
        return [view.view_name for view in self.VIEWS]

    @property
    def context_names(self) -> Sequence[str]:
        """The contexts that can be named."""
        return self.launch.contexts

    def on_mount(self) -> None:
        """Let the first view be drawn, then load everything else behind it."""
        self.call_after_refresh(self._load)
        # A screen that is opened before the first one was drawn would hold that call back for as long as it is there.
        self.set_timer(LATEST_LOAD_SECONDS, self._load)

    def _load(self) -> None:
        if self._is_loading:
            return
        self._is_loading = True
        if self.launch.filter:
            self._filter(self.launch.filter)
        self.run_worker(self._open_session(), group="session", exit_on_error=False)

    async def _open_session(self) -> None:
        module = await asyncio.to_thread(import_module, "mlops_tui.operations.session")
        launch = self.launch
        try:
            # Its files are opened with it, which takes as long as another process keeps them busy.
            session = await asyncio.to_thread(
                module.open_session, launch.context, launch.credential, launch.clock, paths=launch.paths
            )
        except MlopsError as error:
            self.connection_is(Connection.REFUSED)
            self.notify(str(error), title="Not connected", severity="error", timeout=60)
            return
        self.session = session
        session.transport.on_reach = self._reached
        for view in self._all_views():
            view.start(session)
        from mlops_tui.screens.settling import settle

        self.run_worker(settle(self, session), group="settling", exit_on_error=False)

    async def on_unmount(self) -> None:
        """Close the session, but do not wait for ever."""
        await self.watches.close()
        if self.session is not None:
            try:
                await asyncio.wait_for(self._close(self.session), CLOSE_SECONDS)
            except TimeoutError:
                self.log.warning("the session did not close in time")

    async def _close(self, session: Session) -> None:
        await self._frames.keep_all(session)
        await session.close()

    def _all_views(self) -> list[View]:
        return [screen for screen in opened_screens(self) if isinstance(screen, View)]

    @property
    def _view(self) -> View | None:
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, View)), None)

    def first_frame(self, view: str) -> FirstFrame | None:
        """What the view showed last time."""
        if self.session is not None:
            return None
        from mlops_tui.config.paths import Paths

        paths = self.launch.paths or Paths.of_user()
        return self._frames.read(paths.cache, view)

    def keep_first_frame(self, view: str, frame: FirstFrame) -> None:
        """Keep what the view shows for the next start."""
        self._frames.keep(view, frame, self.session)

    def connection_is(self, connection: Connection) -> None:
        """Show whether GitLab answers."""
        self._stand(replace(self.standing, connection=Connection.PAUSED if self.is_paused else connection))

    def _reached(self, is_reached: bool) -> None:
        """Whoever asks finds out, a watch as well as a view; what an answer says is told by who asked."""
        if not is_reached:
            self.connection_is(Connection.OFFLINE)
        elif self.standing.connection is Connection.OFFLINE:
            self.connection_is(Connection.ONLINE)

    def _stand(self, standing: Standing) -> None:
        if standing != self.standing:
            self.standing = standing
            for view in self._all_views():
                view.update_standing()

    def _watched(self, watch: Watch) -> None:
        self._stand(replace(self.standing, watched=len(self.watches)))
        if text := news(watch):
            self.announce(f"{watch.rollout.model} {watch.rollout.version}", text)

    def toggle_pause(self) -> None:
        """Stop asking for newer data, or go on."""
        self.is_paused = not self.is_paused
        for view in self._all_views():
            view.pause_changed()
        self.connection_is(Connection.STARTING)

    def new_pace(self) -> Pace:
        """How often the plots of one screen are redrawn."""
        return Pace(self.clock, LOW_BANDWIDTH_INTERVAL if self.launch.preferences.low_bandwidth else INTERVAL)

    @on(events.AppFocus)
    def _terminal_focused(self) -> None:
        self._tell_focus(has_focus=True)

    @on(events.AppBlur)
    def _terminal_blurred(self) -> None:
        self._tell_focus(has_focus=False)

    def _tell_focus(self, *, has_focus: bool) -> None:
        for view in self._all_views():
            view.terminal_focus(has_focus)

    @on(CommandLine.Commanded)
    async def _commanded(self, event: CommandLine.Commanded) -> None:
        await self.run_command(event.command)

    async def run_command(self, command: Command) -> None:
        """Go where a command says."""
        if command.view in QUIT_WORDS:
            self.action_leave()
        elif command.view in CONTEXT_WORDS:
            self.action_choose_context()
        elif command.context is not None and command.context != self.context.name:
            self.run_worker(self._open_context(command), group="context", exit_on_error=False)
        else:
            if command.view is not None:
                await self.action_show_view(command.view)
            if command.filter is not None:
                self._filter(command.filter)

    def _filter(self, text: str) -> None:
        view = self._view
        if view is None:
            return
        try:
            view.check_filter(text)
        except UsageError as error:
            self.notify(str(error), title=f"/{text}", severity="error", markup=False)
        else:
            view.apply_filter(text)

    async def _open_context(self, command: Command) -> None:
        """End on the launch of another context; the old connection is not asked for anything."""
        resolve, name = self.launch.resolve, command.context or ""
        if resolve is None:
            return
        try:
            context, credential = await asyncio.to_thread(resolve, name)
        except MlopsError as error:
            self.notify(str(error), title=f"Context {name}", severity="error", timeout=30)
            return
        view = command.view or self.current_mode
        launch = replace(self.launch, context=context, credential=credential, view=view, filter=command.filter or "")
        verb = f"Open the context {context.name}"
        leave_watching(self, self.watches, verb, lambda: self.exit(launch))

    async def action_show_view(self, name: str) -> None:
        """Go to a view; a second time, go back to its beginning."""
        if name == self.current_mode:
            while len(self.screen_stack) > 1:
                await self.pop_screen()
            return
        await self.switch_mode(name)

    def on_key(self, event: events.Key) -> None:
        """Give what was typed ahead to the line that has opened since: a slow terminal sends keys in bursts."""
        if isinstance(self.focused, Input) and event.is_printable and event.character:
            event.prevent_default()
            self.focused.insert_text_at_cursor(event.character)

    async def action_command(self) -> None:
        """Open the command line."""
        if isinstance(self.screen, View):
            await self.screen.open_command()

    def action_help(self) -> None:
        """Show what the keys do here."""
        from mlops_tui.widgets.help import HelpDialog

        if isinstance(self.screen, View):
            self.push_screen(HelpDialog(self.screen.crumb, key_hints(self.screen), self.actions))

    def action_choose_context(self) -> None:
        """Choose another context."""
        from mlops_tui.widgets.chooser import Choice, Chooser

        async def go(name: str | None) -> None:
            if name is not None:
                await self.run_command(Command(context=name))

        choices = [Choice(name, name) for name in self.context_names]
        self.push_screen(Chooser("Context", choices, current=self.context.name), go)

    def action_leave(self) -> None:
        """Leave the program."""
        leave_watching(self, self.watches, "Leave the program", lambda: self.exit(0))

    def action_interrupt(self) -> None:
        """Copy a selection, or leave when asked twice."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy(selected)
            return
        now = self.clock.monotonic()
        if self._interrupted_at is not None and now - self._interrupted_at < LEAVE_SECONDS:
            self.exit(130)
            return
        self._interrupted_at = now
        watched = f", which ends the watch of {self.watches.names}" if len(self.watches) else ""
        self.notify(f"Press ctrl+c again to leave{watched}", timeout=LEAVE_SECONDS)


def _standing(context: Context) -> Standing:
    is_production = context.kind is ContextKind.PRODUCTION
    return Standing(context.name, is_production=is_production, is_read_only=context.is_read_only)


def run(context: Context, credential: FoundCredential | None = None, *, launch: Launch | None = None) -> int:
    """Open the dashboard and return the exit code; ``launch`` says more than context and credential.

    Raises:
        UsageError: there is no terminal, or one that cannot show it.
        Exception: whatever ended the dashboard unexpectedly.
    """
    require_terminal(os.environ, sys.__stdin__, sys.__stdout__)
    given = replace(launch or Launch(context), context=context, credential=credential)
    while True:
        app = MlopsApp(given)
        result = app.run(mouse=given.preferences.mouse)
        if app.crash is not None:
            raise app.crash
        if not isinstance(result, Launch):
            return app.return_code or result or 0
        given = result


def check_keys(
    chosen: Mapping[str, str | Sequence[str]], *, source: str = "", line_of: LineFinder = lambda _key: None
) -> dict[str, str]:
    """The user's keys as ``Launch`` takes them; ConfigError names what is wrong and where."""
    return resolve_keymap(all_actions(), chosen, source=source, line_of=line_of)
