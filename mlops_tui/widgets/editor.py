"""A text to edit: here, or in the person's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static, TextArea

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line, styled
from mlops_tui.widgets.dialog import Dialog


class EditorDialog(Dialog[str]):
    """Asks for a text; answers it, or None when nothing shall change. A changed text needs a second Escape to be lost.

    Args:
        title: What is edited.
        text: What it is now.
        limit: The most characters that will be taken.
        environ: Where the person's editor is named (``VISUAL``, ``EDITOR``).
    """

    DEFAULT_CSS = """
    EditorDialog > .dialog { height: 90%; max-width: 120; }
    EditorDialog TextArea { height: 1fr; border: none; padding: 0; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f4", "edit_outside", "Own editor", show=False)]
    AUTO_FOCUS: ClassVar[str | None] = "TextArea"

    def __init__(self, title: str, text: str, *, limit: int, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._limit = limit
        self._environ = environ
        self._was_warned = False

    def compose(self) -> ComposeResult:
        """Title, text, count, buttons."""
        with Vertical(classes="dialog"):
            yield Static(styled(self._title, Token.TITLE), classes="dialog--title")
            yield TextArea(self._text, soft_wrap=True, show_line_numbers=False)
            yield Static("", classes="dialog--note")
            with Horizontal(classes="dialog--buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True)
                yield Button(Content("Preview"), id="next", variant="primary", compact=True)

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self.query_one(TextArea).text

    @on(TextArea.Changed)
    def _count(self) -> None:
        self._was_warned = False
        count = len(self.text)
        token = Token.ERROR if count > self._limit else Token.MUTED
        keys = [Cell("tab", Token.KEY), Cell(" to the buttons  "), Cell("f4", Token.KEY), Cell(" own editor  ")]
        self._say(*keys, Cell(f"{count:,} of {self._limit:,} characters", token))

    @on(Button.Pressed, "#next")
    def _take(self) -> None:
        if len(self.text) > self._limit:
            self._say(Cell(f"{len(self.text) - self._limit:,} characters too many", Token.ERROR))
            return
        self.dismiss(self.text)

    @on(Button.Pressed, "#cancel")
    def _leave(self) -> None:
        self.dismiss(None)

    def action_cancel(self) -> None:
        """Leave, but not with a changed text at the first try."""
        if self.text == self._text or self._was_warned:
            self.dismiss(None)
            return
        self._was_warned = True
        self._say(Cell("The text was changed. esc again throws the change away.", Token.WARNING))

    def action_edit_outside(self) -> None:
        """Edit in the person's own editor and come back with the text."""
        command = self._environ.get("VISUAL") or self._environ.get("EDITOR") or "vi"
        try:
            with self.app.suspend():
                edited = edit_outside(command, self.text)
        except (SuspendNotSupported, OSError, ValueError) as error:
            self._say(Cell(f"{command} could not be opened: {error}", Token.ERROR))
            return
        self.query_one(TextArea).text = edited

    def _say(self, *parts: Cell) -> None:
        self.query_one(".dialog--note", Static).update(line(*parts))


def edit_outside(command: str, text: str) -> str:
    """Open a text in another program and return it as that leaves it; raises OSError when the program fails."""
    with tempfile.TemporaryDirectory(prefix="mlops-tui-") as folder:
        path = Path(folder) / "card.md"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([*shlex.split(command), str(path)], check=False)  # noqa: S603 - the person's own choice
        if done.returncode:
            message = f"it ended with {done.returncode}"
            raise OSError(message)
        return path.read_text(encoding="utf-8")
