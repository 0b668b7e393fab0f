"""What the program owes its terminal: fitting colours and signs, safe messages, copying, and leaving it as it was."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from textual.binding import Binding
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import SeverityLevel

from mlops_tui.domain.preferences import Clipboard, Preferences
from mlops_tui.domain.text import clean, clean_block
from mlops_tui.themes.glyphs import AsciiFilter, needs_ascii
from mlops_tui.themes.palettes import PALETTES, choose_palette, palette_named
from mlops_tui.widgets._textual_compat import CrashKeeper, write_to_terminal
from mlops_tui.widgets.announcements import announcement_sequence, run_announcement
from mlops_tui.widgets.browser import is_page, open_page, opener
from mlops_tui.widgets.clipboard import copy_sequence
from mlops_tui.widgets.terminal import WATCH_SECONDS, exit_on_signals, is_lost

Result = TypeVar("Result")

KEY_WORDS = {"enter": "enter", "up": "up", "down": "down", "left": "left", "right": "right"}
_STYLE_SHEET = Path(__file__).parents[1] / "themes" / "app.tcss"


class TerminalApp(CrashKeeper[Result], Generic[Result], inherit_bindings=False):
    """A program in a terminal, without its views.

    Args:
        preferences: What the person set up.
        theme: The palette that was asked for, or None.
        environ: The environment, for colours and the clipboard.
    """

    CSS_PATH = _STYLE_SHEET

    def __init__(self, preferences: Preferences, theme: str | None, environ: Mapping[str, str]) -> None:
        self._needs_ascii = needs_ascii(getattr(sys.__stdout__, "encoding", None))
        self._no_colour, self._ascii = NoColor(), AsciiFilter()
        super().__init__()
        self._preferences = preferences
        self._wanted_theme = theme
        self._environ = environ
        self.animation_level = "none"
        for palette in PALETTES:
            self.register_theme(palette.theme())
        self.theme = choose_palette(theme, environ, low_bandwidth=preferences.low_bandwidth).name

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, but no colour instead of greys, and ASCII where the terminal has nothing else."""
        filters = [self._no_colour if isinstance(each, Monochrome) else each for each in super().get_line_filters()]
        return [*filters, self._ascii] if self._needs_ascii else filters

    def get_key_display(self, binding: Binding) -> str:
        """Keys by the words on them; arrows would look like something else in ASCII."""
        return KEY_WORDS.get(binding.key) or super().get_key_display(binding)

    def on_mount(self) -> None:
        """Watch for signals and a lost terminal, and say when a theme is unknown."""
        if not self.is_headless:
            exit_on_signals(lambda code: self.exit(return_code=code))
            self.set_interval(WATCH_SECONDS, self._leave_when_lost)
        if self._wanted_theme and palette_named(self._wanted_theme) is None:
            known = ", ".join(palette.name.removeprefix("mlops-") for palette in PALETTES)
            text = f"There is no theme {self._wanted_theme}. There are: {known}"
            self.notify(text, severity="warning", timeout=15)

    def copy(self, text: str) -> None:
        """Put the text on the clipboard and say how, or show it where that is not possible."""
        copied = copy_sequence(text, self._environ)
        if copied.was_sent and self._preferences.clipboard is not Clipboard.OFF:
            write_to_terminal(self, copied.sequence)
            self.notify(copied.notice)
            return
        from mlops_tui.widgets.text_dialog import TextDialog

        notice = "" if copied.was_sent else copied.notice
        self.push_screen(TextDialog("Copy this by hand", text, note=notice))

    def open_address(self, address: str) -> None:
        """Open a page in the browser, or copy its address where there is none to see; says which."""
        if not is_page(address):
            self.notify(f"{address} is no address of the web", severity="warning")
            return
        program = opener(self._environ)
        if program is not None and open_page(address, program):
            self.notify(f"Opened {address}")
            return
        self.notify(f"There is no browser here for {address}: its address is copied instead")
        self.copy(address)

    def announce(self, title: str, text: str) -> None:
        """Tell a person who may look elsewhere: a toast, the terminal's own way, and the program of their choice."""
        self.notify(text, title=title, timeout=10)
        chosen = self._preferences
        write_to_terminal(self, announcement_sequence(chosen.announce, title, text, self._environ))
        if chosen.announce_command:
            work = run_announcement(chosen.announce_command, title, text)
            self.run_worker(work, group="announcing", exit_on_error=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Textual's own widgets copy the same way."""
        self.copy(text)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002 - never: a message may hold the words of strangers
    ) -> None:
        """Show a toast, as the text it is."""
        super().notify(clean_block(message), title=clean(title), severity=severity, timeout=timeout, markup=False)

    def action_choose_theme(self) -> None:
        """Choose the colours."""
        from mlops_tui.widgets.chooser import Choice, Chooser

        def use(name: str | None) -> None:
            if name is not None:
                self.theme = name

        choices = [Choice(palette.name, palette.title) for palette in PALETTES]
        self.push_screen(Chooser("Colours", choices, current=self.theme), use)

    def _leave_when_lost(self) -> None:
        if is_lost():
            self.exit(return_code=1)
