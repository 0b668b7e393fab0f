"""``mlops-tui drift quality``: how good predictions are, by the labels that came in and by estimate."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import Format, GlobalOptions, takes_global_options
from mlops_tui.cli.output import Listing, print_listing, write_line
from mlops_tui.cli.session import ask
from mlops_tui.cli.time_ranges import RANGE_HELP, range_of
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import ExitCode, UsageError
from mlops_tui.domain.quality import ModelQuality, OutputWish, QualityTask
from mlops_tui.domain.snapshots import Snapshot


@takes_global_options
def quality(
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="NAME, or GROUP/PROJECT:NAME.")],
    model_version: Annotated[str | None, typer.Option("--version", help="This version of it.")] = None,
    arm: Annotated[str | None, typer.Option("--arm", help="This arm: stable, canary, shadow.")] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="This environment.")] = None,
    window: Annotated[str, typer.Option("--window", metavar="RANGE", help=RANGE_HELP)] = "6h",
    width: Annotated[
        str | None, typer.Option("--width", metavar="DURATION", help="How wide windows are; those of the store if not.")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="ATTRIBUTE", help="Compare the values of a feature or attribute.")
    ] = "",
    output_name: Annotated[str, typer.Option("--label", metavar="OUTPUT", help="The output that labels are of.")] = "",
    task: Annotated[QualityTask | None, typer.Option("--task", help="What is predicted.")] = None,
    positive: Annotated[str, typer.Option("--positive", metavar="CLASS", help="The positive one of two classes.")] = "",
    threshold: Annotated[
        float | None, typer.Option("--threshold", min=0.0, max=1.0, help="The score from which on a row is positive.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Tell how good predictions were, window by window: with labels, and estimated from scores where none came in.

    Exits with 3 if nothing can be said of any window.
    """
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.quality import model_quality
    from mlops_tui.operations.session import Session

    times = range_of(window, SystemClock().now())
    wish = OutputWish(output_name, task, positive, threshold)
    length = None if width is None else _length(width)

    async def work(session: Session) -> Snapshot[ModelQuality]:
        found = await find_model(session, model)
        return await model_quality(
            session,
            found.project,
            found.model.name,
            times=times,
            version=model_version,
            arm=arm,
            environment=environment,
            width=length,
            by=by,
            wish=wish,
        )

    snapshot = ask(options, work)
    _print(snapshot, options.format)
    if not snapshot.data.whole.realised and not snapshot.data.whole.estimated:
        raise typer.Exit(ExitCode.INSUFFICIENT)


def _print(snapshot: Snapshot[ModelQuality], output: Format) -> None:
    from mlops_tui.cli import quality_items as shown

    found = snapshot.data
    for remark in shown.remarks(found):
        tell(remark)
    tables = [
        (shown.FIGURES, shown.figure_items(found.whole)),
        (shown.WINDOWS, shown.window_items(found)),
        (shown.SLICES, [shown.slice_item(found, part) for part in found.slices]),
    ]
    match output:
        case Format.JSON | Format.NDJSON:
            tables = [(shown.FIGURES, shown.items(found))]
        case Format.TABLE | Format.MARKDOWN:
            tables = [table for table in tables if table[1]]
    if not tables:
        tell("No prediction of it was made in that time.")
    for place, (columns, items) in enumerate(tables):
        if place:
            write_line("")
        print_listing(Listing("drift-quality", columns, items, snapshot.fetched_at, snapshot.source), output)


def _length(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError("--width makes no sense", why=str(error)) from None
