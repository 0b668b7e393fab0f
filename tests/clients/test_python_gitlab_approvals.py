"""GitLab's own Python client and plain HTTP decide; the inbox shows it at the next look."""

from __future__ import annotations

from gitlab import Gitlab

from mlops_tui.domain.approval_states import ApprovalState
from mlops_tui.domain.approvals import ApprovalKind, Decision
from mlops_tui.domain.promotion_requests import DecisionNote, decision_text, read_request
from mlops_tui.operations.approvals import InboxReader, find_approval
from tests.operations.approving import FRAUD, deploy, protect, raw
from tests.operations.company import Company
from tests.operations.conftest import company, demo_data
from tests.operations.test_promotion_requests import ask, free

__all__ = ["company", "demo_data", "free"]


def connected(company: Company, role: str) -> Gitlab:
    return Gitlab(company.server.url, private_token=company.server.tokens[role], retry_transient_errors=False)


async def test_a_deployment_is_approved_by_python_gitlab_and_rejected_by_plain_http(company: Company) -> None:
    protect(company, {"access_level": 40, "required_approvals": 2})
    approval = deploy(company)
    async with company.session("reporter") as session:
        reader = InboxReader(session)
        before = {item.id: item for item in (await reader.read()).data.approvals}
        assert before[approval].missing == 2
        with connected(company, "approver") as client:
            client.projects.get("acme/fraud").deployments.get(approval.number).approval("approved", comment="fine")
        after = {item.id: item for item in (await reader.read()).data.approvals}
        assert [(vote.user.username, vote.comment) for vote in after[approval].votes] == [("ada", "fine")]
        assert after[approval].missing == 1
        raw(company).post(f"{FRAUD}/deployments/{approval.number}/approval", json={"status": "rejected"})
        assert approval not in {item.id for item in (await reader.read()).data.approvals}
        assert (await find_approval(session, approval)).state is ApprovalState.REJECTED


async def test_a_merge_request_is_approved_by_python_gitlab(company: Company) -> None:
    async with company.session("reporter") as session:
        reader = InboxReader(session)
        found = next(
            item for item in (await reader.read()).data.approvals if item.id.kind is ApprovalKind.MERGE_REQUEST
        )
        with connected(company, "approver") as client:
            client.projects.get(found.id.project_id).mergerequests.get(found.id.number).approve(found.sha)
        after = {item.id: item for item in (await reader.read()).data.approvals}
        assert (after[found.id].state, after[found.id].missing) == (ApprovalState.APPROVED, 0)


async def test_a_note_of_python_gitlab_in_the_documented_form_is_a_vote(free: Company) -> None:
    approval = await ask(free)
    async with free.session("reporter") as session:
        reader = InboxReader(session)
        await reader.read()
        with connected(free, "approver") as client:
            issue = client.projects.get("acme/fraud").issues.get(approval.number)
            request = read_request(issue.description)
            assert request is not None
            written = DecisionNote(Decision.APPROVED, request.evidence, request.intent, "0" * 16)
            issue.notes.create({"body": decision_text(written, "by python-gitlab")})
        after = {item.id: item for item in (await reader.read()).data.approvals}
        assert after[approval].state is ApprovalState.APPROVED
