"""Rollouts by feature flags: begun, moved on, held, promoted and aborted, against a live sandbox."""

from __future__ import annotations

import pytest

from mlops_tui.domain.errors import StateChangedError
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.gitlab.feature_flags import change_flag_call, create_flag_call
from mlops_tui.operations.actions import run
from mlops_tui.operations.rollouts.leases import LeaseKeeper
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_advance
from tests.operations.company import Company
from tests.operations.rolling import act, fraud_session, plan_for, start


async def test_a_version_is_brought_in_step_by_step_and_then_deployed_in_full(company: Company) -> None:
    async with company.session() as session:
        record = await start(company, session)
        assert (record.weight, record.state) == (5.0, RolloutState.READY)
        await act(session, await prepare_advance(session, "fraud"))
        found = (await rollout(session, "fraud")).data
        assert (found.weight, found.progress.step) == (25.0, 2)


async def test_a_start_minds_its_own_flag_and_no_lease(company: Company) -> None:
    async with fraud_session(company) as session:
        await plan_for(company, session)
        project = await company.project(session)
        action = await prepare_start(session, project, "fraud", ("2.1.0",), "production")
        assert await LeaseKeeper(session, project.ref, "0" * 8, "me").keep()
        await session.transport.send(create_flag_call(project.ref, "theme", "Colours", [], "another's flag"))
        await act(session, action)


async def test_a_start_is_refused_when_its_flag_was_changed_meanwhile(company: Company) -> None:
    async with fraud_session(company) as session:
        await plan_for(company, session)
        project = await company.project(session)
        action = await prepare_start(session, project, "fraud", ("2.1.0",), "production")
        [call] = action.preview.calls
        name = call.path.rsplit("/", 1)[-1]
        await session.transport.send(change_flag_call(project.ref, name, "Mine", (), "write on it"))
        with pytest.raises(StateChangedError, match=f"flag {name}"):
            await run(session, action, action.preview.confirmation.name)
