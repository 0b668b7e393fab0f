"""Drift reports in the registry: each is a file of the version, and its figures are metrics of the version's run.

Storing is idempotent for a window. Figures are logged at the step that is the window's end, and after them the file is
stored, whose name follows from the question. Where it is there, all is there; where it is not, only those figures are
logged that are missing at that step, so that a job which was stopped half-way goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Preview
from mlops_tui.domain.actions import Subject as ActionSubject
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.drift import DriftVerdict
from mlops_tui.domain.drift_reports import (
    DriftReport,
    ReportedTraffic,
    dump_report,
    end_of_report,
    load_report,
    report_path,
)
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.projects import Project
from mlops_tui.gitlab.metrics import log_metrics_call, metric_history
from mlops_tui.gitlab.package_files import store_call
from mlops_tui.gitlab.runs import get_run
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only
from mlops_tui.operations.models import read_version
from mlops_tui.operations.session import Session
from mlops_tui.operations.stored_files import read_stored_file, stored_files

VERDICT_CODES = {
    DriftVerdict.OK: 0,
    DriftVerdict.DRIFT: 1,
    DriftVerdict.INSUFFICIENT: 2,
    DriftVerdict.INVALID: 3,
}
_MOST_IN_A_CALL = 500
_LONGEST_NAME = 250


@dataclass(frozen=True, slots=True)
class _Standing:
    """What of a report is stored: the file's digest (None: it is not there), and the figures that are not logged."""

    version: ModelVersion
    sha256: str | None
    missing: Mapping[str, float]


async def prepare_report(session: Session, project: Project, report: DriftReport) -> Action | None:
    """Preview storing a report of traffic with the version it is of; None where all of it is stored already.

    Raises:
        UsageError: the report is of files, or the registry does not have the version.
    """
    refuse_when_read_only(session)
    traffic = _traffic_of(report)
    await session.identify()
    path = report_path(report)
    standing = await _standing(session, project, report)
    if standing.sha256 is not None:
        return None
    calls = (
        *_logging_calls(standing, traffic),
        store_call(standing.version, path, dump_report(report), "store the report with the version"),
    )
    what = f"{traffic.subject.model} {traffic.subject.version}"

    async def read_state() -> State:
        now = await _standing(session, project, report)
        return {"version id": now.version.id, "report": now.sha256, "figures to log": sorted(now.missing)}

    async def perform(sender: Sender) -> Performed:
        for call in calls:
            await sender.send(call)
        page = f"{session.context.url}{standing.version.web_path}" if standing.version.web_path else ""
        return Performed(f"The drift report is stored with {what}", (page,) if page else (), {"report": path})

    subject = ActionSubject(session.context.origin, project.ref.path, traffic.subject.model, traffic.subject.version)
    intent = new_intent(session, ActionKind.STORE_REPORT, subject, await read_state())
    changes = (
        Change("report", "none", path),
        Change("figures to log", "", f"{len(standing.missing)} of {len(figures(report))}"),
        Change("verdict", "", report.verdict.value),
    )
    title = f"Store the drift report of {what}"
    return Action(
        Preview(intent, title, calls, changes, Confirmation(ConfirmationKind.YES), is_production=False),
        read_state,
        perform,
    )


async def newest_report(session: Session, version: ModelVersion) -> DriftReport | None:
    """The stored report of the window that ended last, None where there is none.

    Raises:
        ReportError: it is damaged, or of a newer version of this program.
        GateError: it is not what the registry keeps the checksum of.
    """
    files = await stored_files(session, version)
    ends = {path: end for path in files if (end := end_of_report(path)) is not None}
    if not ends:
        return None
    path = max(ends, key=lambda path: (ends[path], path))
    return load_report(await read_stored_file(session, version.project, files[path]), path)


def figures(report: DriftReport) -> dict[str, float]:
    """What is logged of a report: the deciding statistic of each feature, and last the verdict as a number.

    Names begin with ``drift.``, the environment, the arm and the width of the window, as what is measured over a day
    does not continue what is measured over an hour. Figures that are no finite number are left out.
    """
    traffic = _traffic_of(report)
    parts = ("drift", traffic.subject.environment, traffic.subject.arm, format_duration(traffic.window.width))
    prefix = "".join(f"{part}." for part in parts if part)
    values = {
        f"{prefix}{result.feature}.{result.statistic}"[:_LONGEST_NAME]: result.value
        for result in report.deciding
        if result.value is not None and math.isfinite(result.value)
    }
    rows = max((result.n_current for result in report.results), default=0)
    totals = {f"{prefix}rows": float(rows), f"{prefix}drifted": float(len(report.drifted))}
    return {**values, **totals, f"{prefix}verdict": float(VERDICT_CODES[report.verdict])}


async def _standing(session: Session, project: Project, report: DriftReport) -> _Standing:
    traffic = _traffic_of(report)
    subject = traffic.subject
    version = await read_version(session, project, subject.model, subject.version)
    if version is None:
        raise UsageError(
            f"The report of {subject.model} {subject.version} cannot be stored",
            why=f"the registry of {project.ref.path} has no such version",
            remedy="Register it, or leave out --store",
        )
    file = (await stored_files(session, version)).get(report_path(report))
    if file is not None:
        return _Standing(version, file.sha256 or "", {})
    return _Standing(version, None, await _not_logged(session, version, figures(report), _step(traffic)))


async def _not_logged(
    session: Session, version: ModelVersion, values: Mapping[str, float], step: int
) -> dict[str, float]:
    """The figures that have no value at a step.

    A call logs all of its figures or none, so that looking at the last one of each is enough where nothing is there.
    """
    run = await get_run(session.transport, version.project, version.run_id)

    async def is_logged(name: str) -> bool:
        if name not in run.metrics:
            return False
        return any(point.step == step for point in (await metric_history(session.transport, run, name)).points)

    last_of_each = [name for part in _portions(values) for name in list(part)[-1:]]
    if not any([await is_logged(name) for name in last_of_each]):
        return dict(values)
    return {name: value for name, value in values.items() if not await is_logged(name)}


def _logging_calls(standing: _Standing, traffic: ReportedTraffic) -> list[ApiCall]:
    version = standing.version
    return [
        log_metrics_call(version.project, version.run_id, part, _step(traffic), traffic.window.end)
        for part in _portions(standing.missing)
    ]


def _portions(values: Mapping[str, float]) -> list[dict[str, float]]:
    """The figures as single calls take them."""
    rows = list(values.items())
    return [dict(rows[start : start + _MOST_IN_A_CALL]) for start in range(0, len(rows), _MOST_IN_A_CALL)]


def _step(traffic: ReportedTraffic) -> int:
    """The window's end in seconds since the Unix epoch."""
    return int(traffic.window.end.timestamp())


def _traffic_of(report: DriftReport) -> ReportedTraffic:
    if report.traffic is None:
        raise UsageError(
            "The report cannot be stored",
            why="it is of a file, and a report is stored by its window of traffic",
            remedy="Compare a --window of traffic",
        )
    return report.traffic
