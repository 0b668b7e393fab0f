"""The dialog before a change: nothing happens by a slip of a finger."""

from __future__ import annotations

import pytest
from textual.widgets import Button, Input, Static

from mlops_tui.widgets.confirm import ConfirmDialog, preview_body
from tests.widgets.apps import PaletteApp
from tests.widgets.gallery import preview

ORIGIN = "https://gitlab.example.com"


class Asking(PaletteApp):
    """Asks at once and keeps the answer."""

    def __init__(self, *, is_production: bool) -> None:
        super().__init__()
        self.answers: list[str | None] = []
        self.is_production = is_production

    def on_mount(self) -> None:
        dialog = ConfirmDialog(preview(is_production=self.is_production), origin=ORIGIN, verb="Promote")
        self.push_screen(dialog, self.answers.append)


def asked(app: Asking) -> str:
    """The line that says what has to be typed."""
    return str(app.screen.query_one("#question", Static).content)


@pytest.mark.parametrize("is_production", [True, False])
@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_cancel_has_the_focus(is_production: bool, key: str) -> None:
    app = Asking(is_production=is_production)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.focused is app.screen.query_one("#cancel", Button)
        await pilot.press(key)
        assert app.answers == [None]


async def test_no_letter_confirms() -> None:
    app = Asking(is_production=False)
    async with app.run_test() as pilot:
        await pilot.press(*"yYpPRqoO1", "space")
        await pilot.pause()
        assert app.answers in ([], [None])


async def test_going_to_the_other_button_and_pressing_it_confirms() -> None:
    app = Asking(is_production=False)
    async with app.run_test() as pilot:
        await pilot.press("right", "enter")
        await pilot.pause()
        assert app.answers == [""]


async def test_production_asks_for_the_name_and_accepts_nothing_else() -> None:
    app = Asking(is_production=True)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        confirm = app.screen.query_one("#confirm", Button)
        assert confirm.disabled
        await pilot.press("tab")
        app.screen.query_one(Input).focus()
        await pilot.press(*"Fraud", "enter")
        assert app.answers == []
        assert "does not match" in asked(app)
        assert confirm.disabled
        await pilot.press("home", "delete", "f", "enter")
        await pilot.pause()
        assert app.answers == ["fraud"]


async def test_a_name_can_be_typed_at_once_and_only_the_right_one_confirms() -> None:
    app = Asking(is_production=True)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press(*"frau")
        await pilot.pause()
        assert "does not match" not in asked(app), "it is only begun"
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == []
        assert "does not match" in asked(app)
        await pilot.press("d", "enter")
        await pilot.pause()
        assert app.answers == ["fraud"]


async def test_production_says_so_in_a_word() -> None:
    app = Asking(is_production=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "PROD" in app.export_screenshot()
        assert app.screen.has_class("-production")


def test_shows_changes_obstacles_gaps_and_the_exact_calls() -> None:
    shown = preview(is_production=True)
    text = preview_body(shown, ORIGIN).plain
    for call in shown.calls:
        assert call.as_curl(ORIGIN) in text
    assert "$GITLAB_TOKEN" in text
    for sentence in (*shown.obstacles, *shown.gaps):
        assert sentence in text
    auc = next(line for line in text.splitlines() if line.startswith("auc"))
    assert auc.split() == ["auc", "0.941", "0.953", "⊕", "better"]
    assert "worse" in next(line for line in text.splitlines() if line.startswith("latency"))
