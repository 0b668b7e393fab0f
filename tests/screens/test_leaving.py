"""Leaving the program while something is under way: what has begun is finished, and what would end is told."""

from __future__ import annotations

import asyncio

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.journal import EntryKind
from mlops_tui.storage.journal_entries import intent_of, receipt_of
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
