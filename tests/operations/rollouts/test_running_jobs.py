"""Going on while the job of the last go-ahead still runs: nothing of it may be repeated or overtaken."""

from __future__ import annotations

import pytest

from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_full, prepare_hold
from tests.operations.company import Company
from tests.operations.rolling import act, churn_session, plan_for
from tests.operations.rollouts.test_drivers import INGRESS


async def test_a_step_whose_job_runs_is_waited_for_and_the_one_before_is_not_repeated(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        # The first step has no step before it, and is not played twice either.
        with pytest.raises(RefusedError, match=r"The job rollout 10% still runs as \d+"):
            await prepare_advance(session, "churn")
        await session.clock.sleep(30)
        await act(session, await prepare_advance(session, "churn"))
        await session.clock.sleep(3)
        for prepare in (prepare_advance, prepare_full):
            with pytest.raises(RefusedError, match=r"The job rollout 25% still runs as \d+"):
                await prepare(session, "churn")
        # Nor does a hold make it another step's turn.
        await act(session, await prepare_hold(session, "churn"))
        with pytest.raises(RefusedError, match="The job rollout 25% still runs"):
            await prepare_advance(session, "churn")
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert (record.state, record.progress.step, record.weight) == (RolloutState.HELD, 2, 25.0)
        assert (await prepare_advance(session, "churn")).preview.title.startswith("Step 3 of 4: 50 %")


async def test_a_rollout_that_goes_back_is_not_given_everything(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(30)
        await act(session, await prepare_advance(session, "churn"))
        # One whose job still runs is no exception.
        await act(session, await prepare_abort(session, "churn", "customers leave"))
        assert (await rollout(session, "churn")).data.state is RolloutState.ROLLING_BACK
        with pytest.raises(RefusedError, match="The rollout cannot be promoted") as refused:
            await prepare_full(session, "churn")
        assert refused.value.why == "it is aborting on step 1"


async def test_a_canary_that_is_being_deployed_is_not_weighed(clustered: Company) -> None:
    async with churn_session(clustered) as session:
        await plan_for(clustered, session, INGRESS, "acme/churn")
        project = await clustered.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(5)
        await act(session, await prepare_advance(session, "churn"))
        for prepare in (prepare_advance, prepare_full):
            with pytest.raises(RefusedError, match=r"The job canary still runs as \d+"):
                await prepare(session, "churn")
