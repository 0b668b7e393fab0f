"""``mlops-tui drift``: what the reference looked like, and how far current data are from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_tui.cli import drift_options, drift_questions
from mlops_tui.cli.drift_options import Whose, parse_features, parse_length, parse_limits, write_file
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import Listing, print_listing, print_snapshot
from mlops_tui.cli.quality import quality
from mlops_tui.cli.session import ask
from mlops_tui.cli.time_ranges import RANGE_HELP
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.drift import Compatibility
from mlops_tui.domain.errors import ExitCode, UsageError

app = noun("drift", "Drift: reference profiles, and how far current data are from one.")
app.command("quality")(quality)

_INPUT = typer.Option("--input", metavar="FILE", help="CSV, NDJSON (both also gzipped) or Parquet; - reads a pipe.")


@app.command("profile")
@takes_global_options
def profile(
    source: Annotated[str | None, _INPUT] = None,
    run_id: Annotated[str | None, typer.Option("--run", metavar="RUN_ID", help="A run that kept the table.")] = None,
    artifact: Annotated[str | None, typer.Option("--artifact", metavar="PATH", help="Its artifact.")] = None,
    window: drift_options.Window = None,
    model: drift_options.Model = None,
    version: drift_options.Version = None,
    arm: drift_options.Arm = None,
    environment: drift_options.Environment = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the profile is written.")] = None,
    store: Annotated[bool, typer.Option("--store", help="Keep the profile with the version.")] = False,
    features: drift_options.Features = None,
    bins: Annotated[int, typer.Option("--bins", min=3, max=1_000, help="At most so many bins per feature.")] = 1_000,
    *,
    options: GlobalOptions,
) -> None:
    """Make the reference profile of a table or of requests, and write it, store it with a version, or both.

    It holds counts in bins: a few hundred kilobytes, however many rows there are.
    """
    from mlops_tui.analysis.profile_documents import dump_profile
    from mlops_tui.cli import drift_profiles

    if out is None and not store:
        raise UsageError("The profile would be lost", remedy="Name --out, or --store it with a version")
    kinds = parse_features(features)
    whose = Whose(model, version, arm, environment)
    origin = drift_profiles.Source(source, run_id, artifact, window)
    made = drift_profiles.make(origin, whose, kinds, bins, options)
    if out is not None:
        write_file(out, dump_profile(made.profile))
    if not (store and drift_profiles.store(made.profile, whose, origin.name, options)):
        listing = Listing(
            "drift-profile", drift_profiles.PROFILED, drift_profiles.items(made), SystemClock().now(), origin.name
        )
        print_listing(listing, options.format)
    if any(kinds or not problem.is_unsuited for problem in made.problems):
        raise typer.Exit(ExitCode.INSUFFICIENT)


@app.command("analyze")
@takes_global_options
def analyze(
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="FILE", help="A reference profile, or the reference data themselves."),
    ] = None,
    model: drift_options.Model = None,
    version: drift_options.Version = None,
    source: Annotated[str | None, _INPUT] = None,
    window: drift_options.Window = None,
    arm: drift_options.Arm = None,
    environment: drift_options.Environment = None,
    features: drift_options.Features = None,
    compat: Annotated[
        Compatibility | None,
        typer.Option("--compat", help="Use the formulas, thresholds and rules of another tool; takes raw data."),
    ] = None,
    multivariate: drift_options.Multivariate = False,
    changes: drift_options.Changes = None,
    alpha: drift_options.Alpha = None,
    smallest_effect: drift_options.SmallestEffect = None,
    every: drift_options.Every = None,
    junit: drift_options.Junit = None,
    store: drift_options.Store = False,
    part: Annotated[
        Path | None,
        typer.Option("--part", metavar="FILE", help="Count only the share of this parallel job, for `drift merge`."),
    ] = None,
    share_out: Annotated[
        drift_options.ShareOut, typer.Option("--share-out", help="What parallel jobs share out among them.")
    ] = drift_options.ShareOut.FEATURES,
    *,
    options: GlobalOptions,
) -> None:
    """Compare a table or requests with a reference. Exits with 1 on drift, else 3 if a feature could not be judged."""
    from mlops_tui.cli import drift_analyses, drift_rows

    comparison = drift_analyses.Comparison(
        reference, source, window, Whose(model, version, arm, environment), parse_features(features)
    )
    rows = drift_rows.RowWishes(multivariate, tuple(changes or ()))
    if compat is not None:
        if store or part or rows or any(option is not None for option in (alpha, smallest_effect, every)):
            raise UsageError("Only --features, --junit and files go with --compat", why="the tool has rules of its own")
        drift_analyses.finish_like(compat, comparison, junit, options)
    limits = parse_limits(alpha, smallest_effect)
    rows.require_rows(comparison, is_shared=part is not None)
    if part is not None:
        drift_analyses.count_part(comparison, drift_options.parse_share(share_out), part, options)
        return
    seen = drift_analyses.observed(comparison, None, options)
    wishes = drift_analyses.Wishes(parse_length(every, "--every"), junit, model if store else None)
    drift_analyses.finish(rows.judged(comparison, seen, limits), comparison.source, wishes, options)


@app.command("merge")
@takes_global_options
def merge(
    parts: Annotated[list[Path], typer.Argument(metavar="PART...", help="What parallel jobs wrote with --part.")],
    model: drift_options.Model = None,
    alpha: drift_options.Alpha = None,
    smallest_effect: drift_options.SmallestEffect = None,
    every: drift_options.Every = None,
    junit: drift_options.Junit = None,
    store: drift_options.Store = False,
    *,
    options: GlobalOptions,
) -> None:
    """Put the parts of one analysis together and judge them: the same report as one job would have made."""
    from mlops_tui.analysis.observed import judged
    from mlops_tui.cli import drift_analyses

    limits = parse_limits(alpha, smallest_effect)
    seen = drift_analyses.load_parts(parts)
    kept = (model or seen.traffic.subject.model) if store and seen.traffic else model
    wishes = drift_analyses.Wishes(parse_length(every, "--every"), junit, kept if store else None)
    drift_analyses.finish(judged(seen, limits), ", ".join(map(str, parts)), wishes, options)


@app.command("show")
@takes_global_options
def show(
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The model, as NAME or GROUP/PROJECT:NAME.")],
    version: drift_options.Version = None,
    arm: drift_options.Arm = None,
    environment: drift_options.Environment = None,
    window: Annotated[str, typer.Option("--window", metavar="RANGE", help=RANGE_HELP)] = "6h",
    width: drift_options.Width = None,
    *,
    options: GlobalOptions,
) -> None:
    """Show the drift of a model's requests as the screen does: each feature now, and window by window."""
    from mlops_tui.cli import drift_status

    whose = Whose(model, version, arm, environment)
    length = parse_length(width, "--width")
    snapshot = ask(options, lambda session: drift_questions.status(session, whose, window, length))
    for sentence in drift_status.remarks(snapshot.data):
        tell(sentence)
    print_snapshot(snapshot, "drift-status", drift_status.STATUS, drift_status.items(snapshot.data), options.format)


