"""Names, logs and cards of strangers are drawn as the text they are, in every widget."""

from __future__ import annotations

import re

import pytest
from textual.app import ComposeResult
from textual.containers import Vertical

from mlops_tui.live.logs import LogChunk
from mlops_tui.widgets.cells import Cell, line
from mlops_tui.widgets.chooser import Choice, Chooser
from mlops_tui.widgets.details import Details
from mlops_tui.widgets.header import Header, Standing
from mlops_tui.widgets.log_view import LogView
from mlops_tui.widgets.markdown_view import MarkdownView
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.plot import Plot
from mlops_tui.widgets.plot_figure import PlotData, Series
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source
from mlops_tui.widgets.tree import Branch, Tree
from tests.widgets.apps import PaletteApp
from tests.widgets.gallery import NOW

HARMLESS = ["[/foo]", "[@click=app.boom]x[/]", "[bold]b", "run [v1.2]", "a\\[b]"]
DANGEROUS = [
    "\x1b]52;c;ZXZpbA==\x07name",
    "\x1b[2Jname",
    "\x9b31mname",
    "\N{RIGHT-TO-LEFT OVERRIDE}name",
    "name\x00\x08\x7f",
    "name\u2028",
]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


class Everything(PaletteApp):
    """Every widget that shows text of strangers, all with the same text."""

    CSS = "Pane { height: 5; } Plot { height: 12; }"

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.was_run = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Header()
            with Pane(self.text):
                yield Table((Column(self.text, self.text, 24),))
            with Pane("tree"):
                yield Tree((Column("w", "W", 24),))
            with Pane("log"):
                yield LogView()
            with Pane("card"):
                yield MarkdownView()
            with Pane("details"):
                yield Details({"name": self.text})
            yield Plot()

    def on_mount(self) -> None:
        self.query_one(Header).standing = Standing(self.text)
        self.query_one(Header).crumbs = ("Runs", self.text)
        columns = (Column(self.text, self.text, 24),)
        self.query_one("Pane > Table", Table).show(list_source(columns, [(self.text, (Cell(self.text),))]))
        self.query_one(Tree).show_branches([Branch(self.text, (Cell(self.text),))])
        self.query_one(LogView).take(LogChunk((self.text,), False, False, 0, False, NOW, None))
        self.query_one(MarkdownView).show_markdown(self.text)
        self.query_one(Plot).show(PlotData((Series(self.text, (1.0, 2.0), (1.0, 2.0)),)), by_person=True)

    def action_boom(self) -> None:
        self.was_run = True


def drawn(app: Everything) -> str:
    """Everything on the screen as text."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


@pytest.mark.parametrize("text", HARMLESS)
async def test_markup_is_shown_as_it_is_and_does_nothing(text: str) -> None:
    app = Everything(text)
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.pause()
        assert drawn(app).count(text) >= 7
        for y, row in enumerate(drawn(app).splitlines()):
            for found in re.finditer(re.escape(text), row):
                await pilot.click(offset=(found.start() + len(text) // 2, y))
        assert not app.was_run
        assert app.is_running


@pytest.mark.parametrize("text", DANGEROUS)
async def test_no_control_character_reaches_the_terminal(text: str) -> None:
    app = Everything(text)
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.pause()
        shown = drawn(app)
        assert not CONTROL.search(shown)
        assert shown.count("name") >= 7


@pytest.mark.parametrize("text", ["a" * 5_000, "模" * 3_000, "שלום " * 1_000, "e" + "\N{COMBINING ACUTE ACCENT}" * 500])
async def test_very_long_wide_right_to_left_and_piled_up_text_stays_in_its_place(text: str) -> None:
    app = Everything(text)
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.pause()
        assert all(strip.cell_length == 120 for strip in app.screen._compositor.render_strips())


async def test_choices_are_text() -> None:
    class Choosing(PaletteApp):
        def on_mount(self) -> None:
            choices = [Choice(str(number), text, note="[/note]") for number, text in enumerate(HARMLESS)]
            self.push_screen(Chooser("[/title]", choices))

    app = Choosing()
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.pause()
        assert app.is_running


def test_a_line_of_cells_is_text() -> None:
    assert line("[/foo]", Cell("[@click=app.quit]x[/]")).plain == "[/foo][@click=app.quit]x[/]"
