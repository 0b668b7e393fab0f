"""Forms: a few questions at once."""

from __future__ import annotations

from collections.abc import Mapping

from textual.widgets import Button, Input, Select

from mlops_tui.widgets.chooser import Choice
from mlops_tui.widgets.form import ChoiceField, FormDialog, TextField
from tests.widgets.apps import PaletteApp

ENVIRONMENTS = (
    Choice("staging", "staging"),
    Choice("production", "[/production]", "PROD"),
    Choice("old", "old", refusal="stopped"),
)


class Asking(PaletteApp):
    """Asks for an environment and a reason."""

    def __init__(self, *, default: str | None = "staging") -> None:
        super().__init__()
        self.default = default
        self.answers: list[Mapping[str, str] | None] = []

    def on_mount(self) -> None:
        fields = (ChoiceField("to", "Environment", ENVIRONMENTS, self.default), TextField("reason", "Reason"))
        self.push_screen(FormDialog("Roll back [/fraud]", fields), self.answers.append)


async def test_answers_by_field_name() -> None:
    app = Asking()
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.pause()
        app.screen.query_one(Input).focus()
        await pilot.press(*"too slow", "tab")
        app.screen.query_one("#next", Button).focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == [{"to": "staging", "reason": "too slow"}]


async def test_asks_again_for_what_is_missing() -> None:
    app = Asking(default="old")
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.pause()
        app.screen.query_one("#next", Button).focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == []
        assert "Environment" in str(app.screen.query_one(".dialog--error").render())
        assert app.focused is app.screen.query_one(Select)


async def test_escape_and_cancel_answer_nothing() -> None:
    for key in ("escape", "enter"):
        app = Asking()
        async with app.run_test(size=(80, 30)) as pilot:
            await pilot.pause()
            app.screen.query_one("#cancel", Button).focus()
            await pilot.press(key)
            await pilot.pause()
            assert app.answers == [None]


async def test_a_choice_is_made_with_the_keyboard() -> None:
    app = Asking()
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.pause()
        app.screen.query_one(Select).focus()
        await pilot.press("enter", "down", "enter")
        await pilot.pause()
        assert app.screen.query_one(Select).value == "production"
