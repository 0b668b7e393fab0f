"""A model card, read from Markdown that anybody may have written."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from mlops_tui.widgets.actions import TEXT_ACTIONS, bindings
from mlops_tui.widgets.markdown_text import markdown_lines
from mlops_tui.widgets.text_lines import SCROLL_KEYS, TextLines

_WRAP_ONLY = [action for action in TEXT_ACTIONS if action.id == "text.wrap"]


class MarkdownView(TextLines, inherit_bindings=False):
    """Markdown as wrapped lines; nothing in it can be followed, fetched or run."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(_WRAP_ONLY), *SCROLL_KEYS]

    def __init__(
        self,
        *,
        empty: str = "No text yet.",
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(empty=empty, id=id)
        self.set_reactive(TextLines.wraps, True)

    def show_markdown(self, text: str) -> None:
        """Show this document from its start."""
        self.show(markdown_lines(text))
        self.scroll_home(animate=False)
