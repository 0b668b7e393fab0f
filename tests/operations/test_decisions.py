"""Decisions on deployments: what is shown is sent, what changed is refused, and each is told what GitLab recorded."""

from __future__ import annotations

import pytest

from mlops_tui.domain.actions import ConfirmationKind, Outcome
from mlops_tui.domain.approval_states import ApprovalState, Obstacle
from mlops_tui.domain.approvals import ApprovalKind, Decision
from mlops_tui.domain.errors import NotConfirmedError, RefusedError, StateChangedError, UsageError
from mlops_tui.domain.evidence_sheets import read_mark
from mlops_tui.gitlab.evidence_sheets import read_sheet
from mlops_tui.operations.actions import run
from mlops_tui.operations.approvals import find_approval, list_approvals
from mlops_tui.operations.decision_calls import Wish
from mlops_tui.operations.decisions import prepare_comment, prepare_decision
from mlops_tui.operations.evidence_sheets import EvidenceSheet
from tests.operations.approving import APPROVE, FRAUD, REJECT, deploy, protect, raw, sheet_of, votes
from tests.operations.company import Company


async def test_an_approval_is_recorded_with_the_evidence_and_does_not_start_the_job(company: Company) -> None:
    protect(company)
    waiting = deploy(company)
    async with company.session("approver") as session:
        sheet = await sheet_of(session, waiting)
        assert (sheet.approval.version, sheet.live, sheet.approval.missing) == ("2.1.0", "2.0.0", 1)
        action = await prepare_decision(session, sheet, APPROVE)
        assert action.preview.confirmation.kind is ConfirmationKind.TYPE_NAME
        receipt = await run(session, action, "fraud")
        assert receipt.outcome is Outcome.DONE, receipt.message
        assert "every approval" in receipt.message
        sent = [(call.method, call.url.removeprefix(company.server.url)) for call in receipt.calls]
        assert sent == [(call.method.value, call.path) for call in action.preview.calls]
        kept = await read_sheet(session.transport, sheet.approval.project.ref, _version_id(sheet), sheet.digest)
        assert kept is not None
        assert kept["subject"]["version"] == "2.1.0"
        now = await find_approval(session, waiting)
        assert (now.state, now.obstacle) == (ApprovalState.APPROVED, Obstacle.APPROVED)
    assert votes(company, waiting) == [("ada", "approved")]
    body = raw(company).get(f"{FRAUD}/deployments/{waiting.number}").json()
    assert body["deployable"]["status"] == "manual"
    assert read_mark(body["approvals"][0]["comment"]) == (sheet.digest, "0" * 16)


async def test_approve_and_run_does_both_and_says_so(company: Company) -> None:
    protect(company)
    waiting = deploy(company)
    async with company.session("approver") as session:
        sheet = await sheet_of(session, waiting)
        action = await prepare_decision(session, sheet, Wish(Decision.APPROVED, "go", runs=True))
        receipt = await run(session, action, "fraud")
        assert receipt.outcome is Outcome.DONE, receipt.message
        assert "started" in receipt.message
        assert receipt.followed["job"] == sheet.approval.job_id


async def test_an_approval_that_is_not_enough_does_not_run_anything(company: Company) -> None:
    protect(company, {"access_level": 40, "required_approvals": 2})
    waiting = deploy(company)
    async with company.session("approver") as session:
        sheet = await sheet_of(session, waiting)
        assert [user.username for user in sheet.approval.rules[0].eligible or ()] == ["ada", "mona"]
        action = await prepare_decision(session, sheet, Wish(Decision.APPROVED, runs=True))
        receipt = await run(session, action, "fraud")
        assert receipt.outcome is Outcome.FAILED
        assert "waits for 1 more" in receipt.message
        now = await find_approval(session, waiting)
        assert now.obstacle is Obstacle.VOTED
        assert [user.username for user in now.can_still_approve(now.rules[0], now.barred) or ()] == ["mona"]
    assert votes(company, waiting) == [("ada", "approved")]


async def test_a_rejection_needs_a_comment_and_ends_it(company: Company) -> None:
    protect(company)
    waiting = deploy(company)
    async with company.session("approver") as session:
        sheet = await sheet_of(session, waiting)
        with pytest.raises(UsageError):
            await prepare_decision(session, sheet, Wish(Decision.REJECTED, "  "))
        receipt = await run(session, await prepare_decision(session, sheet, REJECT), "fraud")
        assert (receipt.outcome, "rejected" in receipt.message) == (Outcome.DONE, True)
        assert (await find_approval(session, waiting)).state is ApprovalState.REJECTED
        assert waiting not in {item.id for item in (await list_approvals(session)).data.approvals}
    assert votes(company, waiting) == [("ada", "rejected")]


