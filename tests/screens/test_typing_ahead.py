"""Keys that arrive in one burst, as slow connections send them, go where they would go one by one."""

from __future__ import annotations

from textual import events

from mlops_tui.screens.journal import JournalView
from tests.operations.company import Company
from tests.screens.console import Console, opened, until


def burst(app: Console, text: str) -> None:
    """Send keys without waiting for what each does."""
    for character in text:
        key = {"\r": "enter", ":": "colon", "/": "slash"}.get(character, character)
        app.post_message(events.Key(key, character))


async def test_a_command_typed_in_one_burst_is_understood(company: Company) -> None:
    async with opened(company, "overview") as (app, pilot):
        burst(app, ":journal\r")
        await until(pilot, lambda: isinstance(app.screen, JournalView))


async def test_a_filter_typed_in_one_burst_filters(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        burst(app, "/churn\r")
        await until(pilot, lambda: [row[0] for row in app.rows("models-table")] == ["churn"])
