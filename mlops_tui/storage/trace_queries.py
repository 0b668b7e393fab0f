"""Questions about stored spans: which traces, which services, how much traffic, which predictions got a label."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from mlops_tui.analysis.traffic import Arm, arm_of, arm_statistics, exact_quantiles
from mlops_tui.domain.inferences import PREDICTION, PREDICTION_ID, Subject
from mlops_tui.domain.trace_queries import (
    ArmStatistics,
    LabelledPrediction,
    QuantileMethod,
    SubjectFilter,
    TimeRange,
    TraceQuery,
    TraceSummary,
)
from mlops_tui.domain.traces import SpanStatus
from mlops_tui.domain.window_slices import Traffic
from mlops_tui.storage.trace_rows import SpanLoader
from mlops_tui.storage.trace_values import load_attributes


def list_traces(connection: sqlite3.Connection, query: TraceQuery) -> list[TraceSummary]:
    """The traces with a span that meets the conditions, the newest first."""
    subjects = _subjects(connection)
    wanted = [number for number, subject in subjects.items() if query.subjects.admits(subject)]
    if not wanted:
        return []
    found: dict[bytes, None] = {}
    for (key,) in connection.execute(*_span_statement(query, None if len(wanted) == len(subjects) else wanted)):
        found.setdefault(key[:16])
        if len(found) >= query.limit:
            break
    return [_summary(connection, trace, subjects) for trace in found]


def exact_statistics(
    connection: sqlite3.Connection, times: TimeRange, subjects: SubjectFilter
) -> tuple[ArmStatistics, ...]:
    """The traffic of each arm from every span in the range."""
    known = _subjects(connection)
    admitted = {number: subject for number, subject in known.items() if subjects.admits(subject)}
    durations: dict[Arm, list[int]] = defaultdict(list)
    traffic: dict[Arm, list[int]] = {}
    rows = connection.execute(
        "SELECT end_ns, subject, start_ns, status FROM spans WHERE end_ns >= ? AND end_ns < ? ORDER BY end_ns",
        (times.start_ns, times.end_ns),
    )
    for end_ns, number, start_ns, status in rows:
        subject = admitted.get(number)
        if subject is None:
            continue
        arm = arm_of(subject)
        durations[arm].append(end_ns - start_ns)
        seen = traffic.setdefault(arm, [0, end_ns, end_ns])
        seen[0] += status == SpanStatus.ERROR
        seen[2] = end_ns
    return tuple(
        arm_statistics(
            arm,
            Traffic(len(taken), errors=traffic[arm][0], first_ns=traffic[arm][1], last_ns=traffic[arm][2]),
            exact_quantiles(taken),
            QuantileMethod.EXACT,
        )
        for arm, taken in sorted(durations.items())
    )


def labelled_predictions(
    connection: sqlite3.Connection, times: TimeRange, subjects: SubjectFilter
) -> Iterator[LabelledPrediction]:
    """The predictions of a range of time that have a label by now; of several labels the latest counts."""
    known = _subjects(connection)
    labels: dict[int, tuple[int, str]] = {}
    rows = connection.execute(_LABELLED, {"start": times.start_ns, "end": times.end_ns})
    for number, subject, project, model, labelled_ns, outcomes in rows:
        about = known[subject]
        if not subjects.admits(about) or project not in {"", about.project} or model not in {"", about.model}:
            continue
        if number not in labels or labels[number][0] <= labelled_ns:
            labels[number] = (labelled_ns, outcomes)
    for stored in SpanLoader(connection).numbered(labels):
        labelled_ns, outcomes = labels[stored.number]
        predicted = {
            key[len(PREDICTION) :]: value
            for key, value in stored.span.attributes.items()
            if key.startswith(PREDICTION) and key != PREDICTION_ID
        }
        span = stored.span
        yield LabelledPrediction(
            *(span.trace_id, span.span_id, stored.subject, span.end_ns, labelled_ns),
            predicted,
            load_attributes(outcomes),
            span.attributes,
        )


_LABELLED = """
    SELECT s.number, s.subject, l.project, l.model, l.end_ns, l.outcomes
    FROM labels AS l JOIN spans AS s ON s.prediction = l.prediction
    WHERE s.end_ns >= :start AND s.end_ns < :end
    UNION ALL
    SELECT s.number, s.subject, l.project, l.model, l.end_ns, l.outcomes
    FROM labels AS l JOIN spans AS s ON s.id = l.target
    WHERE s.end_ns >= :start AND s.end_ns < :end"""


def _subjects(connection: sqlite3.Connection) -> dict[int, Subject]:
    rows = connection.execute("SELECT id, service, project, model, version, arm, environment FROM subjects")
    return {number: Subject(*parts) for number, *parts in rows}


def _span_statement(query: TraceQuery, subjects: Sequence[int] | None) -> tuple[str, list[Any]]:
    conditions = ["s.end_ns >= ?", "s.end_ns < ?"]
    values: list[Any] = [query.times.start_ns, query.times.end_ns]
    if subjects is not None:
        conditions.append(f"s.subject IN ({', '.join(map(str, subjects))})")
    if query.status is not None:
        conditions.append("s.status = ?")
        values.append(query.status.value)
    if query.least_ns is not None:
        conditions.append("s.end_ns - s.start_ns >= ?")
        values.append(query.least_ns)
    if query.most_ns is not None:
        conditions.append("s.end_ns - s.start_ns <= ?")
        values.append(query.most_ns)
    for name, text in query.attributes:
        condition, given = _attribute_condition(name, text)
        conditions.append(condition)
        values += given
    statement = f"""
        SELECT s.id FROM spans AS s JOIN origins AS o ON o.id = s.origin
        WHERE {" AND ".join(conditions)} ORDER BY s.end_ns DESC"""  # noqa: S608 - only numbers of ours are in it
    return statement, values


def _attribute_condition(name: str, text: str) -> tuple[str, list[Any]]:
    """An attribute equals a text, or the number or truth that the text spells."""
    path = f'$."{name}"'
    tests: list[str] = []
    values: list[Any] = []
    for holder in ("s.attributes", "o.resource"):
        tests.append(f"CAST(json_extract({holder}, ?) AS TEXT) = ?")
        values += [path, text]
        if text in {"true", "false"}:
            tests.append(f"json_type({holder}, ?) = ?")
            values += [path, text]
        elif (number := _number(text)) is not None:
            tests.append(f"(json_type({holder}, ?) IN ('integer', 'real') AND json_extract({holder}, ?) = ?)")
            values += [path, path, number]
    return f"({' OR '.join(tests)})", values


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _summary(connection: sqlite3.Connection, trace: bytes, subjects: dict[int, Subject]) -> TraceSummary:
    rows = connection.execute(
        "SELECT parent, name, start_ns, end_ns, status, subject FROM spans WHERE id BETWEEN ? AND ? ORDER BY start_ns",
        (trace, trace + b"\xff" * 8),
    ).fetchall()
    root = next((row for row in rows if not row[0]), rows[0])
    about = next((row for row in rows if subjects[row[5]].model), root)
    return TraceSummary(
        trace.hex(),
        root[1],
        subjects[about[5]],
        min(row[2] for row in rows),
        max(row[3] for row in rows),
        len(rows),
        sum(row[4] == SpanStatus.ERROR for row in rows),
    )
