"""A drift report for people, for pages and for CI systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

from mlops_tui.analysis.thresholds import false_alarms_per_month
from mlops_tui.cli.tables import Column
from mlops_tui.domain.canonical import instant
from mlops_tui.domain.drift import DriftResult, DriftVerdict
from mlops_tui.domain.drift_reports import DriftReport
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.text import clean

_ORDER = (DriftVerdict.DRIFT, DriftVerdict.INVALID, DriftVerdict.INSUFFICIENT, DriftVerdict.OK)
_WORDS = {
    DriftVerdict.DRIFT: "Drift",
    DriftVerdict.INVALID: "Not every feature could be compared",
    DriftVerdict.INSUFFICIENT: "Not enough data",
    DriftVerdict.OK: "No drift",
}


def _figure(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}"


COLUMNS = (
    Column("feature", "feature", is_whole=True),
    Column("kind", "kind"),
    Column("statistic", "statistic"),
    Column("value", "value", is_number=True, show=_figure),
    Column("p", "p_value", is_number=True, show=_figure),
    Column("threshold", "threshold", is_number=True, show=_figure),
    Column("verdict", "verdict", is_whole=True),
    Column("n reference", "n_reference", is_number=True),
    Column("n current", "n_current", is_number=True),
    Column("missing", "missing_current", is_number=True),
    Column("remark", "reason"),
)


def item(result: DriftResult) -> dict[str, Any]:
    """A result as programs read it."""
    return {
        "feature": result.feature,
        "kind": result.kind,
        "statistic": result.statistic,
        "value": result.value,
        "p_value": result.p_value,
        "threshold": result.threshold,
        "verdict": result.verdict,
        "n_reference": result.n_reference,
        "n_current": result.n_current,
        "missing_reference": result.missing_reference,
        "missing_current": result.missing_current,
        "decides": result.decides,
        "reason": result.reason or None,
    }


def ranked(report: DriftReport) -> Sequence[DriftResult]:
    """One result per feature, the worst first: by verdict, then by how far the value is over its threshold."""
    return sorted(_one_each(report), key=lambda result: (_ORDER.index(result.verdict), -_severity(result)))


def promise(level: float, every: timedelta | None) -> str:
    """How many false alarms there will be."""
    words = f"Of 100 analyses of unchanged data at most {100 * level:g} say drift"
    if every is None:
        return words
    return f"{words}; run every {format_duration(every)}, that is {false_alarms_per_month(level, every):.3g} in 30 days"


def context(report: DriftReport) -> list[str]:
    """What was compared with what, as sentences."""
    lines = [f"The reference is {report.reference} ({report.profile_id[:12]})"] if report.profile_id else []
    if report.traffic is not None:
        subject, window = report.traffic.subject, report.traffic.window
        parts = (subject.model, subject.version, subject.arm, subject.environment)
        whose = " ".join(part for part in parts if part)
        lines.append(f"The requests are those of {whose} from {instant(window.start)} to {instant(window.end)}")
    return lines


def markdown(report: DriftReport, statement: str) -> list[str]:
    """A page: the verdict, a row per feature with the worst first, and how often this is wrong."""
    results = ranked(report)
    drifted = sum(result.verdict is DriftVerdict.DRIFT for result in results)
    lines = [f"## {_WORDS[report.verdict]}: {drifted} of {len(results)} features differ from the reference", ""]
    rules = ["---:" if column.is_number else "---" for column in COLUMNS]
    rows = [[column.title for column in COLUMNS], rules]
    rows += [[_cell(column, item(result).get(column.key)) for column in COLUMNS] for result in results]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    said = [f"{_escaped(sentence)}." for sentence in (*context(report), statement)]
    return [*lines, "", *said, *(f"- {_escaped(remark)}" for remark in report.remarks)]


def junit(report: DriftReport) -> bytes:
    """A JUnit report with a test per feature: drift fails, too little data is skipped, what cannot be compared errs."""
    results = ranked(report)
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in DriftVerdict}
    totals = {
        "tests": str(len(results)),
        "failures": str(counts[DriftVerdict.DRIFT]),
        "errors": str(counts[DriftVerdict.INVALID]),
        "skipped": str(counts[DriftVerdict.INSUFFICIENT]),
    }
    suite = ET.Element("testsuite", {"name": "drift", **totals})
    for result in results:
        case = ET.SubElement(suite, "testcase", {"classname": "drift", "name": clean(result.feature)})
        _add_outcome(case, result)
    root = ET.Element("testsuites", totals)
    root.append(suite)
    ET.indent(root)
    document: bytes = ET.tostring(root, "utf-8", xml_declaration=True)
    return document + b"\n"


def _one_each(report: DriftReport) -> list[DriftResult]:
    """The result that decides for each feature; with another tool's rules the worst one where none does."""
    chosen: dict[str, DriftResult] = {}
    for result in report.results:
        known = chosen.get(result.feature)
        if known is None or result.decides or (not known.decides and _severity(result) > _severity(known)):
            chosen[result.feature] = result
    return list(chosen.values())


def _severity(result: DriftResult) -> float:
    if result.value is None or not result.threshold:
        return 0.0
    return result.value / result.threshold


def _add_outcome(case: ET.Element, result: DriftResult) -> None:
    remark = f" ({clean(result.reason, 200)})" if result.reason else ""
    words = f"{result.statistic} {_figure(result.value)}, threshold {_figure(result.threshold)}{remark}"
    match result.verdict:
        case DriftVerdict.DRIFT:
            ET.SubElement(case, "failure", {"message": words, "type": "drift"})
        case DriftVerdict.INVALID:
            ET.SubElement(case, "error", {"message": words, "type": "invalid"})
        case DriftVerdict.INSUFFICIENT:
            ET.SubElement(case, "skipped", {"message": words})
        case DriftVerdict.OK:
            ET.SubElement(case, "system-out").text = words


def _cell(column: Column, value: Any) -> str:
    if column.show:
        return column.show(value)
    return _escaped("-" if value is None else str(value))


def _escaped(text: str) -> str:
    plain = clean(text, 200)
    return "".join(f"\\{character}" if character in "\\`*_[]<>|~" else character for character in plain)
