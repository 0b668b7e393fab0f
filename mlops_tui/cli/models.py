"""``mlops-tui models``: the registry, what is live, and the ways to production and back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_tui.cli.actions import carry_out
from mlops_tui.cli.model_items import lineage_item, lineage_rows, live_item, model_item, summary_item
from mlops_tui.cli.moments import moment_of
from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import print_snapshot, write_line
from mlops_tui.cli.session import ask
from mlops_tui.cli.tables import Column
from mlops_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from mlops_tui.domain.snapshots import Snapshot
    from mlops_tui.operations.models import LiveRow
    from mlops_tui.operations.protections import Responsibility
    from mlops_tui.operations.session import Session

app = noun("models", "Models of the registry, their versions, and where each is live.")

_NAME = typer.Argument(metavar="NAME", help="The model, as NAME or GROUP/PROJECT:NAME.")
_WAIT = typer.Option("--wait/--no-wait", help="Follow the deployment to its end.")


def _joined(values: Sequence[str]) -> str:
    return ", ".join(values)


_MODELS = (
    Column("project", "project"),
    Column("name", "name"),
    Column("latest", "latest_version"),
    Column("versions", "versions", is_number=True),
    Column("live", "live", show=lambda rows: _joined([f"{row['environment']}: {row['version']}" for row in rows])),
)
_VERSIONS = (
    Column("version", "version"),
    Column("live in", "live_in", show=_joined),
    Column("created", "created_at"),
    Column("artifacts", "artifacts", is_number=True),
    Column("author", "author"),
    Column("run", "run_id"),
)
_MODEL = (
    Column("name", "name"),
    Column("project", "project"),
    Column("latest", "latest_version"),
    Column("versions", "versions", show=lambda rows: _joined([row["version"] for row in rows])),
)
_LIVE = (
    Column("environment", "environment"),
    Column("tier", "tier"),
    Column("version", "version"),
    Column("share", "share", is_number=True),
    Column("since", "since"),
    Column("until", "until"),
    Column("by", "by"),
    Column("approved by", "approved_by", show=_joined),
    Column("evidence", "evidence"),
    Column("deployment", "deployment_id", is_number=True),
    Column("sha", "sha"),
)
_LINEAGE = (Column("link", "link"), Column("what", "title"), Column("detail", "detail"))


@app.command("list")
@takes_global_options
def list_models(*, options: GlobalOptions) -> None:
    """List the models of the context's projects."""
    from mlops_tui.operations import models

    snapshot = ask(options, models.list_models)
    print_snapshot(snapshot, "models", _MODELS, map(summary_item, snapshot.data), options.format)


@app.command("show")
@takes_global_options
def show(name: Annotated[str, _NAME], *, options: GlobalOptions) -> None:
    """Show one model with its versions, the lowest first."""
    from mlops_tui.operations import models

    snapshot = ask(options, lambda session: models.show_model(session, name))
    item = model_item(snapshot.data)
    if options.format is Format.TABLE:
        print_snapshot(snapshot, "models", _VERSIONS, item["versions"], Format.TABLE)
        return
    print_snapshot(snapshot, "models", _MODEL, [item], options.format)


@app.command("live")
@takes_global_options
def live(
    name: Annotated[str, _NAME],
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="A past moment, ISO 8601.")] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Say which version is live in each environment, now or at a past moment."""
    moment = moment_of(at) if at else None
    snapshot, answering = ask(options, lambda session: _live(session, name, moment))
    items = [live_item(row, answers_for) for row, answers_for in zip(snapshot.data, answering, strict=True)]
    print_snapshot(snapshot, "models", _LIVE, items, options.format)


@app.command("card")
@takes_global_options
def card(
    name: Annotated[str, _NAME],
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="A version's card; else the model's.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Replace the card; - reads stdin.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Print a card as Markdown, or replace it from a file."""
    if file is not None:
        text = sys.stdin.read() if str(file) == "-" else _text_of(file)
        ask(options, lambda session: _edit_card(session, name, version or "", text, options))
        return
    write_line(ask(options, lambda session: _card(session, name, version)).rstrip("\n"))


@app.command("lineage")
@takes_global_options
def lineage(name: Annotated[str, _NAME], version: Annotated[str, typer.Argument()], *, options: GlobalOptions) -> None:
    """Show where a version came from and where it went; links that are missing are shown as missing."""
    from mlops_tui.operations.lineage import version_lineage

    snapshot = ask(options, lambda session: version_lineage(session, name, version))
    if options.format in {Format.TABLE, Format.MARKDOWN}:
        print_snapshot(snapshot, "models", _LINEAGE, lineage_rows(snapshot.data), options.format)
        return
    print_snapshot(snapshot, "models", _LINEAGE, [lineage_item(snapshot.data)], options.format)


