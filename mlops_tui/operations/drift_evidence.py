"""What is known of a version's drift: the part of an evidence sheet that comes from stored reports."""

from __future__ import annotations

from datetime import datetime

from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.drift import DriftVerdict
from mlops_tui.domain.drift_reports import DriftReport
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.evidence_sheets import Observation
from mlops_tui.domain.models import ModelVersion
from mlops_tui.operations.session import Session
from mlops_tui.operations.stored_reports import newest_report

DRIFT = "drift"
_NONE = "no drift report is stored with this version"


async def drift_of(session: Session, version: ModelVersion) -> DriftReport | None:
    """The newest report that is stored with a version; None where there is none or nobody can tell."""
    try:
        return await newest_report(session, version)
    except MlopsError:
        return None


def drift_observation(report: DriftReport | None, now: datetime) -> Observation:
    """The verdict with what drifts, as it was at the end of its window."""
    if report is None or report.traffic is None:
        return Observation(DRIFT, now, False, _NONE)
    subject, window = report.traffic.subject, report.traffic.window
    value: dict[str, JsonValue] = {
        "verdict": report.verdict.value,
        "drifted": list(report.drifted),
        "features": len(report.deciding),
        "environment": subject.environment,
        "arm": subject.arm,
        "start": instant(window.start),
        "end": instant(window.end),
        "profile": report.profile_id,
    }
    where = " ".join(part for part in (subject.arm, subject.environment) if part)
    return Observation(DRIFT, window.end, True, f"{_in_words(report)} ({where or 'traffic'})", value)


def drift_gap(report: DriftReport | None) -> str:
    """What is missing where the policy asks for the drift status; empty where nothing drifts."""
    if report is None:
        return f"The policy asks for the drift status: {_NONE}"
    return "" if report.verdict is DriftVerdict.OK else f"Drift: {_in_words(report)}"


def _in_words(report: DriftReport) -> str:
    match report.verdict:
        case DriftVerdict.OK:
            return f"none of {len(report.deciding)} features drifts"
        case DriftVerdict.DRIFT:
            return f"{', '.join(report.drifted)} of {len(report.deciding)} features"
        case DriftVerdict.INSUFFICIENT | DriftVerdict.INVALID:
            return f"{report.verdict.value}, so nothing can be said"
