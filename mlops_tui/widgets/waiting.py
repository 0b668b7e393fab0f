"""What stands over a view while an answer is awaited, so that no key goes astray in the meantime."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line
from mlops_tui.widgets.dialog import Dialog

PATIENCE = 0.4


class WaitDialog(Dialog[None]):
    """Takes every key at once, and shows itself when it takes longer than a moment.

    Args:
        text: What is awaited.
        leave: Called when the person does not want to wait; None where what was begun has to be awaited.
    """

    DEFAULT_CSS = """
    WaitDialog { background: transparent; }
    WaitDialog > .dialog { max-width: 60; display: none; }
    WaitDialog.-long > .dialog { display: block; }
    """

    def __init__(self, text: str, leave: Callable[[], object] | None = None) -> None:
        super().__init__()
        self._text = text
        self._leave = leave

    def compose(self) -> ComposeResult:
        """The text, and how to leave."""
        hint = [Cell("  esc", Token.KEY), Cell(" leaves", Token.MUTED)] if self._leave else []
        with Vertical(classes="dialog"):
            yield Static(line(self._text, *hint))

    def on_mount(self) -> None:
        """Do not flicker where the answer is quick."""
        self.set_timer(PATIENCE, self._show)

    def _show(self) -> None:
        self.add_class("-long")

    def action_cancel(self) -> None:
        """Tell who waits; the dialog ends with the waiting."""
        if self._leave is not None:
            self._leave()
