"""What came of a step whose answer was lost, told by what each driver leaves behind in GitLab."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.operations.actions import Action, run
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollout, rollouts
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance
from mlops_tui.operations.session import Session
from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from tests.faults.proxy import Drop, FaultProxy, json_answer
from tests.operations.company import Company
from tests.operations.rolling import act, churn_session, fraud_session, plan_for, start
from tests.operations.rollouts.test_drivers import INGRESS

LOST = Drop(0)
BROKEN = json_answer(500, '{"message":"500 Internal Server Error"}')


@pytest.fixture
def proxy(company: Company) -> Iterator[FaultProxy]:
    with FaultProxy(company.server.url) as running_proxy:
        yield running_proxy


async def settled(session: Session, proxy: FaultProxy, action: Action, fault: object, path: str) -> Receipt:
    """Run an action of which one answer is lost, and ask what came of it."""
    proxy.play(fault, count=1, path=path)  # type: ignore[arg-type]  # one of the faults above
    unknown = await run(session, action, action.preview.confirmation.name)
    assert unknown.outcome is Outcome.UNKNOWN, unknown.message
    (receipt,) = await reconcile(session)
    return receipt


def through(proxy: FaultProxy, company: Company) -> Session:
    return company.session(url=proxy.url, projects=("acme/churn",))


async def test_a_job_that_was_played_is_found_although_its_answer_was_lost(company: Company, proxy: FaultProxy) -> None:
    async with through(proxy, company) as session:
        project = await company.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(30)
        receipt = await settled(session, proxy, await prepare_advance(session, "churn"), BROKEN, "*/play")
        assert receipt.outcome is Outcome.FAILED
        assert receipt.message.startswith("GitLab shows nothing of it: it was not carried out. It is running on step 1")
        receipt = await settled(session, proxy, await prepare_advance(session, "churn"), LOST, "*/play")
        assert receipt.outcome is Outcome.DONE, receipt.message
        assert "the job rollout 25%" in receipt.message
        await session.clock.sleep(30)
        assert (await rollout(session, "churn")).data.progress.step == 2
        assert session.journal.unsettled() == ()


async def test_a_job_that_somebody_else_played_is_not_ours(company: Company, proxy: FaultProxy) -> None:
    async with through(proxy, company) as session, churn_session(company, "developer") as elsewhere:
        project = await company.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(30)
        action = await prepare_advance(session, "churn")
        proxy.play(BROKEN, count=1, path="*/play")
        assert (await run(session, action, "churn")).outcome is Outcome.UNKNOWN
        await session.clock.sleep(2)
        await act(elsewhere, await prepare_advance(elsewhere, "churn"))
        (receipt,) = await reconcile(session)
        assert receipt.outcome is Outcome.FAILED
        assert f"run by {elsewhere.username}: this was not carried out" in receipt.message


async def test_a_pipeline_whose_answer_was_lost_is_found_by_its_version(company: Company, proxy: FaultProxy) -> None:
    async with through(proxy, company) as session:
        project = await company.project(session, "acme/churn")
        begin = await prepare_start(session, project, "churn", ("2.0.0",), "production")
        receipt = await settled(session, proxy, begin, LOST, "*/pipeline")
        assert receipt.outcome is Outcome.FAILED
        assert "which was not named, so no step was played: cancel it in GitLab" in receipt.message
        assert (await rollouts(session)).data == ()


async def test_a_step_that_was_written_over_since_is_told_so(company: Company, proxy: FaultProxy) -> None:
    async with company.session(url=proxy.url, projects=("acme/fraud",)) as session, fraud_session(company) as elsewhere:
        record = await start(company, session)
        action = await prepare_advance(session, record.id)
        proxy.play(LOST, count=1, path="*/feature_flags/fraud-canary")
        assert (await run(session, action, "fraud")).outcome is Outcome.UNKNOWN
        await act(session, await prepare_abort(session, record.id, "not waiting for that"))
        (receipt,) = await reconcile(session)
        assert receipt.outcome is Outcome.FAILED
        assert "cannot be told any more: the flag fraud-canary was written anew since" in receipt.message
        assert "not carried out" not in receipt.message
        # The start of a rollout is known by its id, however far it has come.
        receipt = await settled(session, proxy, await begin(company, session), LOST, "*/feature_flags/fraud-canary")
        assert receipt.outcome is Outcome.DONE
        assert elsewhere.journal.unsettled() == ()


async def begin(company: Company, session: Session) -> Action:
    return await prepare_start(session, await company.project(session), "fraud", ("2.1.0",), "production")


async def test_a_weight_that_nobody_can_read_stays_unknown_until_it_is_set_anew(
    demo_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    clock = SandboxClock()
    with running(Settings(world=World.DEMO, data=data, legacy_clusters=True), clock) as server:
        company = Company(server, clock, tmp_path)
        with FaultProxy(server.url) as proxy:
            async with through(proxy, company) as session:
                await plan_for(company, session, INGRESS, "acme/churn")
                project = await company.project(session, "acme/churn")
                await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
                await session.clock.sleep(5)
                receipt = await settled(session, proxy, await prepare_advance(session, "churn"), LOST, "*/play")
                assert receipt.outcome is Outcome.DONE, receipt.message
                await session.clock.sleep(30)
                action = await prepare_advance(session, "churn")
                await session.projects()

                async def weigh(sender: object) -> object:
                    proxy.play(LOST, count=1, path="/api/graphql")
                    return await action.perform(sender)  # type: ignore[arg-type]  # as it came

                lost = Action(action.preview, action.read_state, weigh)  # type: ignore[arg-type]  # as it came
                assert (await run(session, lost, "churn")).outcome is Outcome.UNKNOWN
                (receipt,) = await reconcile(session)
                assert receipt.outcome is Outcome.UNKNOWN
                assert "cannot tell whether the weight of 5 % took effect" in receipt.message
                await act(session, await prepare_abort(session, "churn", "nobody knows"))
                (receipt,) = await reconcile(session)
                assert receipt.outcome is Outcome.FAILED
                assert "was written anew since" in receipt.message
                assert session.journal.unsettled() == ()
