"""``mlops-tui approvals``: what waits for a person, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_tui.cli.actions import RECEIPT_COLUMNS, carry_out, confirmation, exit_status, print_preview, receipt_item
from mlops_tui.cli.approval_items import approval_item, sheet_item
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import Listing, print_listing, print_snapshot
from mlops_tui.cli.session import ask
from mlops_tui.cli.tables import Column
from mlops_tui.domain.approvals import ApprovalId, Decision
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mlops_tui.operations.decision_calls import Wish
    from mlops_tui.operations.session import Session

app = noun("approvals", "Deployments, merge requests, issues and manual jobs that wait for a person.")

_IDS = typer.Argument(metavar="ID...", help="As `approvals list` shows them; several are decided alike.")
_COMMENT = typer.Option("--comment", metavar="TEXT", help="Why; a rejection needs one.")
_AS = typer.Option("--as", metavar="RULE", help="The rule to decide for, where several admit you.")


def _people(rules: Sequence[dict[str, Any]]) -> str:
    open_rules = [rule for rule in rules if rule["missing"]]
    return "; ".join(
        f"{rule['missing']} of {', '.join(rule['can_still_approve'] or [rule['name']])}" for rule in open_rules
    )


_INBOX = (
    Column("id", "id", is_whole=True),
    Column("what", "title"),
    Column("prod", "production", show=lambda value: "PROD" if value else ""),
    Column("by", "requested_by"),
    Column("since", "waiting_since"),
    Column("state", "state"),
    Column("missing", "rules", show=_people),
    Column("mine", "can_decide"),
    Column("why not", "reason"),
)
_CHANGES = (
    Column("what", "label"),
    Column("before", "before"),
    Column("after", "after"),
    Column("better", "better"),
)


@app.command("list")
@takes_global_options
def list_approvals(
    mine: Annotated[bool, typer.Option("--mine", help="Only what you may decide.")] = False,
    *,
    options: GlobalOptions,
) -> None:
    """List what waits, what your word settles first; the exit status is 0 whether or not anything does."""
    from mlops_tui.operations import approvals

    snapshot = ask(options, approvals.list_approvals)
    for notice in snapshot.data.notices:
        tell(notice)
    shown = snapshot.data.for_me if mine else snapshot.data.approvals
    print_snapshot(snapshot, "approvals", _INBOX, map(approval_item, shown), options.format)


@app.command("show")
@takes_global_options
def show(
    approval_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    options: GlobalOptions,
) -> None:
    """Show one of them with its evidence sheet."""
    from mlops_tui.operations.evidence_sheets import open_sheet

    wanted = ApprovalId.parse(approval_id)
    snapshot = ask(options, lambda session: open_sheet(session, wanted))
    item = sheet_item(snapshot.data)
    if options.format is Format.TABLE:
        print_snapshot(snapshot, "approvals", _INBOX, [item], Format.TABLE)
        print_snapshot(snapshot, "approvals", _CHANGES, item["evidence"]["changes"], Format.TABLE)
        for gap in item["evidence"]["gaps"]:
            tell(gap)
        return
    print_snapshot(snapshot, "approvals", _INBOX, [item], options.format)


@app.command("approve")
@takes_global_options
def approve(
    ids: Annotated[list[str], _IDS],
    comment: Annotated[str, _COMMENT] = "",
    run: Annotated[bool, typer.Option("--run", help="Start the job, too, once it has every approval.")] = False,
    represented_as: Annotated[str, _AS] = "",
    *,
    options: GlobalOptions,
) -> None:
    """Approve; what was seen goes into GitLab's record as a digest."""
    from mlops_tui.operations.decision_calls import Wish

    _decide(ids, Wish(Decision.APPROVED, comment, run, represented_as), options)


@app.command("reject")
@takes_global_options
def reject(
    ids: Annotated[list[str], _IDS],
    comment: Annotated[str, _COMMENT] = "",
    represented_as: Annotated[str, _AS] = "",
    *,
    options: GlobalOptions,
) -> None:
    """Reject, with a comment that says why."""
    from mlops_tui.operations.decision_calls import Wish

    if not comment.strip():
        raise UsageError("A rejection needs a comment", remedy="Say why with --comment TEXT")
    _decide(ids, Wish(Decision.REJECTED, comment, represented_as=represented_as), options)


@app.command("comment")
@takes_global_options
def comment_on(
    approval_id: Annotated[str, typer.Argument(metavar="ID")],
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    *,
    options: GlobalOptions,
) -> None:
    """Comment on an issue or merge request without deciding."""
    wanted = ApprovalId.parse(approval_id)
    ask(options, lambda session: _comment(session, wanted, text, options))


@app.command("request")
@takes_global_options
def request(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model, as NAME or GROUP/PROJECT:NAME.")],
    version: Annotated[str, typer.Argument()],
    to: Annotated[str, typer.Option("--to", metavar="ENVIRONMENT", help="Where to.")],
    *,
    options: GlobalOptions,
) -> None:
    """Ask for a promotion in an issue that holds the evidence."""
    ask(options, lambda session: _request(session, name, version, to, options))


def _decide(ids: Sequence[str], wish: Wish, options: GlobalOptions) -> None:
    wanted = [ApprovalId.parse(text) for text in ids]
    if len(wanted) == 1:
        ask(options, lambda session: _decide_one(session, wanted[0], wish, options))
    else:
        ask(options, lambda session: _decide_many(session, wanted, wish, options))


async def _decide_one(session: Session, wanted: ApprovalId, wish: Wish, options: GlobalOptions) -> None:
    from mlops_tui.operations.decisions import prepare_decision
    from mlops_tui.operations.evidence_sheets import open_sheet

    sheet = (await open_sheet(session, wanted)).data
    await carry_out(session, await prepare_decision(session, sheet, wish), options)


async def _decide_many(session: Session, wanted: Sequence[ApprovalId], wish: Wish, options: GlobalOptions) -> None:
    """Preview all of them at once, then print a receipt for each; the worst outcome gives the exit status."""
    from mlops_tui.operations.bulk_decisions import prepare_decisions, run_decisions

    bulk = await prepare_decisions(session, wanted, wish)
    if options.dry_run:
        print_preview(bulk.preview, options.format, session.context.url)
        return
    receipts = await run_decisions(session, bulk, confirmation(bulk.preview, options, session.context.url))
    items = [receipt_item(receipt) for receipt in receipts]
    print_listing(Listing("receipt", RECEIPT_COLUMNS, items, SystemClock().now(), session.context.url), options.format)
    for approval_id, why in bulk.refused:
        tell(f"{approval_id} was left out: {why}")
    statuses = {exit_status(receipt) for receipt in receipts} | ({ExitCode.REFUSED} if bulk.refused else set())
    for status in (ExitCode.UNAVAILABLE, ExitCode.REFUSED):
        if status in statuses:
            raise typer.Exit(status)


async def _comment(session: Session, wanted: ApprovalId, text: str, options: GlobalOptions) -> None:
    from mlops_tui.operations.decisions import prepare_comment
    from mlops_tui.operations.evidence_sheets import open_sheet

    sheet = (await open_sheet(session, wanted)).data
    await carry_out(session, await prepare_comment(session, sheet, text), options)


async def _request(session: Session, name: str, version: str, to: str, options: GlobalOptions) -> None:
    from mlops_tui.operations.approval_requests import prepare_request
    from mlops_tui.operations.models import find_model

    summary = await find_model(session, name)
    action = await prepare_request(session, summary.project, summary.model.name, version, to)
    await carry_out(session, action, options)
