"""``mlops-tui runs``: training runs, what they logged, and the files they left."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_tui.cli import run_items
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import json_text, print_snapshot, write_line
from mlops_tui.cli.session import ask
from mlops_tui.domain.canonical import plain
from mlops_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from mlops_tui.analysis.run_columns import RunColumns
    from mlops_tui.domain.artifacts import Artifact
    from mlops_tui.domain.filters import Expression, Field
    from mlops_tui.domain.runs import MetricHistory
    from mlops_tui.domain.snapshots import Snapshot
    from mlops_tui.operations.artifacts import SavedArtifact
    from mlops_tui.operations.session import Session

app = noun("runs", "Training runs: what they logged, how they compare, and their files.")

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run's UUID; every configured project is asked.")]
_MOST_METRICS = 4
_MOST_PARAMS = 2
_WIDE = 120


@app.command("list")
@takes_global_options
def list_runs(
    experiment: Annotated[
        str | None, typer.Option("--experiment", metavar="E", help="Only this experiment, by name or number.")
    ] = None,
    expression: Annotated[
        str | None,
        typer.Option("--filter", metavar="EXPR", help='For instance: metrics.auc > 0.9 and tags.team ~ "ri"'),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="KEY", help="metrics.auc, params.lr, name, age ...; -KEY for descending."),
    ] = None,
    descending: Annotated[bool, typer.Option("--desc", help="The greatest first.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: write a line of JSON for every run that is new or has changed.")
    ] = False,
    *,
    options: GlobalOptions,
) -> None:
    """List runs, those that began last first. NaN and the infinities are written as text in JSON."""
    from mlops_tui.domain.filters import parse_filter

    wanted = parse_filter(expression) if expression is not None else None
    order, turned = _order(sort)
    is_descending = descending or turned
    choose = _chooser(wanted, order, is_descending=is_descending, limit=limit)
    if watch:
        _watch(experiment, choose, options)
        return
    newest = limit if wanted is None and order is None else None

    async def read(session: Session) -> tuple[Snapshot[RunColumns], list[int]]:
        from mlops_tui.operations import runs

        snapshot = await runs.list_runs(session, experiment, newest)
        return snapshot, list(choose(session, snapshot.data))

    snapshot, rows = ask(options, read)
    _tell_unknown(snapshot.data, wanted, order)
    _print_runs(snapshot, rows, options)


@app.command("show")
@takes_global_options
def show(run_id: RunId, *, options: GlobalOptions) -> None:
    """Show a run with its CI job, commit, merge requests and artifacts, and say what of these is missing."""
    from mlops_tui.operations import runs

    snapshot = ask(options, lambda session: runs.show_run(session, run_id))
    if options.format in {Format.TABLE, Format.MARKDOWN}:
        print_snapshot(snapshot, "runs", run_items.FIELDS, run_items.detail_rows(snapshot.data), options.format)
    else:
        print_snapshot(snapshot, "runs", (), [run_items.detail_item(snapshot.data)], options.format)


@app.command("history")
@takes_global_options
def history(
    run_id: RunId,
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="The metric's name.")],
    *,
    options: GlobalOptions,
) -> None:
    """Write every value that a run logged under one name, in step order."""
    from mlops_tui.operations import runs

    async def read(session: Session) -> Snapshot[MetricHistory]:
        return await runs.history(session, await runs.find_run(session, run_id), metric)

    snapshot = ask(options, read)
    if not snapshot.data.is_complete:
        tell("This GitLab tells only the latest value: it has no history route, and GraphQL does not reach the run.")
    items = run_items.history_items(snapshot.data)
    print_snapshot(snapshot, "runs-history", run_items.HISTORY, items, options.format)


@app.command("compare")
@takes_global_options
def compare(
    run_ids: Annotated[list[str], typer.Argument(metavar="RUN_ID RUN_ID ...", help="The runs, two or more.")],
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="RUN_ID", help="What the others are held against; the first.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Compare runs: the parameters that differ, and every metric with its difference from the baseline's."""
    from mlops_tui.operations import runs

    snapshot = ask(options, lambda session: runs.compared_runs(session, run_ids, baseline))
    compared = snapshot.data
    if options.format in {Format.TABLE, Format.MARKDOWN}:
        columns, items = run_items.comparison_columns(compared), run_items.comparison_rows(compared)
    else:
        columns, items = (), run_items.comparison_items(compared)
    print_snapshot(snapshot, "runs-comparison", columns, items, options.format)
    if same := compared.comparison.same_params:
        tell(f"Left out, being the same in all these runs: {same} of the parameters.")


