"""Rollouts by feature flags: begun, moved on, held, promoted and aborted, against a live sandbox."""

from __future__ import annotations

from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.operations.rollouts import (
    prepare_advance,
    rollout,
)
from tests.operations.company import Company
from tests.operations.rolling import act, start


async def test_a_version_is_brought_in_step_by_step_and_then_deployed_in_full(company: Company) -> None:
    async with company.session() as session:
        record = await start(company, session)
        assert (record.weight, record.state) == (5.0, RolloutState.READY)
        await act(session, await prepare_advance(session, "fraud"))
        found = (await rollout(session, "fraud")).data
        assert (found.weight, found.progress.step) == (25.0, 2)
