"""``mlops-tui environments``: where versions are deployed to, and what serves there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops_tui.cli.options import GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import print_snapshot
from mlops_tui.cli.session import ask
from mlops_tui.cli.tables import Column

if TYPE_CHECKING:
    from mlops_tui.operations.environments import EnvironmentSummary


def _serving(row: Mapping[str, Any]) -> str:
    share = "" if row["share"] == 100 else f" ({row['share']:g} %)"
    return f"{row['model']} {row['version']}{share}"


app = noun("environments", "Environments: where versions are deployed to.")

_COLUMNS = (
    Column("project", "project"),
    Column("environment", "name"),
    Column("tier", "tier"),
    Column("state", "state"),
    Column("live", "live", show=lambda rows: ", ".join(_serving(row) for row in rows)),
    Column("url", "url"),
)


@app.command("list")
@takes_global_options
def list_environments(*, options: GlobalOptions) -> None:
    """List the environments of the context's projects with what is live in each."""
    from mlops_tui.operations import environments

    snapshot = ask(options, environments.list_environments)
    print_snapshot(snapshot, "environments", _COLUMNS, map(_item, snapshot.data), options.format)


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
