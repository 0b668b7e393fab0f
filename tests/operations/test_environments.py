"""Stopping an environment: refused while it cannot be, confirmed by name in production, told as it was."""

from __future__ import annotations

import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.environments import EnvironmentState
from mlops_tui.domain.errors import NotConfirmedError, RefusedError, StateChangedError
from mlops_tui.operations.actions import run
from mlops_tui.operations.environments import find_environment, prepare_stop
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.session import Session
from tests.faults.proxy import Drop, FaultProxy
from tests.operations.approving import FRAUD, protect, raw
from tests.operations.company import Company


async def state(session: Session, name: str) -> EnvironmentState:
    return (await find_environment(session, f"acme/fraud:{name}")).environment.state


async def test_production_stops_once_the_models_name_is_typed(company: Company) -> None:
    async with company.session() as session:
        action = await prepare_stop(session, await company.project(session), "production")
        assert action.preview.is_production
        assert "fraud 2.0.0 serves there" in action.preview.obstacles
        with pytest.raises(NotConfirmedError):
            await run(session, action, "production")
        assert await state(session, "production") is EnvironmentState.AVAILABLE
        receipt = await run(session, action, "fraud")
        assert receipt.outcome is Outcome.DONE
        assert await state(session, "production") is not EnvironmentState.AVAILABLE
        with pytest.raises(RefusedError, match="production is stop"):
            await prepare_stop(session, await company.project(session), "production")


async def test_what_was_deployed_meanwhile_is_noticed(company: Company) -> None:
    async with company.session() as session:
        action = await prepare_stop(session, await company.project(session), "staging")
        place = (await find_environment(session, "acme/fraud:staging")).environment
        assert raw(company).post(f"{FRAUD}/environments/{place.id}/stop").status_code == 200
        with pytest.raises(StateChangedError):
            await run(session, action, "")


async def test_where_gitlab_refuses_the_receipt_says_so(company: Company) -> None:
    protect(company, {"access_level": 40})
    async with company.session("reporter") as session:
        action = await prepare_stop(session, await company.project(session), "production")
        assert any("Developer" in obstacle for obstacle in action.preview.obstacles)
        receipt = await run(session, action, "fraud")
        assert receipt.outcome is Outcome.FAILED
        assert receipt.calls[-1].status == 403


async def test_a_lost_answer_is_settled_by_looking_at_the_environment(company: Company) -> None:
    with FaultProxy(company.server.url) as proxy:
        async with company.session(url=proxy.url) as session:
            action = await prepare_stop(session, await company.project(session), "staging")
            proxy.play(Drop(0), count=1, path="*/stop")
            assert (await run(session, action, "")).outcome is Outcome.UNKNOWN
            assert [receipt.outcome for receipt in await reconcile(session)] == [Outcome.DONE]