async def test_the_triggerer_is_told_why_not_and_may_still_reject(company: Company) -> None:
    protect(company, {"access_level": 30})
    waiting = deploy(company)
    async with company.session("developer") as session:
        sheet = await sheet_of(session, waiting)
        assert (sheet.approval.obstacle, sheet.approval.may_reject) == (Obstacle.TRIGGERER, True)
        with pytest.raises(RefusedError, match="triggerer"):
            await prepare_decision(session, sheet, APPROVE)
        receipt = await run(session, await prepare_decision(session, sheet, REJECT), "fraud")
        assert receipt.outcome is Outcome.DONE, receipt.message


async def test_a_reporter_sees_reasons_and_no_errors(company: Company) -> None:
    protect(company)
    waiting = deploy(company)
    async with company.session("reporter") as session:
        inbox = (await list_approvals(session)).data
        found = next(item for item in inbox.approvals if item.id == waiting)
        assert (found.can_decide, found.obstacle) == (False, Obstacle.NOT_ON_RULE)
        assert all(item.reason for item in inbox.approvals)
        with pytest.raises(RefusedError, match="ada"):
            await prepare_decision(session, await sheet_of(session, waiting), APPROVE)


@pytest.mark.parametrize("changed", ["vote", "rule", "superseded"])
async def test_a_decision_is_refused_when_anything_changed_since_the_sheet(company: Company, changed: str) -> None:
    protect(company, {"access_level": 40, "required_approvals": 2})
    waiting = deploy(company)
    async with company.session("approver") as session:
        action = await prepare_decision(session, await sheet_of(session, waiting), APPROVE)
        path = f"{FRAUD}/deployments/{waiting.number}/approval"
        if changed == "vote":
            raw(company).post(path, json={"status": "approved"})
        elif changed == "rule":
            body = {"approval_rules": [{"access_level": 30}]}
            raw(company).put(f"{FRAUD}/protected_environments/production", json=body)
        else:
            raw(company).post(path, json={"status": "rejected"})
        with pytest.raises(StateChangedError):
            await run(session, action, "fraud")
        assert "ada" not in {name for name, _ in votes(company, waiting)}
        assert not session.journal.entries()


async def test_production_needs_the_name_and_a_long_comment_is_refused_before_anything(company: Company) -> None:
    protect(company)
    waiting = deploy(company)
    async with company.session("approver") as session:
        sheet = await sheet_of(session, waiting)
        with pytest.raises(UsageError, match="149"):
            await prepare_decision(session, sheet, Wish(Decision.APPROVED, "x" * 200))
        with pytest.raises(NotConfirmedError):
            await run(session, await prepare_decision(session, sheet, APPROVE), "churn")
    assert votes(company, waiting) == []


async def test_the_named_rule_gets_the_decision_where_several_admit(company: Company) -> None:
    protect(company, {"access_level": 40}, {"user_id": 4})
    waiting = deploy(company)
    async with company.session("approver") as session:
        sheet = await sheet_of(session, waiting)
        wish = Wish(Decision.APPROVED, represented_as="Ada Lindqvist")
        await run(session, await prepare_decision(session, sheet, wish), "fraud")
        now = await find_approval(session, waiting)
        assert [(rule.name, rule.missing) for rule in now.rules] == [("Maintainers", 1), ("Ada Lindqvist", 0)]
        assert now.can_decide
        again = await prepare_decision(session, await sheet_of(session, waiting), APPROVE)
        assert (await run(session, again, "fraud")).outcome is Outcome.DONE
        assert (await find_approval(session, waiting)).state is ApprovalState.APPROVED


async def test_a_manual_job_is_started_by_approving_and_cannot_be_rejected(company: Company) -> None:
    async with company.session() as session:
        inbox = (await list_approvals(session)).data
        job = next(item for item in inbox.approvals if item.id.kind is ApprovalKind.MANUAL_JOB)
        sheet = await sheet_of(session, job.id)
        with pytest.raises(RefusedError, match="only knows"):
            await prepare_decision(session, sheet, REJECT)
        with pytest.raises(RefusedError, match="no comments"):
            await prepare_comment(session, sheet, "hm")
        receipt = await run(session, await prepare_decision(session, sheet, Wish(Decision.APPROVED)), "demand")
        assert (receipt.outcome, receipt.followed["job"]) == (Outcome.DONE, job.job_id)


async def test_a_merge_request_is_approved_at_its_head(company: Company) -> None:
    async with company.session("approver") as session:
        inbox = (await list_approvals(session)).data
        found = next(item for item in inbox.approvals if item.id.kind is ApprovalKind.MERGE_REQUEST)
        sheet = await sheet_of(session, found.id)
        receipt = await run(session, await prepare_decision(session, sheet, APPROVE), "")
        assert receipt.outcome is Outcome.DONE, receipt.message
        now = await find_approval(session, found.id)
        assert (now.state, [vote.user.username for vote in now.votes]) == (ApprovalState.APPROVED, ["ada"])
        comment = await prepare_comment(session, await sheet_of(session, found.id), "/close\n```\n@all")
        assert (await run(session, comment, "")).outcome is Outcome.DONE
        assert (await find_approval(session, found.id)).state is ApprovalState.APPROVED


def _version_id(sheet: EvidenceSheet) -> int:
    assert sheet.evidence is not None
    return sheet.evidence.version.id
