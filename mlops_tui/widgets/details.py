"""Everything known about one thing, as YAML or JSON."""

from __future__ import annotations

import json
from typing import ClassVar

from textual.binding import BindingType
from textual.reactive import var

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import TEXT_ACTIONS, bindings
from mlops_tui.widgets.cells import Cell
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
        self.show(_coloured(line) for line in text.splitlines())

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


def _coloured(line: str) -> TextLine:
    key, colon, rest = line.partition(":")
    is_key = bool(colon) and (not rest or rest[0] == " ") and key.strip(' -"') != ""
    return (Cell(key, Token.KEY), Cell(colon + rest)) if is_key else text_line(line)
