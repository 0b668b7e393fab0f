"""Choosing one of several things, and being told where there is none."""

from __future__ import annotations

from textual.widgets import OptionList

from mlops_tui.widgets.chooser import Choice, Chooser
from tests.widgets.apps import PaletteApp


class Choosing(PaletteApp):
    """Asks at once and keeps the answer."""

    def __init__(self, *choices: Choice) -> None:
        super().__init__()
        self.answers: list[str | None] = []
        self.choices = choices

    def on_mount(self) -> None:
        self.push_screen(Chooser("Which version?", self.choices, nothing="No version yet."), self.answers.append)

    @property
    def lines(self) -> list[str]:
        """What the list says."""
        return [str(option.prompt) for option in self.screen.query_one(OptionList).options]


async def test_where_there_is_nothing_to_choose_it_says_so() -> None:
    app = Choosing()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.lines == ["No version yet."]
        await pilot.press("enter")
        assert app.answers == []
        await pilot.press("escape")
        await pilot.pause()
        assert app.answers == [None]


async def test_where_nothing_matches_it_says_of_how_many() -> None:
    app = Choosing(Choice("1", "1.0.0"), Choice("2", "2.0.0"))
    async with app.run_test() as pilot:
        await pilot.press("9")
        await pilot.pause()
        assert app.lines == ["None of 2 matches."]
        await pilot.press("enter")
        assert app.answers == []
        await pilot.press("backspace", "2", "enter")
        await pilot.pause()
        assert app.answers == ["2"]
