"""``mlops-tui environments``: where versions are deployed to, what serves there, and whose approval it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_tui.cli.actions import carry_out
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import print_snapshot
from mlops_tui.cli.session import ask
from mlops_tui.cli.tables import Column

if TYPE_CHECKING:
    from mlops_tui.operations.environments import EnvironmentSummary
    from mlops_tui.operations.protections import EnvironmentPage
    from mlops_tui.operations.session import Session


def _serving(row: Mapping[str, Any]) -> str:
    share = "" if row["share"] == 100 else f" ({row['share']:g} %)"
    return f"{row['model']} {row['version']}{share}"


app = noun("environments", "Environments: where versions are deployed to.")

_NAME = typer.Argument(metavar="NAME", help="The environment, as NAME or GROUP/PROJECT:NAME.")
_COLUMNS = (
    Column("project", "project"),
    Column("environment", "name"),
    Column("tier", "tier"),
    Column("state", "state"),
    Column("live", "live", show=lambda rows: ", ".join(_serving(row) for row in rows)),
    Column("url", "url"),
)
_PAGE = (
    *_COLUMNS[:5],
    Column("deployers", "protection", show=lambda value: ", ".join(value["deployers"]) if value else "-"),
    Column("approvals", "protection", show=lambda value: ", ".join(_rules(value)) if value else "-"),
    Column("approved by way of", "way"),
)


def _rules(protection: Mapping[str, Any]) -> list[str]:
    return [f"{rule['required']} of {rule['name']}" for rule in protection["approvals"]]


@app.command("list")
@takes_global_options
def list_environments(*, options: GlobalOptions) -> None:
    """List the environments of the context's projects with what is live in each."""
    from mlops_tui.operations import environments

    snapshot = ask(options, environments.list_environments)
    print_snapshot(snapshot, "environments", _COLUMNS, map(_item, snapshot.data), options.format)


@app.command("show")
@takes_global_options
def show(name: Annotated[str, _NAME], *, options: GlobalOptions) -> None:
    """Show one environment with its protection, and how promotions to it are approved."""
    from mlops_tui.operations.protections import show_environment

    snapshot = ask(options, lambda session: show_environment(session, name))
    if not snapshot.data.may_see:
        tell("Only a Maintainer may see how it is protected")
    print_snapshot(snapshot, "environments", _PAGE, [_page_item(snapshot.data)], options.format)


@app.command("protect")
@takes_global_options
def protect(
    name: Annotated[str, _NAME],
    approve: Annotated[
        list[str], typer.Option("--approve", metavar="WHO[:COUNT]", help="Whose approval: a role or @USER; repeatable.")
    ],
    deploy: Annotated[
        list[str] | None, typer.Option("--deploy", metavar="WHO", help="Who may deploy; maintainers if left out.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Let deployments to an environment need approvals."""
    ask(options, lambda session: _protect(session, name, deploy or (), approve, options))


@app.command("stop")
@takes_global_options
def stop(name: Annotated[str, _NAME], *, options: GlobalOptions) -> None:
    """Stop an environment: GitLab runs its stop job where there is one."""
    ask(options, lambda session: _stop(session, name, options))


async def _stop(session: Session, name: str, options: GlobalOptions) -> None:
    from mlops_tui.operations.environments import find_environment, prepare_stop

    summary = await find_environment(session, name)
    await carry_out(session, await prepare_stop(session, summary.project, summary.environment.name), options)


async def _protect(
    session: Session, name: str, deployers: Sequence[str], approvers: Sequence[str], options: GlobalOptions
) -> None:
    from mlops_tui.operations.protections import prepare_protection

    await carry_out(session, await prepare_protection(session, name, deployers, approvers), options)


def _page_item(page: EnvironmentPage) -> dict[str, Any]:
    protection = page.protection
    shown = None
    if protection is not None:
        shown = {
            "deployers": [entry.name for entry in protection.deployers],
            "approvals": [{"name": rule.access.name, "required": rule.count} for rule in protection.approvals],
        }
    return {**_item(page.summary), "protection": shown, "way": page.way}


def _item(summary: EnvironmentSummary) -> dict[str, Any]:
    environment = summary.environment
    return {
        "id": environment.id,
        "name": environment.name,
        "project": summary.project.ref.path,
        "tier": environment.tier,
        "state": environment.state,
        "live": [
            {"model": live.model, "version": live.version, "share": live.share, "since": live.since}
            for live in summary.live
        ],
        "url": environment.external_url or None,
    }
