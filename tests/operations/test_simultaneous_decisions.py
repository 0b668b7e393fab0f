"""Two operators at the same moment, in every order in which their looks and their calls can fall."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import permutations

import pytest

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.domain.approval_states import ApprovalState
from mlops_tui.domain.approvals import ApprovalId, Decision
from mlops_tui.domain.errors import StateChangedError
from mlops_tui.operations.actions import Action, Performed, Sender, State, run
from mlops_tui.operations.approvals import find_approval
from mlops_tui.operations.decision_calls import Wish
from mlops_tui.operations.decisions import prepare_decision
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.session import Session
from tests.operations.approving import deploy, protect, sheet_of, votes
from tests.operations.company import Company
from tests.operations.test_promotion_requests import ask, free, state

__all__ = ["free"]

LOOKS_BEFORE_IT_SENDS = [
    order
    for order in permutations(("ada looks", "ada sends", "mona looks", "mona sends"))
    if order.index("ada looks") < order.index("ada sends") and order.index("mona looks") < order.index("mona sends")
]
PAIRS = [
    (Decision.APPROVED, Decision.APPROVED),
    (Decision.APPROVED, Decision.REJECTED),
    (Decision.REJECTED, Decision.APPROVED),
    (Decision.REJECTED, Decision.REJECTED),
]


class Script:
    """Lets each step happen when its turn has come; a step that never comes is passed over."""

    def __init__(self, order: tuple[str, ...]) -> None:
        self._order = order
        self._done = {step: asyncio.Event() for step in order}

    async def turn(self, step: str) -> None:
        for earlier in self._order[: self._order.index(step)]:
            await self._done[earlier].wait()

    def over(self, *steps: str) -> None:
        for step in steps:
            self._done[step].set()

    def directed(self, action: Action, who: str) -> Action:
        """The same action, whose look and whose calls wait for their turn."""

        async def read_state() -> State:
            await self.turn(f"{who} looks")
            try:
                return await action.read_state()
            finally:
                self.over(f"{who} looks")

        async def perform(sender: Sender) -> Performed:
            await self.turn(f"{who} sends")
            try:
                return await action.perform(sender)
            finally:
                self.over(f"{who} sends")

        return replace(action, read_state=read_state, perform=perform)


async def decided(
    session: Session, approval: ApprovalId, decision: Decision, who: str, script: Script, ready: asyncio.Barrier
) -> Receipt | StateChangedError:
    wish = Wish(decision, f"{who} says {decision.value}")
    action = await prepare_decision(session, await sheet_of(session, approval), wish)
    await ready.wait()
    try:
        receipt = await run(session, script.directed(action, who), "fraud")
    except StateChangedError as error:
        return error
    finally:
        script.over(f"{who} looks", f"{who} sends")
    if receipt.outcome is Outcome.UNKNOWN:
        (receipt,) = await reconcile(session)
    return receipt


async def both(
    company: Company, approval: ApprovalId, pair: tuple[Decision, Decision], order: tuple[str, ...]
) -> list[tuple[str, Decision, Receipt | StateChangedError]]:
    script, ready = Script(order), asyncio.Barrier(2)
    async with company.session("approver") as ada, company.session("maintainer") as mona:
        ended = await asyncio.gather(
            decided(ada, approval, pair[0], "ada", script, ready),
            decided(mona, approval, pair[1], "mona", script, ready),
        )
        for session in (ada, mona):
            assert session.journal.verify().holds
            assert not session.journal.unsettled()
    return [("ada", pair[0], ended[0]), ("mona", pair[1], ended[1])]


@pytest.mark.parametrize("order", LOOKS_BEFORE_IT_SENDS, ids=", ".join)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].value} and {pair[1].value}")
async def test_no_vote_is_lost_and_none_is_recorded_that_was_not_sent(
    company: Company, pair: tuple[Decision, Decision], order: tuple[str, ...]
) -> None:
    protect(company, {"access_level": 40, "required_approvals": 2})
    approval = deploy(company)
    ended = await both(company, approval, pair, order)
    told_done = {
        (who, decision.value)
        for who, decision, receipt in ended
        if isinstance(receipt, Receipt) and receipt.outcome is Outcome.DONE
    }
    assert told_done == set(votes(company, approval))
    assert told_done
    async with company.session("reporter") as session:
        final = (await find_approval(session, approval)).state
    expected = ApprovalState.REJECTED if "rejected" in {word for _, word in told_done} else None
    assert final is (expected or (ApprovalState.APPROVED if len(told_done) == 2 else ApprovalState.WAITING))
    for _, _, receipt in ended:
        assert str(receipt) if isinstance(receipt, StateChangedError) else receipt.message


@pytest.mark.parametrize("order", LOOKS_BEFORE_IT_SENDS, ids=", ".join)
async def test_notes_of_two_people_never_overwrite_each_other(free: Company, order: tuple[str, ...]) -> None:
    approval = await ask(free)
    ended = await both(free, approval, (Decision.APPROVED, Decision.REJECTED), order)
    done = {who for who, _, receipt in ended if isinstance(receipt, Receipt) and receipt.outcome is Outcome.DONE}
    async with free.session("reporter") as session:
        now = await find_approval(session, approval)
    assert {vote.user.username for vote in now.votes} == done
    rejected = "mona" in done
    assert await state(free, approval) is (ApprovalState.REJECTED if rejected else ApprovalState.APPROVED)
