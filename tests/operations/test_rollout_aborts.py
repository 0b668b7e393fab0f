"""Aborting a rollout whose version was, or was about to be, deployed over the one before."""

from __future__ import annotations

from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.rollbacks import ways_back
from mlops_tui.operations.rollouts import prepare_abort, prepare_full, prepare_start, rollout
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
