"""How the inbox, the evidence sheet and the dialogs of a decision look in two sizes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from mlops_tui.domain.approvals import ApprovalId, Decision
from mlops_tui.operations.decision_calls import Wish
from mlops_tui.operations.decisions import prepare_decision
from mlops_tui.screens.approval import ApprovalView
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.form import FormDialog
from tests.operations.approving import deploy, protect
from tests.operations.company import Company
from tests.screens.console import Console, console, until

SIZES = [(80, 24), (120, 40)]
Before = Callable[[Pilot[Any]], Awaitable[None]]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: Console, *, terminal_size: tuple[int, int], run_before: Before) -> bool: ...


async def _inbox(pilot: Pilot[Any], approval: ApprovalId) -> Console:
    app = pilot.app
    assert isinstance(app, Console)
    await until(pilot, lambda: app.rows("approvals-table"))
    app.table("approvals-table").go_to(str(approval))
    await until(pilot, lambda: app.table("approvals-table").cursor_key == str(approval))
    return app


async def _sheet(pilot: Pilot[Any], approval: ApprovalId) -> ApprovalView:
    app = await _inbox(pilot, approval)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ApprovalView) and app.rows("lineage-tree"))
    view = app.screen
    assert isinstance(view, ApprovalView)
    return view


async def _form(pilot: Pilot[Any], approval: ApprovalId) -> None:
    await _sheet(pilot, approval)
    await pilot.press("A")
    await until(pilot, lambda: isinstance(pilot.app.screen, FormDialog))


async def _confirm(pilot: Pilot[Any], approval: ApprovalId) -> None:
    view = await _sheet(pilot, approval)
    session, sheet = view.host.session, view.opened_sheet()
    assert session is not None
    assert sheet is not None
    action = await prepare_decision(session, sheet, Wish(Decision.APPROVED, "looks right", runs=True))
    await pilot.app.push_screen(ConfirmDialog(action.preview, origin="https://gitlab.example.com", verb="Approve"))
    await pilot.pause()


SCENES: dict[str, Callable[[Pilot[Any], ApprovalId], Awaitable[object]]] = {
    "inbox": _inbox,
    "sheet": _sheet,
    "form": _form,
    "confirm": _confirm,
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_approvals(company: Company, snap_compare: Compare, scene: str, size: tuple[int, int]) -> None:
    protect(company)
    approval = deploy(company)

    async def before(pilot: Pilot[Any]) -> None:
        await SCENES[scene](pilot, approval)
        await pilot.pause()

    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    app = console(company, "approvals", role="approver", environ=environ)
    assert snap_compare(app, terminal_size=size, run_before=before)
