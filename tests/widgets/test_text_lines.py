"""Lines that wrap, while the terminal changes its size under them."""

from __future__ import annotations

import pytest
from textual.app import ComposeResult

from mlops_tui.widgets.log_view import LogView
from mlops_tui.widgets.markdown_view import MarkdownView
from mlops_tui.widgets.text_layout import text_line
from mlops_tui.widgets.text_lines import TextLines
from tests.widgets.apps import PaletteApp

PARAGRAPH = " ".join(f"word{number}" for number in range(60))


class Reading(PaletteApp):
    """One widget with wrapped lines."""

    def __init__(self, widget: TextLines) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


@pytest.mark.parametrize("size", [(120, 40), (20, 8)])
@pytest.mark.parametrize("widget", [MarkdownView, LogView])
async def test_wrapped_lines_are_drawn_in_a_new_width(widget: type[TextLines], size: tuple[int, int]) -> None:
    app = Reading(widget())
    async with app.run_test(size=(60, 20)) as pilot:
        app.widget.wraps = True
        app.widget.show(text_line(PARAGRAPH) for _ in range(9))
        app.widget.scroll_end(animate=False)
        await pilot.pause()
        await pilot.resize_terminal(*size)
        await pilot.pause()
        shown = " ".join(segment.text for y in range(size[1]) for segment in app.widget.render_line(y))
        assert "word59" in shown