@app.command("backtest")
@takes_global_options
def backtest(
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The model, as NAME or GROUP/PROJECT:NAME.")],
    version: drift_options.Version = None,
    arm: drift_options.Arm = None,
    environment: drift_options.Environment = None,
    window: Annotated[str, typer.Option("--window", metavar="RANGE", help=RANGE_HELP)] = "7d",
    width: drift_options.Width = None,
    rules: Annotated[
        list[str] | None, typer.Option("--rule", metavar="NAME", help="Only this rule of the policy file; repeatable.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="FIGURE", help="A rule that is not in the file: psi.amount, ...")
    ] = None,
    above: Annotated[float | None, typer.Option("--above", help="It fires beyond this.")] = None,
    below: Annotated[float | None, typer.Option("--below", help="It fires below this.")] = None,
    hold: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="It fires after so long.")] = None,
    clear_below: Annotated[float | None, typer.Option("--clear-below", help="It is over below this.")] = None,
    clear_above: Annotated[float | None, typer.Option("--clear-above", help="It is over beyond this.")] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Say how often drift, and alert rules, would have spoken up on past requests, before a rule is switched on."""
    from mlops_tui.cli import drift_status

    whose = Whose(model, version, arm, environment)
    length = parse_length(width, "--width")
    limits = drift_questions.RuleLimits(metric, above, below, hold, clear_below, clear_above)
    snapshot = ask(
        options, lambda session: drift_questions.past(session, whose, window, length, tuple(rules or ()), limits)
    )
    for sentence in drift_status.remarks(snapshot.data.drift):
        tell(sentence)
    items = drift_status.backtest_items(snapshot.data)
    print_snapshot(snapshot, "drift-backtest", drift_status.BACKTEST, items, options.format)
