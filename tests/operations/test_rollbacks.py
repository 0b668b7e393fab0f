"""Roll back: to the last known good version, with a reason, and never to and fro."""

from __future__ import annotations

import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.operations.actions import run
from mlops_tui.operations.following import FollowState, follow
from mlops_tui.operations.journal import stories
from mlops_tui.operations.rollbacks import prepare_rollback, ways_back
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.operations.test_promotions import live


async def roll_back(company: Company, session: Session, deployment: int | None = None) -> str | None:
    project = await company.project(session)
    action = await prepare_rollback(session, project, "fraud", "production", "too many false alarms", deployment)
    receipt = await run(session, action, "fraud")
    assert receipt.outcome is Outcome.DONE
    assert [progress.state async for progress in follow(session, receipt)][-1] is FollowState.SUCCEEDED
    return await live(session, "fraud", "production")


async def test_rolling_back_twice_goes_further_back_and_never_returns(company: Company) -> None:
    async with company.session() as session:
        project = await company.project(session)
        offered = [
            item.deployed.version
            for item in (await ways_back(session, project, "fraud", "production")).targets
            if item.deployed
        ]
        assert await live(session, "fraud", "production") == "2.0.0"
        assert await roll_back(company, session) == offered[0] == "1.2.0"
        assert await roll_back(company, session) == offered[1] == "1.1.0"


async def test_an_older_deployment_can_be_chosen(company: Company) -> None:
    async with company.session() as session:
        ways = await ways_back(session, await company.project(session), "fraud", "production")
        oldest = ways.targets[-1]
        assert oldest.deployed is not None
        assert await roll_back(company, session, oldest.id) == oldest.deployed.version


async def test_the_reason_is_kept(company: Company) -> None:
    async with company.session() as session:
        await roll_back(company, session)
        assert [story.intent.reason for story in stories(session.journal)] == ["too many false alarms"]


async def test_a_rollback_needs_a_reason(company: Company) -> None:
    async with company.session() as session:
        with pytest.raises(UsageError, match="reason"):
            await prepare_rollback(session, await company.project(session), "fraud", "production", "  ")


async def test_a_deployment_that_is_no_way_back_is_refused(company: Company) -> None:
    async with company.session() as session:
        project = await company.project(session)
        current = (await ways_back(session, project, "fraud", "production")).live.deployment
        assert current is not None
        with pytest.raises(UsageError, match="no way back"):
            await prepare_rollback(session, project, "fraud", "production", "why", current.id)


async def test_nothing_live_is_nothing_to_undo(company: Company) -> None:
    async with company.session() as session:
        project = await company.project(session)
        with pytest.raises(RefusedError, match="live"):
            await prepare_rollback(session, project, "unheard-of", "production", "why")
