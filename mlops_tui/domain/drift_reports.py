"""A drift report: what was compared with what, every figure of it, and the verdict; it can be kept and read again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from mlops_tui.domain.canonical import JsonValue, canonical_json, digest, instant
from mlops_tui.domain.drift import DriftResult, DriftVerdict, FeatureKind, Statistic, overall
from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.monitoring_files import FOLDER

SCHEMA = "mlops-tui/drift-report/1"

_KEY_DIGITS = 12
_START = "%Y%m%dT%H%M%SZ"
_PATH = re.compile(rf"{FOLDER}report-(?P<start>[0-9]{{8}}T[0-9]{{6}}Z)-(?P<seconds>[0-9]{{1,9}})s-[0-9a-f]{{12}}\.json")


class ReportError(UsageError):
    """A stored report is damaged, of another version, or no report at all."""


@dataclass(frozen=True, slots=True)
class ReportedTraffic:
    """Whose requests a report is of, and when they were."""

    subject: Subject
    window: Stretch


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The results per feature and statistic, and remarks about what was not looked at.

    ``reference`` says what was compared with and ``profile_id`` is its digest, "" where there is none; ``level`` and
    ``smallest_effect`` are the promise that the verdicts keep, None where the rules were another tool's. ``traffic`` is
    None for data from files. ``sampled`` is how many requests everything rests on where not all could be counted.
    """

    results: tuple[DriftResult, ...]
    remarks: tuple[str, ...] = ()
    reference: str = ""
    profile_id: str = ""
    level: float | None = None
    smallest_effect: float | None = None
    traffic: ReportedTraffic | None = None
    sampled: int | None = None

    @property
    def verdict(self) -> DriftVerdict:
        """The verdict over all features."""
        return overall({result.verdict for result in self.results})

    @property
    def deciding(self) -> tuple[DriftResult, ...]:
        """One result per feature, where there is one that decides."""
        return tuple(result for result in self.results if result.decides)

    @property
    def drifted(self) -> tuple[str, ...]:
        """The features that drift."""
        return tuple(result.feature for result in self.deciding if result.verdict is DriftVerdict.DRIFT)


def report_path(report: DriftReport) -> str:
    """Where a report of traffic is kept with its version: the same path for the same question, whatever the answer.

    Raises:
        ValueError: the report is not of traffic.
    """
    traffic = report.traffic
    if traffic is None:
        raise ValueError("a report of files is not kept with a version")
    names = sorted({result.feature for result in report.results})
    question = [
        asdict(traffic.subject),
        instant(traffic.window.start),
        instant(traffic.window.end),
        report.profile_id,
        report.level,
        report.smallest_effect,
        names,
    ]
    seconds = int(traffic.window.width.total_seconds())
    return f"{FOLDER}report-{traffic.window.start.strftime(_START)}-{seconds}s-{digest(question)[:_KEY_DIGITS]}.json"


def end_of_report(path: str) -> datetime | None:
    """When the window ended that a file reports on, None where it is no report."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    start = datetime.strptime(found["start"], _START).replace(tzinfo=UTC)
    return start + timedelta(seconds=int(found["seconds"]))


def dump_report(report: DriftReport) -> bytes:
    """The file of a report; equal reports have equal files."""
    traffic = report.traffic
    document: dict[str, JsonValue] = {
        "schema": SCHEMA,
        "verdict": report.verdict.value,
        "reference": report.reference,
        "profile_id": report.profile_id,
        "level": report.level,
        "smallest_effect": report.smallest_effect,
        "sampled": report.sampled,
        "subject": asdict(traffic.subject) if traffic else None,
        "window": {"start": instant(traffic.window.start), "end": instant(traffic.window.end)} if traffic else None,
        "results": [asdict(result) for result in report.results],
        "remarks": list(report.remarks),
    }
    return canonical_json(document).encode("utf-8") + b"\n"


def load_report(data: bytes, source: str) -> DriftReport:
    """Read the file of a report; ``source`` names it in errors.

    Raises:
        ReportError: it is damaged, of another version, or something else.
    """
    what = f"{source} cannot be read as a drift report"
    try:
        document = json.loads(data)
        schema = document["schema"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ReportError(what, why="it is cut off or damaged") from None
    if schema != SCHEMA:
        raise ReportError(what, why=f"it is of version {schema}, and this program reads {SCHEMA}")
    try:
        report = DriftReport(
            results=tuple(map(result_of, document["results"])),
            remarks=tuple(map(str, document["remarks"])),
            reference=str(document["reference"]),
            profile_id=str(document["profile_id"]),
            level=document["level"],
            smallest_effect=document["smallest_effect"],
            traffic=_traffic(document),
            sampled=document["sampled"],
        )
        is_whole = report.verdict == document["verdict"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ReportError(what, why=f"a part of it is damaged ({error})") from None
    if not is_whole:
        raise ReportError(what, why="its verdict does not follow from its results")
    return report


def result_of(row: Mapping[str, Any]) -> DriftResult:
    """A result from its fields as JSON has them; raises KeyError, TypeError or ValueError for what is none."""
    values = {field.name: row[field.name] for field in fields(DriftResult)}
    values |= {"kind": FeatureKind(row["kind"]), "statistic": Statistic(row["statistic"])}
    return DriftResult(**values | {"verdict": DriftVerdict(row["verdict"])})


def _traffic(document: Mapping[str, Any]) -> ReportedTraffic | None:
    if document["subject"] is None:
        return None
    start, end = (datetime.fromisoformat(document["window"][key]) for key in ("start", "end"))
    return ReportedTraffic(Subject(**document["subject"]), Stretch(start, end - start))
