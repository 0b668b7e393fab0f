"""Leaving the program while something is under way: what has begun is finished, and what would end is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.journal import EntryKind
from mlops_tui.screens.launch import Launch
from mlops_tui.storage.journal_entries import intent_of, receipt_of
from mlops_tui.widgets.chooser import Chooser
from tests.faults.proxy import FaultProxy, Hold
from tests.operations.company import Company
from tests.screens.console import opened, until
from tests.screens.test_rollouts import begun, confirm, flags, on_page


async def test_an_action_that_is_under_way_ends_before_the_program_does(company: Company) -> None:
    await begun(company)
    held = Hold()
    with FaultProxy(company.server.url) as proxy:
        async with opened(company, "rollouts", size=(120, 40), url=proxy.url) as (app, pilot):
            await pilot.press("enter")
            await until(pilot, on_page(app, "step 1/3"), passing=1)
            proxy.play(held, count=1, path="*/feature_flags/fraud-canary")
            await pilot.press("N")
            await confirm(app, pilot)
            await until(pilot, lambda: any(line.startswith("PUT") for line in proxy.requests))
            await pilot.press("ctrl+c", "ctrl+c")
            asyncio.get_running_loop().call_later(0.2, held.released.set)
    assert flags(company)["fraud-canary"] == ["25"]
    async with company.session() as session:
        intent = session.journal.entries(kinds=[EntryKind.INTENT])[-1]
        (receipt,) = session.journal.entries(kinds=[EntryKind.RECEIPT], intent_id=intent.intent_id)
        assert receipt_of(receipt, intent_of(intent)).outcome is Outcome.DONE


async def test_a_watch_is_not_ended_without_a_word(company: Company) -> None:
    await begun(company)
    async with opened(company, "rollouts", size=(120, 40)) as (app, pilot):
        app.launch = replace(
            app.launch, contexts=("prod",), resolve=lambda name: (replace(app.context, name=name), None)
        )
        await pilot.press("enter")
        await until(pilot, on_page(app, "nobody watches it"), passing=1)
        await pilot.press("W")
        await confirm(app, pilot)
        await until(pilot, on_page(app, "This program acts by itself"), passing=1)
        for keys in (["q"], ["colon", *"@prod", "enter"], ["colon", *"q", "enter"]):
            await pilot.press(*keys)
            await until(pilot, lambda: isinstance(app.screen, Chooser))
            assert "This program watches fraud 2.1.0" in app.texts()
            await pilot.press("enter")
            await until(pilot, on_page(app, "This program acts by itself"))
        await pilot.press("ctrl+c")
        assert "which ends the watch of fraud 2.1.0" in app.notices()
        await pilot.press("colon", *"@prod", "enter")
        await until(pilot, lambda: "Open the context prod" in app.texts())
        await pilot.press("down", "enter")
        await pilot.pause()
    assert isinstance(app.return_value, Launch)
    assert app.return_value.context.name == "prod"
