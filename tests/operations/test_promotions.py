"""Promote: what is shown is what is sent, once, and only while it still holds."""

from __future__ import annotations

import pytest

from mlops_tui.domain.actions import ConfirmationKind, Outcome
from mlops_tui.domain.errors import NotConfirmedError, ReadOnlyError, RefusedError, StateChangedError, UsageError
from mlops_tui.domain.journal import EntryKind
from mlops_tui.operations.actions import run
from mlops_tui.operations.following import FollowState, follow
from mlops_tui.operations.models import find_model, live_versions
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.sandbox.factory import client


async def live(session: Session, model: str, environment: str) -> str | None:
    rows = (await live_versions(session, model)).data
    return next((row.live.version for row in rows if row.live.environment == environment), None)


async def test_a_promotion_goes_live_and_says_so(company: Company) -> None:
    async with company.session() as session:
        project = await company.project(session)
        action = await prepare_promotion(session, project, "fraud", "2.1.0", "production")
        assert action.preview.is_production
        assert action.preview.confirmation.kind is ConfirmationKind.TYPE_NAME
        assert action.preview.changes[0].before == await live(session, "fraud", "production") == "2.0.0"
        receipt = await run(session, action, "fraud")
        seen = [progress.state async for progress in follow(session, receipt)]
        assert receipt.outcome is Outcome.DONE
        assert seen[-1] is FollowState.SUCCEEDED
        assert await live(session, "fraud", "production") == "2.1.0"
        assert [entry.kind for entry in session.journal.entries()] == [EntryKind.INTENT, EntryKind.RECEIPT]
        assert session.journal.verify().holds


async def test_what_is_sent_is_what_the_preview_showed(company: Company) -> None:
    async with company.session() as session:
        project = await company.project(session)
        action = await prepare_promotion(session, project, "fraud", "2.1.0", "production")
        receipt = await run(session, action, "fraud")
        shown = [
            (call.method.value, call.path.replace("{pipeline}", str(receipt.followed["pipeline"])))
            for call in action.preview.calls
        ]
        sent = [(call.method, call.url.removeprefix(company.server.url)) for call in receipt.calls]
        assert sent == shown
        assert all(call.request_id for call in receipt.calls)


async def test_a_project_without_inputs_is_handed_variables(company: Company) -> None:
    async with company.session() as session:
        project = await company.project(session, "acme/churn")
        action = await prepare_promotion(session, project, "churn", "2.0.0", "production")
        body = action.preview.calls[0].body or {}
        assert "inputs" not in body
        receipt = await run(session, action, "churn")
        assert [progress.state async for progress in follow(session, receipt)][-1] is FollowState.SUCCEEDED
        assert await live(session, "churn", "production") == "2.0.0"


async def test_the_wrong_name_sends_nothing(company: Company) -> None:
    async with company.session() as session:
        project = await company.project(session)
        action = await prepare_promotion(session, project, "fraud", "2.1.0", "production")
        with pytest.raises(NotConfirmedError):
            await run(session, action, "froud")
        assert session.journal.entries() == ()
        assert await live(session, "fraud", "production") == "2.0.0"


async def test_a_second_console_that_was_faster_is_noticed(company: Company) -> None:
    async with company.session() as session, company.session("developer") as other:
        project = await company.project(session)
        slow = await prepare_promotion(session, project, "fraud", "2.1.0", "production")
        fast = await prepare_promotion(other, project, "fraud", "1.2.0", "production")
        await run(other, fast, "fraud")
        with pytest.raises(StateChangedError, match="changed since the preview"):
            await run(session, slow, "fraud")
        assert session.journal.entries() == ()


async def test_the_same_action_never_fires_twice(company: Company) -> None:
    async with company.session() as session:
        project = await company.project(session)
        action = await prepare_promotion(session, project, "fraud", "2.1.0", "production")
        await run(session, action, "fraud")
        with pytest.raises(RefusedError):
            await run(session, action, "fraud")
        names = [row["name"] for row in client(company.server).get(f"/projects/{project.ref.id}/pipelines").json()]
        assert sum(str(name).startswith("fraud 2.1.0 -> production") for name in names) == 1


async def test_a_read_only_context_sends_nothing(company: Company) -> None:
    async with company.session(is_read_only=True) as session:
        with pytest.raises(ReadOnlyError, match="read-only"):
            await prepare_promotion(session, await company.project(session), "fraud", "2.1.0", "production")


async def test_what_is_live_already_is_not_promoted(company: Company) -> None:
    async with company.session() as session:
        with pytest.raises(RefusedError, match="already live"):
            await prepare_promotion(session, await company.project(session), "fraud", "2.0.0", "production")


@pytest.mark.parametrize(("version", "environment"), [("9.9.9", "production"), ("2.1.0", "moon")])
async def test_names_that_do_not_exist_are_answered_with_those_that_do(
    company: Company, version: str, environment: str
) -> None:
    async with company.session() as session:
        with pytest.raises(UsageError) as caught:
            await prepare_promotion(session, await company.project(session), "fraud", version, environment)
        assert "2.1.0" in caught.value.why or "production" in caught.value.why


async def test_a_reporter_is_told_by_gitlab_and_nothing_is_live(company: Company) -> None:
    async with company.session("reporter") as session:
        project = await company.project(session)
        action = await prepare_promotion(session, project, "fraud", "2.1.0", "production")
        assert any("Developer" in sentence for sentence in action.preview.obstacles)
        receipt = await run(session, action, "fraud")
        assert receipt.outcome is Outcome.FAILED
        assert session.journal.unsettled() == ()


async def test_names_of_several_projects_need_the_path(company: Company) -> None:
    async with company.session() as session:
        assert (await find_model(session, "acme/fraud:fraud")).model.name == "fraud"
        assert (await find_model(session, "fraud")).project.ref.path == "acme/fraud"
