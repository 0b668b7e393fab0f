"""``mlops-tui drift``: what the reference looked like, and how far current data are from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import Listing, print_listing, write_line
from mlops_tui.cli.quality import quality
from mlops_tui.cli.tables import Column
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.drift import Compatibility, DriftVerdict, FeatureKind
from mlops_tui.domain.errors import ExitCode, MlopsError, UsageError

if TYPE_CHECKING:
    from mlops_tui.analysis.thresholds import Limits
    from mlops_tui.domain.drift import DriftResult
    from mlops_tui.operations.drift import DriftReport

app = noun("drift", "Drift: reference profiles, and how far current data are from one.")
app.command("quality")(quality)

_FEATURES = typer.Option(
    "--features", metavar="NAME[:KIND],...", help="Only these; a KIND is numeric, categorical, prediction or score."
)
_PROFILED = (
    Column("feature", "feature", is_whole=True),
    Column("kind", "kind"),
    Column("rows", "n", is_number=True),
    Column("missing", "missing", is_number=True),
    Column("bins", "bins", is_number=True),
    Column("remark", "reason"),
)


@app.command("profile")
@takes_global_options
def profile(
    source: Annotated[
        str, typer.Option("--input", metavar="FILE", help="CSV, NDJSON (both also gzipped) or Parquet; - reads a pipe.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the profile is written.")],
    features: Annotated[list[str] | None, _FEATURES] = None,
    bins: Annotated[int, typer.Option("--bins", min=3, max=1_000, help="At most so many bins per feature.")] = 1_000,
    *,
    options: GlobalOptions,
) -> None:
    """Make the reference profile of a table: counts in bins, a few hundred kilobytes however many rows there are."""
    from mlops_tui.analysis.profile_documents import dump_profile
    from mlops_tui.operations.drift import profile_file

    kinds = parse_features(features)
    made = profile_file(source, kinds, bins)
    problems = [problem for problem in made.problems if kinds or not problem.is_unsuited]
    for problem in made.problems:
        tell(f"{problem.feature} is not in the profile: {problem.reason}")
    if not made.profile.features:
        raise UsageError(f"{source} cannot be profiled", why="no column of it can be")
    _write(out, dump_profile(made.profile))
    items = [
        {
            "feature": feature.name,
            "kind": feature.kind,
            "n": feature.counts.n,
            "missing": feature.counts.absent,
            "bins": feature.bins.size,
            "profile_id": made.profile.profile_id,
            "reason": None,
        }
        for feature in made.profile.features
    ]
    items += [
        {
            "feature": problem.feature,
            "kind": problem.kind,
            "n": None,
            "missing": None,
            "bins": None,
            "profile_id": made.profile.profile_id,
            "reason": problem.reason,
        }
        for problem in made.problems
    ]
    print_listing(Listing("drift-profile", _PROFILED, items, SystemClock().now(), _source(source)), options.format)
    if problems:
        raise typer.Exit(ExitCode.INSUFFICIENT)


@app.command("analyze")
@takes_global_options
def analyze(
    reference: Annotated[
        str, typer.Option("--reference", metavar="FILE", help="A reference profile, or the reference data themselves.")
    ],
    source: Annotated[
        str, typer.Option("--input", metavar="FILE", help="CSV, NDJSON (both also gzipped) or Parquet; - reads a pipe.")
    ],
    features: Annotated[list[str] | None, _FEATURES] = None,
    compat: Annotated[
        Compatibility | None,
        typer.Option("--compat", help="Use the formulas, thresholds and rules of another tool; takes raw data."),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option("--alpha", metavar="P", help="How often an analysis of unchanged data may say drift. [0.05]"),
    ] = None,
    smallest_effect: Annotated[
        float | None,
        typer.Option("--smallest-effect", metavar="PSI", help="What is smaller is no drift, however sure. [0.02]"),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="DURATION", help="How often this runs, to say its false alarms a month."),
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report as well.")] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Compare a table with a reference. Exits with 1 on drift, else 3 if a feature could not be judged."""
    from mlops_tui.cli import drift_reports
    from mlops_tui.operations import drift

    if reference == source == "-":
        raise UsageError("The reference and the data cannot both come from standard input")
    kinds = parse_features(features)
    if compat is None:
        limits = _limits(alpha, smallest_effect)
        report = drift.analyze(reference, source, kinds, limits)
        promise = drift_reports.promise(limits.level, _interval(every))
    else:
        if any(option is not None for option in (alpha, smallest_effect, every)):
            raise UsageError(
                "--alpha, --smallest-effect and --every do not go with --compat", why="the tool has its own"
            )
        report = drift.analyze_like(compat, reference, source, kinds)
        promise = f"Formulas, thresholds and rules are those of {compat.value}; its false alarms are not controlled"
    if junit is not None:
        _write(junit, drift_reports.junit(report))
    _print(report, promise, source, options.format)
    raise typer.Exit(_exit_code(report.verdict))


def parse_features(texts: list[str] | None) -> dict[str, FeatureKind | None] | None:
    """Read ``NAME[:KIND],...``, repeated; a colon that no kind follows belongs to the name.

    Raises:
        UsageError: a name is empty or stands twice.
    """
    if not texts:
        return None
    kinds: dict[str, FeatureKind | None] = {}
    for part in ",".join(texts).split(","):
        name, _, kind = part.strip().rpartition(":")
        known = FeatureKind(kind) if name and kind in set(FeatureKind) else None
        chosen = name if known else part.strip()
        if not chosen or chosen in kinds:
            raise UsageError(
                "--features makes no sense", why=f"{chosen!r} stands twice" if chosen else "a name is empty"
            )
        kinds[chosen] = known
    return kinds


def _limits(alpha: float | None, smallest_effect: float | None) -> Limits:
    from mlops_tui.analysis.thresholds import LEVEL, SMALLEST_EFFECT, Limits

    try:
        return Limits(
            LEVEL if alpha is None else alpha, SMALLEST_EFFECT if smallest_effect is None else smallest_effect
        )
    except ValueError as error:
        raise UsageError("The limits make no sense", why=str(error)) from None


def _interval(text: str | None) -> timedelta | None:
    from mlops_tui.domain.durations import parse_duration

    if text is None:
        return None
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise UsageError("--every makes no sense", why=str(error)) from None
    if not length:
        raise UsageError("--every makes no sense", why="it is no time at all")
    return length


def _print(report: DriftReport, promise: str, source: str, output: Format) -> None:
    from mlops_tui.cli import drift_reports

    for remark in report.remarks:
        tell(remark)
    match output:
        case Format.MARKDOWN:
            for line in drift_reports.markdown(report, promise):
                write_line(line)
        case Format.TABLE:
            print_listing(_listing(drift_reports.ranked(report), source), output)
            tell(promise)
        case Format.JSON | Format.NDJSON:
            print_listing(_listing(report.results, source), output)


def _listing(results: Sequence[DriftResult], source: str) -> Listing:
    from mlops_tui.cli.drift_reports import COLUMNS, item

    return Listing("drift", COLUMNS, [item(result) for result in results], SystemClock().now(), _source(source))


def _source(path: str) -> str:
    return "standard input" if path == "-" else path


def _exit_code(verdict: DriftVerdict) -> ExitCode:
    match verdict:
        case DriftVerdict.OK:
            return ExitCode.DONE
        case DriftVerdict.DRIFT:
            return ExitCode.GATE
        case DriftVerdict.INSUFFICIENT | DriftVerdict.INVALID:
            return ExitCode.INSUFFICIENT


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise MlopsError(f"{path} cannot be written", why=error.strerror or str(error)) from None
