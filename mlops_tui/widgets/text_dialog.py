"""Plain text over the view, for instance to be copied by hand."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from mlops_tui.domain.text import clean_block
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line, styled
from mlops_tui.widgets.dialog import Dialog
from mlops_tui.widgets.text_layout import text_line
from mlops_tui.widgets.text_lines import TextLines


class TextDialog(Dialog[None]):
    """A text to read or to select with the terminal's own means.

    Args:
        title: What it is.
        text: The text.
        note: Why it is shown, empty for nothing.
    """

    DEFAULT_CSS = """
    TextDialog > .dialog { height: auto; max-height: 90%; }
    TextDialog TextLines { height: auto; max-height: 20; min-height: 1; }
    """
    AUTO_FOCUS: ClassVar[str | None] = "TextLines"

    def __init__(self, title: str, text: str, *, note: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._note = note

    def compose(self) -> ComposeResult:
        """Title, note, text."""
        with Vertical(classes="dialog"):
            yield Static(styled(self._title, Token.TITLE), classes="dialog--title")
            if self._note:
                yield Static(styled(self._note, Token.WARNING), classes="dialog--note")
            yield TextLines()
            yield Static(line(Cell("esc", Token.KEY), " closes"), classes="dialog--note")

    def on_mount(self) -> None:
        """Show the text."""
        lines = self.query_one(TextLines)
        lines.wraps = True
        lines.show(text_line(row) for row in clean_block(self._text).split("\n"))
