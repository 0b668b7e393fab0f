"""Changing something from the command line: show what would be sent, ask, do it once, print what came of it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import typer

from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import Format, GlobalOptions
from mlops_tui.cli.output import Listing, print_listing, write_line
from mlops_tui.cli.tables import Column
from mlops_tui.domain.actions import ConfirmationKind, Outcome, Preview, Receipt
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import ExitCode, NotConfirmedError
from mlops_tui.domain.text import clean, clean_block

if TYPE_CHECKING:
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.session import Session

Ended = Callable[["Receipt"], Awaitable[None]]

RECEIPT_COLUMNS = (
    Column("action", "action"),
    Column("outcome", "outcome"),
    Column("message", "message"),
    Column("links", "links"),
    Column("intent", "intent"),
)


async def carry_out(
    session: Session, action: Action, options: GlobalOptions, *, waits: bool = False, ended: Ended | None = None
) -> None:
    """Preview an action, have it confirmed, run it and print the receipt.

    ``waits`` follows what was started until it ends, telling of it on standard error; the receipt then says how it
    ended, and ``ended`` is called where that was well. With ``--dry-run`` the preview is printed and nothing is sent.
    Raises typer.Exit with the status that the outcome asks for, and a RefusedError when it is not confirmed or must not
    be done.
    """
    if options.dry_run:
        print_preview(action.preview, options.format, session.context.url)
        return
    typed = confirmation(action.preview, options, session.context.url)
    from mlops_tui.operations.actions import run

    receipt = await run(session, action, typed)
    status = exit_status(receipt)
    if waits and status is ExitCode.DONE:
        receipt, status = await _followed(session, receipt)
        if ended is not None and status is ExitCode.DONE:
            await ended(receipt)
    print_receipt(receipt, options.format)
    if status is not ExitCode.DONE:
        raise typer.Exit(status)


async def carry_out_beside(session: Session, action: Action, options: GlobalOptions) -> ExitCode:
    """Do the same for a command whose data are something else: preview and outcome go to standard error.

    Returns the exit status that the outcome asks for.
    """
    if options.dry_run:
        for line in preview_lines(action.preview, session.context.url):
            tell(line)
        return ExitCode.DONE
    typed = confirmation(action.preview, options, session.context.url)
    from mlops_tui.operations.actions import run

    receipt = await run(session, action, typed)
    status = exit_status(receipt)
    if status is ExitCode.DONE:
        tell(" ".join((receipt.message, *receipt.links)))
    return status


async def _followed(session: Session, receipt: Receipt) -> tuple[Receipt, ExitCode]:
    """Wait for the end of what was started; a pipeline that fails is a gate that said no."""
    from mlops_tui.operations.following import FollowState, follow

    said, state = "", FollowState.SUCCEEDED
    async for progress in follow(session, receipt):
        if progress.message != said:
            tell(progress.message)
        said, state = progress.message, progress.state
        for line in progress.log_tail:
            tell(f"  | {line}")
    if state is FollowState.FAILED:
        return replace(receipt, outcome=Outcome.FAILED, message=said), ExitCode.GATE
    return (replace(receipt, message=f"{receipt.message}. {said}") if said else receipt), ExitCode.DONE


def confirmation(preview: Preview, options: GlobalOptions, url: str) -> str:
    """What the person typed to confirm, after they were shown the preview where they can be asked.

    Without a terminal ``--yes`` is needed, and ``--confirm NAME`` where the name has to be typed. Raises
    NotConfirmedError.
    """
    needs_name = preview.confirmation.kind is ConfirmationKind.TYPE_NAME
    if options.yes and (options.confirm is not None or not needs_name):
        return options.confirm or ""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        missing = f"--yes --confirm {preview.confirmation.name}" if needs_name else "--yes"
        raise NotConfirmedError(
            "Nothing was sent", why="there is no terminal to ask in", remedy=f"Pass {missing} if you mean it"
        )
    for line in preview_lines(preview, url):
        sys.stderr.write(f"{line}\n")
    return _typed_name(preview) if needs_name else _agreed()


def print_preview(preview: Preview, output: Format, url: str) -> None:
    """Write what would be sent and changed, as data."""
    if output in {Format.JSON, Format.NDJSON}:
        listing = Listing("preview", (), (preview_item(preview, url),), SystemClock().now(), url)
        print_listing(listing, output)
        return
    for line in preview_lines(preview, url):
        write_line(line)


def print_receipt(receipt: Receipt, output: Format) -> None:
    """Write what came of an action, as data."""
    source = receipt.intent.subject.host
    print_listing(Listing("receipt", RECEIPT_COLUMNS, (receipt_item(receipt),), SystemClock().now(), source), output)


def exit_status(receipt: Receipt) -> ExitCode:
    """The exit status that an outcome asks for; an unknown outcome is told on standard error."""
    match receipt.outcome:
        case Outcome.DONE:
            return ExitCode.DONE
        case Outcome.REFUSED:
            return ExitCode.REFUSED
        case Outcome.FAILED | Outcome.UNKNOWN:
            tell(receipt.message)
            was_forbidden = bool(receipt.calls) and receipt.calls[-1].status == HTTPStatus.FORBIDDEN
            return ExitCode.REFUSED if was_forbidden else ExitCode.UNAVAILABLE


def preview_item(preview: Preview, url: str) -> dict[str, Any]:
    """A preview as an item of ``mlops-tui/preview/1``."""
    return {
        "intent": preview.intent.id,
        "action": preview.intent.kind,
        "title": preview.title,
        "production": preview.is_production,
        "confirm": preview.confirmation.name or None,
        "calls": [call.record() | {"purpose": call.purpose, "curl": call.as_curl(url)} for call in preview.calls],
        "changes": [
            {"label": item.label, "before": item.before, "after": item.after, "better": item.is_better}
            for item in preview.changes
        ],
        "obstacles": preview.obstacles,
        "gaps": preview.gaps,
    }


def receipt_item(receipt: Receipt) -> dict[str, Any]:
    """A receipt as an item of ``mlops-tui/receipt/1``."""
    return {
        "intent": receipt.intent.id,
        "action": receipt.intent.kind,
        "outcome": receipt.outcome,
        "message": receipt.message,
        "calls": [
            {"method": call.method, "url": call.url, "status": call.status, "request_id": call.request_id}
            for call in receipt.calls
        ],
        "links": receipt.links,
        "followed": receipt.followed,
    }


def preview_lines(preview: Preview, url: str) -> list[str]:
    """A preview for reading: what changes, what stands in the way, and each call, with its purpose, for a shell."""
    lines = [clean(preview.title) + (" (PROD)" if preview.is_production else "")]
    for change in preview.changes:
        verdict = {True: " (better)", False: " (worse)", None: ""}[change.is_better]
        arrow = f"{change.before} -> " if change.before else ""
        lines.append(clean(f"  {change.label}: {arrow}{change.after}{verdict}"))
    lines += [clean(f"  ! {sentence}") for sentence in (*preview.obstacles, *preview.gaps)]
    for call in preview.calls:
        lines += [clean(f"# {call.purpose}")] if call.purpose else []
        lines.append(clean_block(call.as_curl(url)))
    return lines


def _typed_name(preview: Preview) -> str:
    return _answer(f"Type {preview.confirmation.name} to go on: ")


def _agreed() -> str:
    if _answer("Go on? [y/N] ").lower() not in {"y", "yes"}:
        raise NotConfirmedError("Nothing was sent", why="it was not confirmed")
    return ""


def _answer(question: str) -> str:
    """Ask on standard error, so that standard output stays data."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
