"""An analysis of drift from the command line: what is compared, what is printed, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mlops_tui.cli import drift_reports
from mlops_tui.cli.drift_options import write_file
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import Format
from mlops_tui.cli.output import Listing, print_listing, write_line
from mlops_tui.cli.session import ask
from mlops_tui.cli.time_ranges import asked_range
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.drift import Compatibility, DriftResult, DriftVerdict
from mlops_tui.domain.errors import ExitCode, MlopsError, UsageError

if TYPE_CHECKING:
    from mlops_tui.analysis.drift_parts import Share
    from mlops_tui.analysis.observed import Observed
    from mlops_tui.cli.drift_options import Whose
    from mlops_tui.cli.options import GlobalOptions
    from mlops_tui.domain.drift_reports import DriftReport
    from mlops_tui.domain.profiles import StoredProfile
    from mlops_tui.domain.projects import Project
    from mlops_tui.operations.profiles import Kinds
    from mlops_tui.operations.session import Session

_BY_EXIT = (ExitCode.UNAVAILABLE, ExitCode.REFUSED, ExitCode.GATE, ExitCode.INSUFFICIENT, ExitCode.DONE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared with what: the reference is a file or a version's own, the current data a file or requests."""

    reference: str | None
    file: str | None
    window: str | None
    whose: Whose
    kinds: Kinds | None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.window is None):
            raise UsageError("There is one thing to compare", remedy="Name either --input or --window")
        if self.reference == self.file == "-":
            raise UsageError("The reference and the data cannot both come from standard input")
        if self.reference is None and (self.whose.model is None or self.whose.version is None):
            raise UsageError(
                "There is nothing to compare with", remedy="Name a --reference, or --model and --version of one"
            )
        if self.window is not None and self.whose.model is None:
            raise UsageError("--window needs a model", remedy="Name --model")

    @property
    def source(self) -> str:
        """What the current data are called in the JSON."""
        if self.file is not None:
            return "standard input" if self.file == "-" else self.file
        return f"requests of {self.whose.bare_model} in {self.window}"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be made of an analysis; ``kept_with`` is the model whose version keeps the report, None for none."""

    every: timedelta | None
    junit: Path | None
    kept_with: str | None


def observed(comparison: Comparison, share: Share | None, options: GlobalOptions) -> Observed:
    """Count the current data in the bins of the reference; GitLab is asked only for what it keeps."""
    from mlops_tui.operations.drift import observe_files

    file = comparison.file
    if file is None:
        return ask(options, lambda session: _traffic(session, comparison, share))
    reference: str | StoredProfile | None = comparison.reference
    if reference is None:
        reference = ask(options, lambda session: _stored(session, comparison.whose))
    return observe_files(reference, file, comparison.kinds, share)


def show(report: DriftReport, promise: str, source: str, output: Format) -> None:
    """Print a report; remarks go to standard error."""
    for remark in report.remarks:
        tell(remark)
    match output:
        case Format.MARKDOWN:
            for line in drift_reports.markdown(report, promise):
                write_line(line)
        case Format.TABLE:
            print_listing(_listing(drift_reports.ranked(report), source), output)
            for line in drift_reports.context(report):
                tell(line)
            tell(promise)
        case Format.JSON | Format.NDJSON:
            print_listing(_listing(report.results, source), output)


def promise_of(report: DriftReport, every: timedelta | None) -> str:
    """How many false alarms there will be; unless somebody says otherwise, each window is analysed once."""
    if report.level is None:
        return ""
    width = report.traffic.window.width if report.traffic else None
    return drift_reports.promise(report.level, every or width)


def finish(report: DriftReport, source: str, wishes: Wishes, options: GlobalOptions) -> None:
    """Print a report, keep it where that is wished, and exit by the verdict."""
    if wishes.junit is not None:
        write_file(wishes.junit, drift_reports.junit(report))
    show(report, promise_of(report, wishes.every), source, options.format)
    status = exit_code(report.verdict)
    if wishes.kept_with is not None:
        model = wishes.kept_with
        status = weightier(status, ask(options, lambda session: _keep(session, report, model, options)))
    raise typer.Exit(status)


def finish_like(tool: Compatibility, comparison: Comparison, junit: Path | None, options: GlobalOptions) -> None:
    """Compare as another tool does, print the report and exit by the verdict."""
    from mlops_tui.operations.drift import analyze_like

    if comparison.reference is None or comparison.file is None:
        raise UsageError(
            f"The numbers of {tool.value} are made from the values themselves",
            remedy="Name the reference data with --reference and the current ones with --input",
        )
    report = analyze_like(tool, comparison.reference, comparison.file, comparison.kinds)
    if junit is not None:
        write_file(junit, drift_reports.junit(report))
    promise = f"Formulas, thresholds and rules are those of {tool.value}; its false alarms are not controlled"
    show(report, promise, comparison.source, options.format)
    raise typer.Exit(exit_code(report.verdict))


def count_part(comparison: Comparison, share: Share, path: Path, options: GlobalOptions) -> None:
    """Count the share of one job and write it; ``drift merge`` judges."""
    from mlops_tui.analysis.drift_parts import Part, dump_part

    part = Part(share, observed(comparison, share, options))
    write_file(path, dump_part(part))
    tell(f"{path} holds part {share.index} of {share.total}, by {share.kind.value}")


def load_parts(paths: Sequence[Path]) -> Observed:
    """Read the files that jobs wrote with ``--part``, and put them together."""
    from mlops_tui.analysis.drift_parts import load_part, merge_parts

    parts = []
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise MlopsError(f"{path} cannot be read", why=error.strerror or str(error)) from None
        parts.append(load_part(data, str(path)))
    return merge_parts(parts)


def exit_code(verdict: DriftVerdict) -> ExitCode:
    """The exit status that a verdict asks for."""
    match verdict:
        case DriftVerdict.OK:
            return ExitCode.DONE
        case DriftVerdict.DRIFT:
            return ExitCode.GATE
        case DriftVerdict.INSUFFICIENT | DriftVerdict.INVALID:
            return ExitCode.INSUFFICIENT


def weightier(one: ExitCode, other: ExitCode) -> ExitCode:
    """The one of two exit statuses that counts."""
    return min(one, other, key=_BY_EXIT.index)


async def _traffic(session: Session, comparison: Comparison, share: Share | None) -> Observed:
    from mlops_tui.datasets.sources import open_reference
    from mlops_tui.domain.profiles import ReferenceProfile, StoredProfile
    from mlops_tui.operations.traffic_drift import TrafficQuestion, observe_traffic

    whose = comparison.whose
    asked = asked_range(comparison.window or "", session.clock.now())
    question = TrafficQuestion(whose.filter(), asked.start, asked.end, asked.is_rolling)
    kinds = comparison.kinds
    if comparison.reference is None:
        project = await _project(session, whose)
        return await observe_traffic(session, question, project=project, kinds=kinds, share=share)
    opened = open_reference(comparison.reference)
    if not isinstance(opened, ReferenceProfile):
        opened.close()
        raise UsageError(
            f"{comparison.reference} is no reference profile",
            why="requests are counted in the bins of one",
            remedy="Make one of it with `mlops-tui drift profile`",
        )
    stored = StoredProfile(opened, comparison.reference)
    return await observe_traffic(session, question, stored=stored, kinds=kinds, share=share)


async def _stored(session: Session, whose: Whose) -> StoredProfile:
    from mlops_tui.domain.errors import InsufficientDataError
    from mlops_tui.operations.reference_profiles import find_reference

    project = await _project(session, whose)
    found = await find_reference(session, project, whose.bare_model, whose.version or "")
    if found is None:
        raise InsufficientDataError(
            "There is nothing to compare with",
            why=f"no reference profile is stored with {whose.bare_model} {whose.version}",
            remedy="Store one with `mlops-tui drift profile`, or name a --reference",
        )
    return found


async def _keep(session: Session, report: DriftReport, model: str, options: GlobalOptions) -> ExitCode:
    from mlops_tui.cli.actions import carry_out_beside
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.stored_reports import prepare_report

    project = (await find_model(session, model)).project
    action = await prepare_report(session, project, report)
    if action is None:
        tell("The report of this window is stored already; nothing was changed")
        return ExitCode.DONE
    return await carry_out_beside(session, action, options)


async def _project(session: Session, whose: Whose) -> Project:
    from mlops_tui.operations.models import find_model

    return (await find_model(session, whose.model or "")).project


def _listing(results: Sequence[DriftResult], source: str) -> Listing:
    items = [drift_reports.item(result) for result in results]
    return Listing("drift", drift_reports.COLUMNS, items, SystemClock().now(), source)
