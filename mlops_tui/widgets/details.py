"""Everything known about one thing, as YAML or JSON."""

from __future__ import annotations

import json
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.reactive import var
from textual.widgets import Static

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import TEXT_ACTIONS, bindings
from mlops_tui.widgets.cells import Cell, line, styled
from mlops_tui.widgets.dialog import Dialog
from mlops_tui.widgets.text_layout import TextLine, text_line
from mlops_tui.widgets.text_lines import SCROLL_KEYS, TextLines


class Details(TextLines, inherit_bindings=False):
    """A value of JSON's kind, written as YAML until the reader asks for JSON."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(TEXT_ACTIONS), *SCROLL_KEYS]

    as_json: var[bool] = var(False)

    def __init__(self, value: JsonValue = None, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._value = value

    def on_mount(self) -> None:
        """Draw the first value."""
        self.describe(self._value)

    def describe(self, value: JsonValue) -> None:
        """Show another value."""
        self._value = value
        text = self.written()
        self.show(_coloured(row) for row in text.splitlines())

    def written(self) -> str:
        """The value as it is shown."""
        if self.as_json:
            return json.dumps(self._value, indent=2, ensure_ascii=False)
        import yaml

        plain = json.loads(json.dumps(self._value))
        return str(yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=10_000))

    def action_format(self) -> None:
        """Switch between YAML and JSON."""
        self.as_json = not self.as_json
        self.describe(self._value)


def _coloured(row: str) -> TextLine:
    key, colon, rest = row.partition(":")
    is_key = bool(colon) and (not rest or rest[0] == " ") and key.strip(' -"') != ""
    return (Cell(key, Token.KEY), Cell(colon + rest)) if is_key else text_line(row)


class DetailsDialog(Dialog[None]):
    """Everything known about one thing, over the view.

    Args:
        title: What is described.
        value: What is known.
    """

    DEFAULT_CSS = """
    DetailsDialog > .dialog { height: 90%; max-width: 140; }
    DetailsDialog Details { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy", show=False)]
    AUTO_FOCUS: ClassVar[str | None] = "Details"

    def __init__(self, title: str, value: JsonValue) -> None:
        super().__init__()
        self._title = title
        self._value = value

    def compose(self) -> ComposeResult:
        """The title, the text, the keys."""
        with Vertical(classes="dialog"):
            yield Static(styled(self._title, Token.TITLE), classes="dialog--title")
            yield Details(self._value)
            keys = [("f", " YAML or JSON  "), ("w", " wraps  "), ("y", " copies  "), ("esc", " closes")]
            hints = [part for key, what in keys for part in (Cell(key, Token.KEY), Cell(what))]
            yield Static(line(*hints), classes="dialog--note")

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.app.copy_to_clipboard(self.query_one(Details).written())
