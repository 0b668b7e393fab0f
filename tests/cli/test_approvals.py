"""Approvals, protections and the record of decisions from the command line, over HTTP."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ended, Program
from tests.cli.schemas import judge
from tests.operations.approving import FRAUD, deploy, protect, raw
from tests.operations.company import Company
from tests.operations.conftest import company, demo_data
from tests.operations.test_promotion_requests import ballot, free, issue, note

__all__ = ["company", "demo_data", "free"]
SURE = ("--yes", "--confirm", "fraud")


class Desk:
    """The program in the hands of one person after the other."""

    def __init__(self, program: Program, company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
        self._program = program
        self._monkeypatch = monkeypatch
        self.company = company
        monkeypatch.setenv("GITLAB_HOST", company.server.url)

    def __call__(self, role: str, *arguments: str) -> Ended:
        self._monkeypatch.setenv("GITLAB_TOKEN", self.company.server.tokens[role])
        projects = [word for item in self.company.server.projects for word in ("--project", str(item["path"]))]
        return self._program("--url", self.company.server.url, *projects, *arguments)

    def items(self, role: str, *arguments: str) -> list[dict[str, Any]]:
        ended = self(role, *arguments, "--output", "json")
        assert ended.status == 0, ended.err
        judge(ended.document)
        items: list[dict[str, Any]] = ended.document["items"]
        return items


@pytest.fixture
def desk(program: Program, company: Company, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(program, company, monkeypatch)


@pytest.fixture
def free_desk(program: Program, free: Company, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(program, free, monkeypatch)


def test_the_inbox_says_who_is_missing_and_why_one_may_not(desk: Desk) -> None:
    protect(desk.company)
    waiting = str(deploy(desk.company))
    rows = {row["id"]: row for row in desk.items("approver", "approvals", "list")}
    row = rows[waiting]
    assert (row["kind"], row["model"], row["version"], row["environment"]) == (
        "deployment", "fraud", "2.1.0", "production",
    )  # fmt: skip
    assert (row["requested_by"], row["missing"], row["can_decide"], row["reason"]) == ("dev", 1, True, None)
    assert row["rules"][0]["can_still_approve"] == ["ada", "mona"]
    mine = {row["id"]: row for row in desk.items("reporter", "approvals", "list")}[waiting]
    assert (mine["can_decide"], mine["reason"]) == (False, "No approval rule admits you")
    assert desk.items("reporter", "approvals", "list", "--mine") == []
    assert "PROD" in desk("reporter", "approvals", "list").out


def test_a_decision_is_previewed_confirmed_recorded_and_found_again(desk: Desk, tmp_path: Path) -> None:
    protect(desk.company)
    waiting = str(deploy(desk.company))
    (sheet,) = desk.items("approver", "approvals", "show", waiting)
    assert sheet["evidence"]["live_version"] == "2.0.0"
    preview = desk("approver", "approvals", "approve", waiting, "--run", "--dry-run", "--output", "json").document
    judge(preview)
    assert [call["path"].rsplit("/", 1)[-1] for call in preview["items"][0]["calls"]] == [
        f"evidence-{sheet['evidence']['digest']}.json", "approval", "play",
    ]  # fmt: skip
    assert desk("approver", "approvals", "approve", waiting, "--yes").status == 5
    done = desk("approver", "approvals", "approve", waiting, "--run", "--comment", "fine", *SURE, "-o", "json")
    assert done.status == 0, done.err
    judge(done.document)
    desk.company.sandbox_clock.advance(600)
    live = next(row for row in desk.items("maintainer", "models", "live", "fraud") if row["tier"] == "production")
    assert (live["version"], live["approved_by"], live["evidence"]) == (
        "2.1.0", ["ada"], sheet["evidence"]["digest"],
    )  # fmt: skip
    report = desk("approver", "journal", "export", "--output", "json")
    judge(report.document)
    (told,) = report.document["items"]
    assert (told["by"], told["action"], told["evidence"]) == ("ada", "approve", sheet["evidence"]["digest"])
    assert desk("approver", "journal", "export", "--to", str(tmp_path / "out")).status == 0
    for line in (tmp_path / "out" / "MANIFEST.sha256").read_text().splitlines():
        expected, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == expected
    assert "evidence: sha256" in (tmp_path / "out" / "report.md").read_text()
    (verified,) = desk.items("approver", "journal", "verify")
    assert (verified["holds"], verified["compared"], verified["differences"]) == (True, 1, [])


def test_a_rejection_without_a_comment_is_a_usage_error(desk: Desk) -> None:
    assert desk("approver", "approvals", "reject", "deployment:1:2").status == 2
    assert desk("approver", "approvals", "approve", "deployment:nine:2").status == 2


def test_several_decisions_have_one_preview_and_a_receipt_each(desk: Desk) -> None:
    rows = desk.items("approver", "approvals", "list")
    *wanted, last = [row["id"] for row in rows if row["kind"] == "merge_request"]
    ended = desk("approver", "approvals", "approve", *wanted, "--yes", "--output", "json")
    assert ended.status == 0, ended.err
    judge(ended.document)
    assert [item["outcome"] for item in ended.document["items"]] == ["done"] * len(wanted)
    again = desk("approver", "approvals", "approve", *wanted, "--yes")
    assert again.status == 5
    job = next(row["id"] for row in rows if row["kind"] == "manual_job")
    together = (job, last, "--comment", "both", "--yes", "--output", "json")
    assert desk("approver", "approvals", "approve", *together, "--confirm", "demand").status == 5
    sure = desk("approver", "approvals", "approve", *together, "--confirm", "2 demand fraud")
    assert sure.status == 0, sure.err
    assert len(sure.document["items"]) == 2


def test_a_promotion_asks_for_votes_and_goes_on_when_they_are_there(free_desk: Desk) -> None:
    company = free_desk.company
    first = free_desk("developer", "models", "promote", "fraud", "2.1.0", "--to", "production", "--no-wait", *SURE)
    assert first.status == 0, first.err
    (row,) = [item for item in free_desk.items("approver", "approvals", "list") if item["kind"] == "issue"]
    again = free_desk("developer", "models", "promote", "fraud", "2.1.0", "--to", "production", "--no-wait", *SURE)
    assert (again.status, "waits for 1 more" in again.err) == (5, True)
    assert free_desk("approver", "approvals", "approve", row["id"], *SURE).status == 0
    done = free_desk("developer", "models", "promote", "fraud", "2.1.0", "--to", "production", "--no-wait", *SURE)
    assert done.status == 0, done.err
    company.sandbox_clock.advance(600)
    live = [item for item in free_desk.items("reporter", "models", "live", "fraud") if item["tier"] == "production"]
    assert [(item["version"], item["approved_by"]) for item in live] == [("2.1.0", ["ada"])]


def test_a_vanished_note_is_a_difference(free_desk: Desk) -> None:
    company = free_desk.company
    assert free_desk("developer", "approvals", "request", "fraud", "2.1.0", "--to", "production", "--yes").status == 0
    (row,) = [item for item in free_desk.items("approver", "approvals", "list") if item["kind"] == "issue"]
    assert free_desk("approver", "approvals", "approve", row["id"], *SURE).status == 0
    assert free_desk("approver", "journal", "verify").status == 0
    notes = f"{FRAUD}/issues/{row['id'].rsplit(':', 1)[1]}/notes"
    for written in raw(company).get(notes).json():
        raw(company).delete(f"{notes}/{written['id']}")
    ended = free_desk("approver", "journal", "verify", "--output", "json")
    assert ended.status == 1
    judge(ended.document)
    assert any("does not show it" in text for text in ended.document["items"][0]["differences"])
    assert any("is gone" in text for text in ended.document["items"][0]["differences"])
    assert free_desk("approver", "journal", "verify", "--offline").status == 0


def test_an_environment_is_protected_and_shown(desk: Desk) -> None:
    name = "acme/fraud:production"
    arguments = ("--approve", "maintainer:2", "--approve", "@ada", "--deploy", "developer", "--yes")
    ended = desk("maintainer", "environments", "protect", name, *arguments)
    assert ended.status == 0, ended.err
    (page,) = desk.items("maintainer", "environments", "show", name)
    assert page["way"] == "deployment"
    assert page["protection"]["approvals"] == [
        {"name": "Maintainers", "required": 2}, {"name": "Ada Lindqvist", "required": 1},
    ]  # fmt: skip
    assert desk("maintainer", "environments", "protect", name, "--approve", "developer", "--yes").status == 0
    (page,) = desk.items("maintainer", "environments", "show", name)
    assert len(page["protection"]["approvals"]) == 3
    assert desk("maintainer", "environments", "protect", name, "--approve", "maintainer:9", "--yes").status == 2
    assert desk("developer", "environments", "protect", name, "--approve", "maintainer", "--yes").status == 5
    assert desk("maintainer", "environments", "show", "production").status == 2


def test_a_licence_without_protection_says_which_way_is_used_instead(free_desk: Desk) -> None:
    ended = free_desk(
        "maintainer", "environments", "protect", "acme/fraud:production", "--approve", "maintainer", "--yes"
    )
    assert (ended.status, "mode: issue" in ended.err) == (5, True)
    (page,) = free_desk.items("maintainer", "environments", "show", "acme/fraud:production")
    assert (page["way"], page["protection"]) == ("issue", None)


def test_the_form_that_others_write_is_the_documented_one(free_desk: Desk) -> None:
    assert free_desk("developer", "approvals", "request", "fraud", "2.1.0", "--to", "production", "--yes").status == 0
    (row,) = [item for item in free_desk.items("approver", "approvals", "list") if item["kind"] == "issue"]
    from mlops_tui.domain.approvals import ApprovalId

    approval = ApprovalId.parse(row["id"])
    text = ballot(free_desk.company, approval)
    assert json.loads(text.splitlines()[1])["schema"] == "mlops-tui/decision/1"
    note(free_desk.company, approval, text)
    (row,) = [item for item in free_desk.items("reporter", "approvals", "list") if item["kind"] == "issue"]
    assert (row["state"], row["missing"]) == ("approved", 0)
    assert issue(free_desk.company, approval)["labels"] == ["mlops-approval-pending"]
