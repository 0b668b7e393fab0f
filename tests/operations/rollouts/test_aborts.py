"""Aborting a rollout whose version was, or was about to be, deployed over the one before."""

from __future__ import annotations

import pytest

from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.rollout_decisions import Course, decide
from mlops_tui.domain.rollout_states import Phase, RolloutState
from mlops_tui.domain.rollouts import EventKind
from mlops_tui.gitlab.models import delete_version_call
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.models import find_version
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.operations.rollbacks import ways_back
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_full
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.operations.rolling import act, fraud_session, start


async def test_an_abort_brings_the_version_before_back_that_was_deployed_over(company: Company) -> None:
    async with fraud_session(company) as session:
        project = await company.project(session)

        async def live() -> str | None:
            return live_version((await read_delivery(session, project)).deployments, "fraud", "production").version

        # While the promotion runs: it is stopped, and what serves is deployed once more to be sure of it.
        record = await start(company, session)
        await act(session, await prepare_full(session, record.id))
        action = await prepare_abort(session, record.id, "second thoughts")
        paths = [call.path.rsplit("/", 1)[-1] for call in action.preview.calls]
        assert paths[0] == "fraud-canary"
        assert paths[-1] == "retry"
        aborted = await act(session, action)
        assert aborted.followed["job"]
        await session.clock.sleep(60)
        assert (await rollout(session, record.id)).data.state is RolloutState.ROLLED_BACK
        assert await live() == "2.0.0"
        # After it: the version before is found and deployed again, and nobody is ever offered the one that was left.
        await act(session, await prepare_start(session, project, "fraud", ("2.1.0",), "production"))
        await act(session, await prepare_full(session, "fraud"))
        await session.clock.sleep(60)
        assert await live() == "2.1.0"
        action = await prepare_abort(session, "fraud", "too many alarms")
        deployed = [change.after for change in action.preview.changes if change.label == "deployment"]
        assert deployed[0].startswith("2.0.0 once more")
        await act(session, action)
        assert (await rollout(session, "fraud")).data.state is RolloutState.ROLLING_BACK
        await session.clock.sleep(60)
        assert await live() == "2.0.0"
        assert (await rollout(session, "fraud")).data.state is RolloutState.ROLLED_BACK
        ways = await ways_back(session, project, "fraud", "production")
        assert "2.1.0" not in {item.deployed.version for item in ways.targets if item.deployed}


async def deploy(company: Company, session: Session, version: str) -> None:
    """Deploy a version to production in full, past the rollout."""
    project = await company.project(session)
    await act(session, await prepare_promotion(session, project, "fraud", version, "production"))
    await session.clock.sleep(60)


async def test_an_abort_names_what_serves_afterwards_and_not_what_served_at_the_start(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session)
        action = await prepare_abort(session, record.id, "slower")
        (told,) = [change.after for change in action.preview.changes if change.label == "serves afterwards"]
        assert told.startswith("2.0.0, live by deployment ")
        assert told.endswith(", in the registry")
        await deploy(company, session, "1.2.1")
        action = await prepare_abort(session, record.id, "slower")
        (told,) = [change.after for change in action.preview.changes if change.label == "serves afterwards"]
        assert told.startswith("1.2.1, live by deployment ")
        assert any("goes back to 1.2.1 and not to 2.0.0" in text for text in action.preview.obstacles)
        receipt = await act(session, action)
        assert receipt.message == "All traffic is back on 1.2.1"
        events = (await rollout(session, record.id)).data.events
        assert [item.text for item in events if item.kind is EventKind.ABORTED] == ["aborted, back to 1.2.1: slower"]


async def test_an_abort_tells_of_a_version_that_is_live_and_no_longer_in_the_registry(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session)
        # This program refuses to delete what is live, and GitLab does not.
        _, version = await find_version(session, await company.project(session), "fraud", "2.0.0")
        await session.transport.send(delete_version_call(version))
        action = await prepare_abort(session, record.id, "slower")
        (told,) = [change.after for change in action.preview.changes if change.label == "serves afterwards"]
        assert told.endswith(", not in the registry")
        assert any("2.0.0 is not in the model registry any more" in text for text in action.preview.obstacles)


async def test_an_abort_deploys_the_version_that_was_deployed_since_the_start(company: Company) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session)
        await deploy(company, session, "1.2.1")
        await deploy(company, session, "2.1.0")
        action = await prepare_abort(session, record.id, "slower")
        (told,) = [change.after for change in action.preview.changes if change.label == "deployment"]
        assert told.startswith("1.2.1 once more, as in ")
        receipt = await act(session, action)
        assert "1.2.1 is being deployed again" in receipt.message
        await session.clock.sleep(60)
        assert (await rollout(session, record.id)).data.state is RolloutState.ROLLED_BACK


@pytest.mark.parametrize("prepare", [prepare_advance, prepare_full])
async def test_a_version_that_somebody_deployed_in_full_ends_the_rollout(company: Company, prepare: object) -> None:
    async with fraud_session(company) as session:
        record = await start(company, session)
        await deploy(company, session, "2.1.0")
        found = (await rollout(session, record.id)).data
        decision = decide(found)
        assert (decision.course, found.progress.phase) == (Course.WAIT, Phase.RUNNING)
        assert decision.reason.startswith("2.1.0 was deployed in full to production by somebody")
        action = await prepare(session, record.id)  # type: ignore[operator]  # one of two functions
        assert action.preview.title == "End the rollout of fraud 2.1.0 in production: it is live in full"
        await act(session, action)
        found = (await rollout(session, record.id)).data
        assert (found.state, found.weight) == (RolloutState.DONE, 0.0)
