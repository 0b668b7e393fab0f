"""Crashes: a program that ends before, between or after the calls of an action leaves nothing uncertain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.rollout_decisions import Course, decide
from mlops_tui.domain.rollout_states import Phase, RolloutState
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.operations.actions import Action, Performed, Sender, run
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollouts
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_hold, prepare_resume
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.operations.rolling import WATCHED, ProgramEndedError, act, fraud_session, plan_for

ARMS = WATCHED.replace("driver: flag", "driver: flag\n      flag: fraud-test\n      treatments: [a, b]")
Prepare: TypeAlias = Callable[[Session], Awaitable[Action]]


def ended_after(action: Action, calls: int) -> Action:
    """The same action in a program that is killed after so many calls; after the last it never writes the receipt."""

    class Killed(Sender):
        async def send(self, call: Any) -> Any:
            if len(self.sent) == calls:
                raise ProgramEndedError
            return await Sender.send(self, call)

    async def perform(sender: Sender) -> Performed:
        await action.perform(Killed(sender.session, sender.moment, sender.sent))
        raise ProgramEndedError

    return Action(action.preview, action.read_state, perform)


async def begin(company: Company, session: Session) -> Action:
    return await prepare_start(session, await company.project(session), "fraud", ("2.1.0", "1.2.1"), "production")


async def under_way(session: Session) -> list[Rollout]:
    return [item for item in (await rollouts(session)).data if not item.state.is_over]


async def crashed(session: Session, action: Action, calls: int) -> Receipt:
    """Let the program end after so many calls, look at what another terminal sees, and settle what is unknown."""
    with pytest.raises(ProgramEndedError):
        await run(session, ended_after(action, calls), "fraud")
    (receipt,) = await reconcile(session)
    assert not session.journal.unsettled()
    assert receipt.outcome is (Outcome.DONE if calls == 2 else Outcome.FAILED), receipt.message
    return receipt


async def test_after_a_crash_at_any_call_the_rollout_is_seen_settled_and_goes_on(company: Company) -> None:
    async with fraud_session(company) as session, fraud_session(company, "developer") as elsewhere:
        await plan_for(company, session, ARMS)
        # A start of which one flag was made can only be aborted: nobody knows the version of the other arm.
        await crashed(session, await begin(company, session), 0)
        assert await under_way(session) == []
        await crashed(session, await begin(company, session), 1)
        (half,) = await under_way(elsewhere)
        assert (half.state, decide(half).course) == (RolloutState.STEPPING, Course.WAIT)
        with pytest.raises(RefusedError, match="arm b has no flag"):
            await prepare_advance(session, "fraud")
        await act(session, await prepare_abort(session, "fraud", "half a start"))
        await crashed(session, await begin(company, session), 2)

        ways: list[tuple[Prepare, int, Phase]] = [
            (lambda one: prepare_advance(one, "fraud"), 0, Phase.RUNNING),
            (lambda one: prepare_advance(one, "fraud"), 1, Phase.RUNNING),
            (lambda one: prepare_hold(one, "fraud"), 1, Phase.HELD),
            (lambda one: prepare_resume(one, "fraud"), 2, Phase.RUNNING),
            (lambda one: prepare_abort(one, "fraud", "seen enough"), 1, Phase.ABORTING),
        ]
        for prepare, calls, phase in ways:
            await crashed(session, await prepare(session), calls)
            (here,), (there,) = await under_way(session), await under_way(elsewhere)
            assert (here.progress, here.state, here.arms) == (there.progress, there.state, there.arms)
            assert here.progress.phase is phase
            assert (here.state is RolloutState.STEPPING) == (calls == 1 and phase is Phase.RUNNING)
            if calls == 1 and phase is Phase.RUNNING:
                await act(session, await prepare_advance(session, "fraud"))
        await act(session, await prepare_abort(session, "fraud", "seen enough"))
        (ended,) = {item.state for item in (await rollouts(elsewhere)).data}
        assert ended is RolloutState.ROLLED_BACK
        assert {item.weight for item in (await rollouts(elsewhere)).data} == {0.0}
