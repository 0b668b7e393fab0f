"""A watched rollout when things go wrong: nothing passes unmeasured, and nothing keeps the traffic from going back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.rollout_decisions import Course
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.operations.actions import run
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.leases import LeaseKeeper
from mlops_tui.operations.rollouts.listing import rollouts
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_full
from mlops_tui.operations.rollouts.watching import Look, Watcher, leased
from mlops_tui.operations.session import Session
from tests.faults.proxy import FaultProxy, json_answer, limited
from tests.operations.company import Company
from tests.operations.rolling import WATCHED, Traffic, act, fraud_session, start
from tests.operations.rollouts.test_watching import flags

LEASES = "*/feature_flags/mlops-lease*"
BROKEN = json_answer(500, '{"message":"500 Internal Server Error"}')


@pytest.fixture
def proxy(company: Company) -> Iterator[FaultProxy]:
    with FaultProxy(company.server.url) as running:
        yield running


def session_through(proxy: FaultProxy, company: Company) -> Session:
    return company.session(url=proxy.url, projects=("acme/fraud",))


async def breached(company: Company, session: Session, traffic: Traffic) -> Watcher:
    """A watcher that holds the lease of a rollout whose new version has begun to fail."""
    record = await start(company, session, WATCHED)
    watcher = Watcher(session, record.id, may_act=True)
    await traffic.flow(5)
    await watcher.look()
    assert [flag for flag in await flags(company, session) if flag.startswith("mlops-lease")]
    await traffic.flow(12, faults=0.6)
    return watcher


def assert_rolled_back(look: Look) -> None:
    assert look.receipt is not None
    assert (look.decision.course, look.receipt.outcome) == (Course.ROLL_BACK, Outcome.DONE)
    assert (look.record.state, look.record.weight) == (RolloutState.ROLLED_BACK, 0.0)


async def test_a_step_without_any_traffic_is_never_passed(company: Company, proxy: FaultProxy) -> None:
    async with session_through(proxy, company) as session, Traffic(session) as traffic:
        record = await start(company, session, WATCHED)
        watcher = Watcher(session, record.id, may_act=True)
        await traffic.flow(8)
        assert (await watcher.look()).record.weight == 25.0
        await session.clock.sleep(25)
        look = await watcher.look()
        assert (look.decision.course, look.record.weight) == (Course.WAIT, 25.0)
        await session.clock.sleep(300)
        look = await watcher.look()
        assert (look.decision.course, look.record.state) == (Course.HOLD, RolloutState.HELD)
        assert "served nothing" in look.decision.reason


async def test_a_rollback_is_tried_until_gitlab_lets_it_happen(company: Company, proxy: FaultProxy) -> None:
    async with session_through(proxy, company) as session, Traffic(session) as traffic:
        watcher = await breached(company, session, traffic)
        for _ in range(4):
            proxy.play(json_answer(403, '{"message":"403 Forbidden"}'), path="*/feature_flags/fraud-canary")
            look = await watcher.look()
            assert look.decision.course is Course.ROLL_BACK
            assert look.record.state is not RolloutState.ROLLED_BACK
        proxy.clear()
        assert_rolled_back(await watcher.look())


async def test_a_lease_that_cannot_be_read_leaves_no_outcome_open(company: Company, proxy: FaultProxy) -> None:
    apart = company.session("developer", url=proxy.url, projects=("acme/fraud",))
    async with fraud_session(company) as session, apart:
        record = await start(company, session, WATCHED)
        keeper = LeaseKeeper(apart, record.project, record.id, "a watcher")
        assert await keeper.keep()
        action = leased(await prepare_advance(session, record.address), keeper)
        proxy.play(BROKEN, path="*/feature_flags*")
        receipt = await run(session, action, action.preview.confirmation.name)
        assert receipt.outcome is Outcome.REFUSED
        assert "whether the lease is still held could not be read" in receipt.message
        assert session.journal.unsettled() == ()
        proxy.clear()
        await act(session, leased(await prepare_advance(session, record.address), keeper))


async def test_ending_a_rollout_by_hand_clears_leases_that_ran_out(company: Company) -> None:
    async with company.session(projects=("acme/fraud",)) as session:
        record = await start(company, session, WATCHED)
        keeper = LeaseKeeper(session, record.project, record.id, "a watcher that is gone")
        assert await keeper.keep()
        live = await prepare_abort(session, record.id, "by hand")
        assert len(live.preview.calls) == 1
        await session.clock.sleep(100)
        await act(session, await prepare_abort(session, record.id, "by hand"))
        assert not [flag for flag in await flags(company, session) if flag.startswith("mlops-lease")]
        # The same where the version is live in full.
        record = await start(company, session, WATCHED)
        assert await LeaseKeeper(session, record.project, record.id, "another one").keep()
        await act(session, await prepare_full(session, record.id))
        await session.clock.sleep(100)
        await act(session, await prepare_advance(session, record.id))
        assert not [flag for flag in await flags(company, session) if flag.startswith("mlops-lease")]


@pytest.mark.parametrize("fault", [BROKEN, json_answer(403, '{"message":"403 Forbidden"}'), limited("1")])
async def test_a_rollback_needs_no_lease(company: Company, proxy: FaultProxy, fault: object) -> None:
    async with session_through(proxy, company) as session, Traffic(session) as traffic:
        watcher = await breached(company, session, traffic)
        proxy.play(fault, path=LEASES)  # type: ignore[arg-type]  # one of the faults above
        assert_rolled_back(await watcher.look())


async def test_a_rollout_is_listed_and_aborted_while_another_project_cannot_be_read(
    company: Company, proxy: FaultProxy
) -> None:
    async with company.session(url=proxy.url) as session:
        record = await start(company, session, WATCHED)
        other = (await company.project(session, "acme/churn")).ref.id
        proxy.play(BROKEN, path=f"*/projects/{other}/*")
        listed = await rollouts(session)
        assert [item.id for item in listed.data] == [record.id]
        assert listed.error is not None
        await act(session, await prepare_abort(session, record.id, "it is wrong"))
        assert [item.state for item in (await rollouts(session)).data] == [RolloutState.ROLLED_BACK]


async def test_an_action_on_a_rollout_whose_project_is_known_asks_no_other_project(
    company: Company, proxy: FaultProxy
) -> None:
    async with company.session(url=proxy.url) as session:
        record = await start(company, session)
        others = {project.ref.id for project in await session.projects()} - {record.project.id}
        asked = len(proxy.requests)
        action = await prepare_abort(session, record.address, "It is over")
        await act(session, action)
    paths = [request.partition(" ")[2] for request in proxy.requests[asked:]]
    assert others
    assert not [path for path in paths if any(f"/projects/{other}/" in path for other in others)]
