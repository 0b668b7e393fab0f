"""Actions whose caller is cancelled in their middle: they end, or leave a word of how far they came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.domain.journal import EntryKind
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.operations.actions import run
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.rollouts.listing import rollouts
from mlops_tui.operations.rollouts.steps import prepare_hold
from mlops_tui.operations.rollouts.watching import Watcher, watching
from mlops_tui.operations.session import Session
from mlops_tui.storage.journal_entries import intent_of, receipt_of
from tests.faults.proxy import FaultProxy, Hold, Stall
from tests.operations.company import Company
from tests.operations.rolling import Traffic, act, fraud_session, plan_for
from tests.operations.rollouts.test_crashes import ARMS, begin
from tests.operations.rollouts.test_watching import flags

SECOND = "*/feature_flags/fraud-test-b"


@pytest.fixture
def proxy(company: Company) -> Iterator[FaultProxy]:
    with FaultProxy(company.server.url) as running:
        yield running


def newest_receipt(session: Session) -> Receipt:
    """What the journal tells of the newest action."""
    intent = session.journal.entries(kinds=[EntryKind.INTENT])[-1]
    (entry,) = session.journal.entries(kinds=[EntryKind.RECEIPT], intent_id=intent.intent_id)
    return receipt_of(entry, intent_of(intent))


async def second_call(proxy: FaultProxy) -> None:
    """Wait until the second of two flags is changed."""
    while not proxy.requests[-1].endswith("fraud-test-b"):  # noqa: ASYNC110 - the proxy has a loop of its own
        await asyncio.sleep(0)


@asynccontextmanager
async def half_held(company: Company, proxy: FaultProxy, fault: Hold | Stall) -> AsyncIterator[Session]:
    """A rollout of two arms that is about to be held, with its second call kept from being answered."""
    async with company.session(url=proxy.url, projects=("acme/fraud",)) as session:
        await plan_for(company, session, ARMS)
        await act(session, await begin(company, session))
        proxy.play(fault, count=1, path=SECOND)
        yield session


async def test_a_watch_that_is_stopped_ends_its_action_and_gives_its_lease_back(
    company: Company, proxy: FaultProxy
) -> None:
    held = Hold()
    async with half_held(company, proxy, held) as session, Traffic(session) as traffic:
        await traffic.flow(6)

        async def watch() -> None:
            async for _ in watching(Watcher(session, "fraud", may_act=True)):
                pass

        watch_task = asyncio.create_task(watch())
        await second_call(proxy)
        watch_task.cancel()
        held.released.set()
        with pytest.raises(asyncio.CancelledError):
            await watch_task
        receipt = newest_receipt(session)
        assert (receipt.outcome, [call.status for call in receipt.calls]) == (Outcome.DONE, [200, 200])
        assert {item.state for item in (await rollouts(session)).data} == {RolloutState.HELD}
        assert not [name for name in await flags(company, session) if "lease" in name]


async def test_an_action_without_an_answer_leaves_what_was_sent_and_is_settled_later(
    company: Company, proxy: FaultProxy
) -> None:
    async with half_held(company, proxy, Stall()) as session:
        session.uninterrupted.patience = 0.0
        action = await prepare_hold(session, "fraud", "lunch")
        task = asyncio.create_task(run(session, action, "fraud"))
        await second_call(proxy)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        receipt = newest_receipt(session)
        assert (receipt.outcome, [call.status for call in receipt.calls]) == (Outcome.UNKNOWN, [200, None])
        assert "1 of 2 calls" in receipt.message
        proxy.clear()
        (settled,) = await reconcile(session)
        assert settled.outcome is Outcome.DONE


async def test_a_session_that_is_closed_lets_its_action_end(company: Company, proxy: FaultProxy) -> None:
    held = Hold()
    async with half_held(company, proxy, held) as session:
        action = await prepare_hold(session, "fraud", "lunch")
        task = asyncio.create_task(run(session, action, "fraud"))
        await second_call(proxy)
        closing = asyncio.create_task(session.close())
        held.released.set()
        await closing
        assert (await task).outcome is Outcome.DONE
    async with fraud_session(company) as again:
        assert {item.state for item in (await rollouts(again)).data} == {RolloutState.HELD}
