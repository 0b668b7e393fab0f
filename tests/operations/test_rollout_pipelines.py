"""Rollouts kept in a pipeline's name, where GitLab refuses, fails or shows less than all of it."""

from __future__ import annotations

from typing import Any

import httpx

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.rollout_records import Hindrance
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.operations.rollouts import prepare_abort, prepare_advance, prepare_start, rollout
from tests.operations.company import Company
from tests.operations.rolling import act, churn_session


def script(company: Company, hook: str, body: dict[str, Any]) -> None:
    """Have the sandbox make trouble."""
    with httpx.Client(trust_env=False) as client:
        client.post(f"{company.server.url}/-/sandbox/{hook}", json=body).raise_for_status()


async def test_a_first_step_whose_job_fails_or_is_cancelled_is_not_reached(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        fault = {"project": "acme/churn", "job": "rollout 10%", "message": "no route", "exit_code": 1}
        script(company, "job_faults", fault)
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert (record.state, record.progress.step, record.weight) == (RolloutState.STARTING, 0, 0.0)
        # Played again, which writes the step into the mark, and cancelled by somebody.
        played = await act(session, await prepare_advance(session, "churn"))
        path = f"/api/v4/projects/{project.ref.id}/jobs/{played.followed['job']}/cancel"
        await session.transport.send(ApiCall(Method.POST, path))
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert (record.state, record.progress.step, record.weight) == (RolloutState.STARTING, 0, 0.0)
        (found,) = [item for item in record.obstacles if item.kind is Hindrance.FAILED]
        assert found.text.startswith("The job rollout 10% was cancelled")
        # What it did before that is not known, so an abort deploys the version before all the same.
        action = await prepare_abort(session, "churn", "it never came up")
        assert [change.after for change in action.preview.changes if change.label == "deployment"]
        await act(session, await prepare_advance(session, "churn"))
        await session.clock.sleep(30)
        record = (await rollout(session, "churn")).data
        assert (record.progress.step, record.weight) == (1, 10.0)
