"""The journal: every action with its outcome, and whether the record holds."""

from __future__ import annotations

import sqlite3

from mlops_tui.operations.actions import run
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.screens.journal import JournalView
from mlops_tui.widgets.details import DetailsDialog
from tests.operations.company import Company
from tests.screens.console import console, until


async def promote(company: Company, version: str = "2.1.0") -> None:
    async with company.session() as session:
        action = await prepare_promotion(session, await company.project(session), "fraud", version, "production")
        await run(session, action, "fraud")


async def test_an_empty_journal_says_so(company: Company) -> None:
    app = console(company, "journal")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "Nothing was changed from this machine yet." in app.texts())
        assert "verified: 0 entries" in app.texts()


async def test_every_action_with_its_calls_and_request_ids(company: Company) -> None:
    await promote(company)
    app = console(company, "journal")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.rows("journal-table"))
        when, outcome, what, by, message, project = app.rows("journal-table")[0]
        assert (outcome, what, by, project) == ("✓ done", "promote fraud 2.1.0 → production", "mona", "acme/fraud")
        assert "was started" in message
        assert when.startswith("06-01")
        text = app.texts()
        assert "verified: 2 entries" in text
        assert "POST http://127.0.0.1" in text
        assert "request " in text
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DetailsDialog))
        assert "live version" in app.texts()


async def test_a_changed_entry_shows_as_broken(company: Company) -> None:
    await promote(company)
    with sqlite3.connect(company.folder / "maintainer" / "journal.db") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in tables:
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE entries SET payload = replace(payload, '2.1.0', '1.0.0') WHERE sequence = 1")
    app = console(company, "journal")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "broken at entry 1" in app.texts())
        await pilot.press("1")
        await until(pilot, lambda: "journal" in " ".join(app.rows("attention-table")[0]))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JournalView))