@app.command("promote")
@takes_global_options
def promote(
    name: Annotated[str, _NAME],
    version: Annotated[str, typer.Argument()],
    to: Annotated[str, typer.Option("--to", metavar="ENVIRONMENT", help="Where to.")],
    wait: Annotated[bool, _WAIT] = True,
    *,
    options: GlobalOptions,
) -> None:
    """Deploy a version to an environment."""
    ask(options, lambda session: _promote(session, name, version, to, wait, options))


@app.command("rollback")
@takes_global_options
def rollback(
    name: Annotated[str, _NAME],
    environment: Annotated[str, typer.Option("--environment", metavar="ENVIRONMENT", help="Where.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept in the journal.")],
    to: Annotated[int | None, typer.Option("--to", metavar="DEPLOYMENT", help="An earlier deployment's id.")] = None,
    wait: Annotated[bool, _WAIT] = True,
    *,
    options: GlobalOptions,
) -> None:
    """Go back to the last known good version, or to the deployment named."""
    ask(options, lambda session: _roll_back(session, name, environment, reason, to, wait, options))


@app.command("create-version")
@takes_global_options
def create_version(
    name: Annotated[str, _NAME],
    run_id: Annotated[str, typer.Option("--run", metavar="RUN_ID", help="The run to make it from.")],
    number: Annotated[str, typer.Option("--number", metavar="VERSION", help="Else the next patch number.")] = "",
    file: Annotated[Path | None, typer.Option("--card", metavar="FILE", help="The version's card.")] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Make a version of a model from a run."""
    text = _text_of(file) if file else ""
    ask(options, lambda session: _create_version(session, name, run_id, number, text, options))


@app.command("delete")
@takes_global_options
def delete(
    name: Annotated[str, _NAME],
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="One version; else the whole model.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Delete a version, or a model with all its versions; what is live is never deleted."""
    ask(options, lambda session: _delete(session, name, version, options))


async def _live(
    session: Session, name: str, moment: datetime | None
) -> tuple[Snapshot[tuple[LiveRow, ...]], list[Responsibility]]:
    from mlops_tui.operations.models import find_model, live_versions
    from mlops_tui.operations.protections import responsibilities

    snapshot = await live_versions(session, name, moment)
    project = (await find_model(session, name)).project
    return snapshot, await responsibilities(session, project, snapshot.data)


async def _promote(session: Session, name: str, version: str, to: str, wait: bool, options: GlobalOptions) -> None:
    """Promote; where the policy asks for votes in an issue, ask for them first and go on when they are there."""
    from mlops_tui.cli.granting import go_on_when_granted
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.promotions import prepare_promotion

    summary = await find_model(session, name)
    project, model = summary.project, summary.model.name
    if await go_on_when_granted(session, project, (model, version, to), options, waits=wait):
        await carry_out(session, await prepare_promotion(session, project, model, version, to), options, waits=wait)


async def _roll_back(
    session: Session, name: str, environment: str, reason: str, to: int | None, wait: bool, options: GlobalOptions
) -> None:
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.rollbacks import prepare_rollback

    summary = await find_model(session, name)
    action = await prepare_rollback(session, summary.project, summary.model.name, environment, reason, to)
    await carry_out(session, action, options, waits=wait)


async def _create_version(
    session: Session, name: str, run_id: str, number: str, text: str, options: GlobalOptions
) -> None:
    from mlops_tui.operations.runs import find_run
    from mlops_tui.operations.versions import prepare_version

    action = await prepare_version(session, name, await find_run(session, run_id), number, text)
    await carry_out(session, action, options)


async def _delete(session: Session, name: str, version: str | None, options: GlobalOptions) -> None:
    from mlops_tui.operations.versions import prepare_model_deletion, prepare_version_deletion

    deletion = prepare_version_deletion(session, name, version) if version else prepare_model_deletion(session, name)
    await carry_out(session, await deletion, options)


async def _edit_card(session: Session, name: str, version: str, text: str, options: GlobalOptions) -> None:
    from mlops_tui.operations.versions import prepare_card

    await carry_out(session, await prepare_card(session, name, version, text), options)


async def _card(session: Session, name: str, version: str | None) -> str:
    from mlops_tui.operations.models import find_model, find_version

    summary = await find_model(session, name)
    if version is None:
        return summary.model.card
    _, found = await find_version(session, summary.project, summary.model.name, version)
    return found.card


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read", why=str(error), remedy="Name a text file") from error
