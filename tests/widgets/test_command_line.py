"""Typing commands and filters."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input

from mlops_tui.domain.filters import parse_query
from mlops_tui.widgets.command_line import CommandLine, Prompt
from mlops_tui.widgets.commands import Command, ViewName
from mlops_tui.widgets.table import Table
from tests.widgets.apps import PaletteApp


class Typing(PaletteApp):
    """A command line over a table."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[object] = []

    def compose(self) -> ComposeResult:
        yield Table()
        yield CommandLine((ViewName("runs", ("r",)), ViewName("models")), ("work", "prod"))

    @property
    def line(self) -> CommandLine:
        return self.query_one(CommandLine)

    @property
    def error(self) -> str:
        return str(self.query_one(".command--error").render()) if self.line.has_class("-wrong") else ""

    def on_command_line_commanded(self, event: CommandLine.Commanded) -> None:
        self.heard.append(event.command)

    def on_command_line_filtered(self, event: CommandLine.Filtered) -> None:
        self.heard.append(event.text)


async def test_a_command_is_read_and_the_focus_goes_back() -> None:
    app = Typing()
    async with app.run_test() as pilot:
        app.screen.set_focus(app.query_one(Table))
        app.line.open(Prompt.COMMAND)
        await pilot.press(*"runs /auc @prod", "enter")
        assert app.heard == [Command("runs", "auc", "prod")]
        assert not app.line.is_open
        assert app.focused is app.query_one(Table)


async def test_tab_completes_a_view_and_a_context() -> None:
    app = Typing()
    async with app.run_test() as pilot:
        app.line.open(Prompt.COMMAND)
        await pilot.press("m", "o")
        await pilot.pause()
        await pilot.press("tab")
        assert app.query_one(Input).value == "models"
        await pilot.press("space", "@", "p")
        await pilot.pause()
        await pilot.press("tab", "enter")
        assert app.heard == [Command("models", None, "prod")]


async def test_a_mistake_is_shown_with_its_column_and_nothing_happens() -> None:
    app = Typing()
    async with app.run_test() as pilot:
        app.line.open(Prompt.FILTER, check=parse_query)
        await pilot.press(*"metrics.auc >", "enter")
        await pilot.pause()
        assert app.heard == []
        assert app.line.is_open
        assert "column 14" in app.error
        await pilot.press("0")
        assert app.error == ""
        await pilot.press("enter")
        assert app.heard == ["metrics.auc >0"]


async def test_escape_leaves_everything_as_it_is() -> None:
    app = Typing()
    async with app.run_test() as pilot:
        app.line.open(Prompt.FILTER, "auc")
        await pilot.press("x", "escape")
        assert app.heard == []
        assert not app.line.is_open


async def test_up_takes_back_what_was_typed_last() -> None:
    app = Typing()
    async with app.run_test() as pilot:
        app.line.open(Prompt.FILTER)
        await pilot.press(*"auc", "enter")
        app.line.open(Prompt.FILTER)
        await pilot.press("up", "enter")
        assert app.heard == ["auc", "auc"]