@app.command("artifacts")
@takes_global_options
def artifacts(
    run_id: RunId,
    download: Annotated[
        list[str] | None, typer.Option("--download", metavar="PATH", help="Download this file; may be repeated.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Download all files.")] = False,
    folder: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to put them.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that are already there.")] = False,
    *,
    options: GlobalOptions,
) -> None:
    """List the files of a run, or download them, each checked against the checksum that the registry keeps."""

    async def bring(session: Session) -> Snapshot[tuple[SavedArtifact, ...]]:
        from mlops_tui.cli.downloads import download_files
        from mlops_tui.operations import runs

        run = await runs.find_run(session, run_id)
        found = await runs.run_artifacts(session, run)
        wanted = [artifact.path for artifact in found] if every else download or []
        return session.snapshot(await download_files(session, run.project, found, wanted, folder, overwrite=force))

    if not download and not every:
        _list_artifacts(run_id, options)
        return
    snapshot = ask(options, bring)
    items = map(run_items.saved_item, snapshot.data)
    print_snapshot(snapshot, "runs-artifacts", run_items.SAVED, items, options.format)
    for saved in snapshot.data:
        if not saved.is_verified:
            tell(f"{saved.path} could not be checked: the registry keeps no checksum of it.")


def _list_artifacts(run_id: str, options: GlobalOptions) -> None:
    async def read(session: Session) -> Snapshot[tuple[Artifact, ...]]:
        from mlops_tui.operations import runs

        return session.snapshot(await runs.run_artifacts(session, await runs.find_run(session, run_id)))

    snapshot = ask(options, read)
    items = map(run_items.artifact_item, snapshot.data)
    print_snapshot(snapshot, "runs-artifacts", run_items.ARTIFACTS, items, options.format)


def _order(key: str | None) -> tuple[Field | None, bool]:
    """The field to sort by, and whether its key turns the order around."""
    from mlops_tui.domain.filters import FilterError, parse_field

    if key is None:
        return None, False
    try:
        return parse_field(key.removeprefix("-")), key.startswith("-")
    except FilterError as error:
        raise UsageError(f"Cannot sort by {key!r}", why=error.reason, remedy=error.remedy) from None


def _chooser(
    wanted: Expression | None, order: Field | None, *, is_descending: bool, limit: int | None
) -> Callable[[Session, RunColumns], Sequence[int]]:
    def choose(session: Session, columns: RunColumns) -> Sequence[int]:
        from mlops_tui.operations.runs import selected

        return selected(session, columns, wanted, order, descending=is_descending)[:limit]

    return choose


def _tell_unknown(columns: RunColumns, wanted: Expression | None, order: Field | None) -> None:
    from mlops_tui.domain.filters import fields_of
    from mlops_tui.operations.runs import unknown_fields

    asked = [*(fields_of(wanted) if wanted is not None else ()), *([order] if order is not None else [])]
    for field in unknown_fields(columns, asked):
        tell(f"No run has {field}.")


def _print_runs(snapshot: Snapshot[RunColumns], rows: Sequence[int], options: GlobalOptions) -> None:
    from mlops_tui.analysis.run_records import runs_of

    runs = runs_of(snapshot.data, rows)
    if options.format in {Format.JSON, Format.NDJSON}:
        print_snapshot(snapshot, "runs", (), map(run_items.run_item, runs), options.format)
        return
    fields = _table_fields(snapshot.data, rows)
    items = [run_items.run_row(run, fields) for run in runs]
    print_snapshot(snapshot, "runs", (*run_items.RUNS, *run_items.field_columns(fields)), items, options.format)


def _table_fields(columns: RunColumns, rows: Sequence[int]) -> tuple[Field, ...]:
    """The metrics and parameters that a table has room for; all is in the JSON."""
    import numpy as np

    from mlops_tui.analysis.run_coverage import telling_metrics, telling_params

    chosen = np.array(rows, np.int32)
    metrics, params = telling_metrics(columns, chosen), telling_params(columns, chosen)
    fields = tuple(item.field for item in (*metrics[:_MOST_METRICS], *params[:_MOST_PARAMS]))
    is_narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
    return fields[:1] if is_narrow else fields


def _watch(
    experiment: str | None, choose: Callable[[Session, RunColumns], Sequence[int]], options: GlobalOptions
) -> None:
    from mlops_tui.operations import runs

    if options.output not in {None, Format.NDJSON}:
        raise UsageError("--watch writes lines of JSON", remedy="Leave --output out, or ask for ndjson")

    async def follow(session: Session) -> None:
        told = ""
        async for changes in runs.watch_runs(session, experiment, lambda columns: choose(session, columns)):
            for run in changes.changed:
                write_line(json_text(plain(run_items.run_item(run))))
            sys.stdout.flush()
            error = str(changes.snapshot.error or "")
            if error and error != told:
                tell(error)
            told = error

    ask(options, follow)
