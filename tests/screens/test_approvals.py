"""The inbox and the evidence sheet: what is shown, what the keys do, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mlops_tui.domain.approvals import ApprovalId
from mlops_tui.screens.approval import ApprovalView
from mlops_tui.screens.following import FollowingView
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.form import FormDialog
from tests.operations.approving import FRAUD, deploy, protect, raw, votes
from tests.operations.company import Company
from tests.screens.console import Console, opened, until


def at(app: Console, approval: ApprovalId) -> None:
    app.table("approvals-table").go_to(str(approval))


async def opened_sheet(app: Console, pilot: Pilot[Any], approval: ApprovalId) -> ApprovalView:
    at(app, approval)
    await until(pilot, lambda: app.table("approvals-table").cursor_key == str(approval))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ApprovalView) and app.screen.opened_sheet() is not None)
    view = app.screen
    assert isinstance(view, ApprovalView)
    return view


async def test_what_one_can_settle_stands_first_with_who_is_missing(company: Company) -> None:
    protect(company)
    approval = deploy(company)
    async with opened(company, "approvals", role="approver", size=(160, 30)) as (app, _):
        rows = {row[1]: row for row in app.rows("approvals-table")}
        row = rows["Deploy fraud 2.1.0 to production"]
        assert row[0] == "● decide"
        assert row[2] == "PROD production"
        assert row[3] == "1 of ada, mona"
        assert row[5] == "dev"
    async with opened(company, "approvals", role="reporter", size=(160, 30)) as (app, pilot):
        at(app, approval)
        rows = {row[1]: row for row in app.rows("approvals-table")}
        assert rows["Deploy fraud 2.1.0 to production"][8] == "No approval rule admits you"
        await pilot.press("A")
        await until(pilot, lambda: "No approval rule admits you" in app.notices())
        await pilot.press("m")
        await until(pilot, lambda: not app.rows("approvals-table"))


async def test_approve_and_run_from_the_sheet_with_the_typed_name(company: Company) -> None:
    protect(company)
    approval = deploy(company)
    async with opened(company, "approvals", role="approver", size=(120, 40)) as (app, pilot):
        view = await opened_sheet(app, pilot, approval)
        sheet = view.opened_sheet()
        assert sheet is not None
        await until(pilot, lambda: app.rows("changes-table"))
        assert sheet.digest[:32] in app.texts()
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press(*"fine", "tab", "enter", "down", "enter", "tab", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert [call.path.rsplit("/", 1)[-1] for call in app.screen.preview.calls][1:] == ["approval", "play"]  # type: ignore[attr-defined]  # it is the dialog
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: isinstance(app.screen, FollowingView), passing=1)
    assert votes(company, approval) == [("ada", "approved")]


async def test_a_rejection_asks_why(company: Company) -> None:
    protect(company)
    approval = deploy(company)
    async with opened(company, "approvals", role="approver", size=(120, 40)) as (app, pilot):
        at(app, approval)
        await pilot.pause()
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press("enter")
        assert isinstance(app.screen, FormDialog)
        await pilot.press(*"no", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: "rejected" in app.notices(), passing=1)
    assert votes(company, approval) == [("ada", "rejected")]


async def test_a_sheet_stays_as_it_was_opened_and_says_that_something_changed(company: Company) -> None:
    protect(company, {"access_level": 40, "required_approvals": 2})
    approval = deploy(company)
    async with opened(company, "approvals", role="approver", size=(120, 40)) as (app, pilot):
        view = await opened_sheet(app, pilot, approval)
        before = view.opened_sheet()
        raw(company).post(f"{FRAUD}/deployments/{approval.number}/approval", json={"status": "approved"})
        await until(pilot, lambda: "Something changed" in app.texts(), passing=5)
        assert view.opened_sheet() is before
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press("tab", "tab", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: "changed since the preview" in app.notices())
        await pilot.press("r")
        await until(pilot, lambda: view.opened_sheet() is not None and view.opened_sheet() is not before)
    assert votes(company, approval) == [("mona", "approved")]


async def test_marked_rows_are_decided_together(company: Company) -> None:
    async with opened(company, "approvals", role="approver", size=(140, 40)) as (app, pilot):
        keys = [f"merge_request:{number}:10" for number in (101, 102)]
        app.table("approvals-table").set_marks(frozenset(keys))
        await pilot.pause()
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        app.screen.query_one(Input).value = "both"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "2 of 2 done" in app.notices(), passing=1)


async def test_what_newly_waits_for_me_is_announced_and_what_was_there_is_not(company: Company) -> None:
    protect(company)
    async with opened(company, "approvals", role="approver", size=(120, 40)) as (app, pilot):
        await pilot.pause()
        assert "waits for you" not in app.notices()
        deploy(company)
        await until(pilot, lambda: "waits for you: Deploy fraud 2.1.0" in app.notices(), passing=5)


@pytest.mark.parametrize("role", ["maintainer", "reporter"])
async def test_a_sheet_can_be_read_by_everybody(company: Company, role: str) -> None:
    protect(company)
    approval = deploy(company)
    async with opened(company, "approvals", role=role, size=(80, 24)) as (app, pilot):
        await opened_sheet(app, pilot, approval)
        await until(pilot, lambda: "evidence sha256" in app.texts())
        await until(pilot, lambda: app.rows("lineage-tree"))
