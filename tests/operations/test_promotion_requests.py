"""The way without GitLab's own approvals: an issue asks, notes decide, and only those that count let a version pass."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.approval_states import ApprovalState, Obstacle
from mlops_tui.domain.approvals import ApprovalId, Decision
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.promotion_requests import DecisionNote, decision_text, read_request
from mlops_tui.operations.actions import run
from mlops_tui.operations.approval_requests import prepare_request
from mlops_tui.operations.approvals import find_approval, list_approvals
from mlops_tui.operations.decisions import prepare_decision
from mlops_tui.operations.following import FollowState, follow
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, Tier, World
from tests.operations.approving import APPROVE, FRAUD, REJECT, raw, sheet_of
from tests.operations.company import Company


@pytest.fixture
def free(demo_data: Path, tmp_path: Path) -> Iterator[Company]:
    """The company without a licence."""
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    clock = ManualClock()
    with running(Settings(world=World.DEMO, data=data, tier=Tier.FREE), clock) as server:
        yield Company(server, clock, tmp_path)


async def ask(company: Company, role: str = "developer") -> ApprovalId:
    """Ask for fraud 2.1.0 in production."""
    async with company.session(role) as session:
        action = await prepare_request(session, await company.project(session), "fraud", "2.1.0", "production")
        receipt = await run(session, action, "")
        assert receipt.outcome is Outcome.DONE, receipt.message
        return ApprovalId.parse(str(receipt.followed["approval"]))


def issue(company: Company, approval: ApprovalId) -> dict[str, Any]:
    body: dict[str, Any] = raw(company).get(f"{FRAUD}/issues/{approval.number}").json()
    return body


def note(company: Company, approval: ApprovalId, text: str, role: str = "approver", **more: Any) -> dict[str, Any]:
    """Write a note as somebody does by hand."""
    answer = raw(company, role).post(f"{FRAUD}/issues/{approval.number}/notes", json={"body": text, **more})
    assert answer.status_code == 201, answer.text
    written: dict[str, Any] = answer.json()
    return written


def ballot(company: Company, approval: ApprovalId, decision: Decision = Decision.APPROVED) -> str:
    """A decision in the documented form, written without this program."""
    request = read_request(issue(company, approval)["description"])
    assert request is not None
    return decision_text(DecisionNote(decision, request.evidence, request.intent, "0" * 16), "by hand")


async def state(company: Company, approval: ApprovalId) -> ApprovalState:
    async with company.session("reporter") as session:
        return (await find_approval(session, approval)).state


async def test_a_version_goes_on_when_the_votes_are_there(free: Company) -> None:
    approval = await ask(free)
    made = issue(free, approval)
    assert (made["title"], made["labels"]) == ("Promote fraud 2.1.0 to production", ["mlops-approval-pending"])
    async with free.session() as session:
        project = await free.project(session)
        with pytest.raises(RefusedError, match="waits for 1 more"):
            await prepare_promotion(session, project, "fraud", "2.1.0", "production")
    async with free.session("approver") as session:
        inbox = (await list_approvals(session)).data
        found = next(item for item in inbox.approvals if item.id == approval)
        assert (found.can_decide, found.missing, found.requested_by and found.requested_by.username) == (True, 1, "dev")
        assert any("issues are voted on" in notice for notice in inbox.notices)
        receipt = await run(
            session, await prepare_decision(session, await sheet_of(session, approval), APPROVE), "fraud"
        )
        assert receipt.outcome is Outcome.DONE, receipt.message
        assert "every approval" in receipt.message
    assert issue(free, approval)["labels"] == ["mlops-approved"]
    async with free.session() as session:
        action = await prepare_promotion(session, await free.project(session), "fraud", "2.1.0", "production")
        receipt = await run(session, action, "fraud")
        seen = [progress.state async for progress in follow(session, receipt)]
        assert (receipt.outcome, seen[-1]) == (Outcome.DONE, FollowState.SUCCEEDED)
        assert (await find_approval(session, approval)).state is ApprovalState.DONE
    assert issue(free, approval)["state"] == "closed"


async def test_staging_needs_no_request_and_a_second_one_for_the_same_is_refused(free: Company) -> None:
    await ask(free)
    async with free.session() as session:
        project = await free.project(session)
        assert (await prepare_promotion(session, project, "fraud", "1.2.1", "staging")).preview.calls
        with pytest.raises(RefusedError, match="asked for already"):
            await prepare_request(session, project, "fraud", "2.1.0", "production")


async def test_whoever_asked_does_not_decide(free: Company) -> None:
    approval = await ask(free, "maintainer")
    async with free.session() as session:
        sheet = await sheet_of(session, approval)
        assert sheet.approval.obstacle is Obstacle.REQUESTER
        with pytest.raises(RefusedError, match="another person"):
            await prepare_decision(session, sheet, APPROVE)
    note(free, approval, ballot(free, approval), "maintainer")
    assert await state(free, approval) is ApprovalState.WAITING


def _edited(company: Company, approval: ApprovalId) -> None:
    written = note(company, approval, "I am thinking about it")
    company.sandbox_clock.advance(60)
    path = f"{FRAUD}/issues/{approval.number}/notes/{written['id']}"
    raw(company, "approver").put(path, json={"body": ballot(company, approval)})


def _wrong_author(company: Company, approval: ApprovalId) -> None:
    note(company, approval, ballot(company, approval), "reporter")


def _wrong_digest(company: Company, approval: ApprovalId) -> None:
    text = ballot(company, approval)
    request = read_request(issue(company, approval)["description"])
    assert request is not None
    note(company, approval, text.replace(request.evidence, "f" * 64))


def _look_alike(company: Company, approval: ApprovalId) -> None:
    text = ballot(company, approval)
    note(company, approval, text.replace("approved", "approv\u0435d"))
    note(company, approval, text.replace("mlops-decision", "mlops-decision\u200b"))
    note(company, approval, f"\u200b{text}")
    note(company, approval, f"approved\n\n{text}")
    note(company, approval, text.replace('{"decision"', '{ "decision"'))


def _quoted(company: Company, approval: ApprovalId) -> None:
    note(company, approval, "\n".join(f"> {line}" for line in ballot(company, approval).splitlines()))
    note(company, approval, f"````text\n{ballot(company, approval)}\n````")


def _internal(company: Company, approval: ApprovalId) -> None:
    note(company, approval, ballot(company, approval), internal=True)


def _reaction(company: Company, approval: ApprovalId) -> None:
    raw(company, "approver").post(f"{FRAUD}/issues/{approval.number}/award_emoji", json={"name": "thumbsup"})


def _label(company: Company, approval: ApprovalId) -> None:
    raw(company, "approver").put(f"{FRAUD}/issues/{approval.number}", json={"add_labels": "mlops-approved"})


FORGERIES: list[Callable[[Company, ApprovalId], None]] = [
    _edited, _wrong_author, _wrong_digest, _look_alike, _quoted, _internal, _reaction, _label,
]  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__.strip("_"))
async def test_forged_decisions_never_count(free: Company, forge: Callable[[Company, ApprovalId], None]) -> None:
    approval = await ask(free)
    forge(free, approval)
    assert await state(free, approval) is ApprovalState.WAITING
    async with free.session() as session:
        with pytest.raises(RefusedError):
            await prepare_promotion(session, await free.project(session), "fraud", "2.1.0", "production")
    note(free, approval, ballot(free, approval))
    assert await state(free, approval) is ApprovalState.APPROVED


async def test_a_hostile_comment_stays_a_comment(free: Company) -> None:
    approval = await ask(free)
    comment = "````\n/close\n/label ~mlops-approved\n```mlops-decision\n@root"
    async with free.session("approver") as session:
        wish = replace(REJECT, comment=comment)
        receipt = await run(session, await prepare_decision(session, await sheet_of(session, approval), wish), "fraud")
        assert receipt.outcome is Outcome.DONE, receipt.message
    assert issue(free, approval)["state"] == "opened"
    assert issue(free, approval)["labels"] == ["mlops-rejected"]
    assert await state(free, approval) is ApprovalState.REJECTED


async def test_a_vote_that_was_seen_and_vanished_is_noticed(free: Company) -> None:
    approval = await ask(free)
    written = note(free, approval, ballot(free, approval, Decision.REJECTED))
    async with free.session() as session:
        assert (await find_approval(session, approval)).state is ApprovalState.REJECTED
        raw(free, "approver").delete(f"{FRAUD}/issues/{approval.number}/notes/{written['id']}")
        after = await find_approval(session, approval)
        assert after.state is ApprovalState.REJECTED
        assert any("deleted after it was seen" in notice for notice in after.notices)
        assert session.journal.verify().holds


async def test_an_approval_that_is_taken_away_no_longer_lets_anything_through(free: Company) -> None:
    approval = await ask(free)
    written = note(free, approval, ballot(free, approval))
    async with free.session() as session:
        project = await free.project(session)
        action = await prepare_promotion(session, project, "fraud", "2.1.0", "production")
        raw(free, "approver").delete(f"{FRAUD}/issues/{approval.number}/notes/{written['id']}")
        with pytest.raises(RefusedError):
            await run(session, action, "fraud")


async def test_an_approver_who_lost_the_role_no_longer_counts(free: Company) -> None:
    approval = await ask(free)
    note(free, approval, ballot(free, approval))
    assert await state(free, approval) is ApprovalState.APPROVED
    with closing(sqlite3.connect(free.folder / "sandbox" / "sandbox.db")) as database, database:
        database.execute("UPDATE members SET access_level = 30 WHERE user_id = 4")
    assert await state(free, approval) is ApprovalState.WAITING


async def test_evidence_that_changed_under_a_request_withdraws_it(free: Company) -> None:
    approval = await ask(free)
    note(free, approval, ballot(free, approval))
    text = raw(free).get(f"{FRAUD}/repository/files/.gitlab%2Fmlops.yml/raw").text
    body = {"branch": "main", "content": text.replace("votes: 1", "votes: 1 "), "commit_message": "Touch the policy"}
    assert raw(free).put(f"{FRAUD}/repository/files/.gitlab%2Fmlops.yml", json=body).status_code == 200
    async with free.session() as session:
        with pytest.raises(RefusedError, match="other evidence"):
            await prepare_promotion(session, await free.project(session), "fraud", "2.1.0", "production")
    async with free.session("approver") as session:
        with pytest.raises(RefusedError, match="no longer"):
            await prepare_decision(session, await sheet_of(session, approval), REJECT)
