"""Traces as the command line writes them: items, their columns, and options that choose among them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mlops_tui.cli.tables import Column
from mlops_tui.domain.clock import Clock
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.inferences import Subject, columns_of, subject_of
from mlops_tui.domain.trace_queries import LAST_NS, ArmStatistics, ServiceSummary, TimeRange, TraceSummary
from mlops_tui.domain.traces import Span, Trace, Value

_NANOSECONDS = 1_000_000_000
_MILLISECOND = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9_./\-]{1,256}")


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


LIST = (
    Column("trace", "trace_id", is_whole=True),
    Column("name", "name"),
    Column("model", "model"),
    Column("version", "version"),
    Column("arm", "arm"),
    Column("status", "status"),
    Column("start", "start"),
    Column("ms", "duration_ms", is_number=True, show=_milliseconds),
    Column("spans", "spans", is_number=True),
)
SPANS = (
    Column("span", "span_id", is_whole=True),
    Column("parent", "parent_id"),
    Column("name", "name"),
    Column("kind", "kind"),
    Column("status", "status"),
    Column("start", "start"),
    Column("ms", "duration_ms", is_number=True, show=_milliseconds),
    Column("features", "features"),
    Column("predictions", "predictions"),
)
STATISTICS = (
    Column("model", "model"),
    Column("version", "version"),
    Column("arm", "arm"),
    Column("spans", "spans", is_number=True),
    Column("errors", "errors", is_number=True),
    Column("p50 ms", "p50_ms", is_number=True, show=_milliseconds),
    Column("p95 ms", "p95_ms", is_number=True, show=_milliseconds),
    Column("p99 ms", "p99_ms", is_number=True, show=_milliseconds),
    Column("first", "first"),
    Column("last", "last"),
)
SERVICES = (
    Column("service", "service"),
    Column("project", "project"),
    Column("environment", "environment"),
    Column("models", "models"),
    Column("spans", "spans", is_number=True),
    Column("errors", "errors", is_number=True),
    Column("first", "first"),
    Column("last", "last"),
)
IMPORTS = (
    Column("file", "file"),
    Column("stored", "stored", is_number=True),
    Column("duplicates", "duplicates", is_number=True),
    Column("rejected", "rejected", is_number=True),
    Column("message", "message"),
)


def summary_item(summary: TraceSummary) -> dict[str, Any]:
    """A trace in a list."""
    return {
        "trace_id": summary.trace_id,
        "name": summary.name,
        **_subject_item(summary.subject),
        "status": "error" if summary.errors else "ok",
        "start": moment(summary.start_ns),
        "duration_ms": (summary.end_ns - summary.start_ns) / _MILLISECOND,
        "spans": summary.spans,
        "errors": summary.errors,
    }


def span_items(trace: Trace) -> list[dict[str, Any]]:
    """The spans of a trace, by start."""
    return [_span_item(span) for span in trace.spans]


def statistics_item(arm: ArmStatistics) -> dict[str, Any]:
    """The traffic of one model version on one arm; without a name where the spans tell none."""
    return {
        "model": arm.model or None,
        "version": arm.version or None,
        "arm": arm.arm or None,
        "spans": arm.spans,
        "errors": arm.errors,
        "p50_ms": _in_milliseconds(arm.p50_ns),
        "p95_ms": _in_milliseconds(arm.p95_ns),
        "p99_ms": _in_milliseconds(arm.p99_ns),
        "first": moment(arm.first_ns),
        "last": moment(arm.last_ns),
        "quantiles": arm.method.value,
        "sampled": arm.sampled,
    }


def service_item(service: ServiceSummary) -> dict[str, Any]:
    """A service."""
    return {
        "service": service.service or None,
        "project": service.project or None,
        "environment": service.environment or None,
        "models": service.models,
        "spans": service.spans,
        "errors": service.errors,
        "first": moment(service.first_ns),
        "last": moment(service.last_ns),
        "sampled": service.sampled,
    }


def moment(at_ns: int) -> datetime:
    """A time of the store, in UTC."""
    seconds, rest = divmod(at_ns, _NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1_000)


def time_range(since: str | None, until: str | None, clock: Clock) -> TimeRange:
    """The range that two options name: times in ISO 8601, or how long ago (``2h``).

    Raises:
        UsageError: One of them is neither.
    """
    return TimeRange(
        0 if since is None else _time_ns(since, clock, "--since"),
        LAST_NS if until is None else _time_ns(until, clock, "--until"),
    )


def attribute_filters(texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    """Conditions ``NAME=VALUE`` taken apart.

    Raises:
        UsageError: One is not of this form.
    """
    pairs = []
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not sign or not _NAME.fullmatch(name):
            raise UsageError(f"{text!r} is no condition on an attribute", remedy="Write NAME=VALUE")
        pairs.append((name, value))
    return tuple(pairs)


def _span_item(span: Span) -> dict[str, Any]:
    columns = columns_of(span)
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id or None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        **_subject_item(subject_of(span)),
        "status": span.status.name.lower(),
        "message": span.status_message or None,
        "start": moment(span.start_ns),
        "duration_ms": span.duration_ns / _MILLISECOND,
        "features": {name: _shown(value) for name, value in columns.items() if not name.startswith("prediction.")},
        "predictions": {
            name.removeprefix("prediction."): _shown(value)
            for name, value in columns.items()
            if name.startswith("prediction.")
        },
        "attributes": _shown(span.attributes),
        "resource": _shown(span.resource.attributes),
        "scope": " ".join(part for part in (span.scope.name, span.scope.version) if part) or None,
        "events": [
            {"at": moment(event.time_ns), "name": event.name, "attributes": _shown(event.attributes)}
            for event in span.events
        ],
        "links": [{"trace_id": link.trace_id, "span_id": link.span_id} for link in span.links],
        "dropped": span.dropped,
        "withheld": span.withheld,
    }


def _subject_item(subject: Subject) -> dict[str, Any]:
    return {
        "service": subject.service or None,
        "project": subject.project or None,
        "model": subject.model or None,
        "version": subject.version or None,
        "arm": subject.arm or None,
        "environment": subject.environment or None,
    }


def _shown(value: Value) -> Any:
    """A value that JSON can hold; bytes stand as base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case Mapping():
            return {key: _shown(item) for key, item in value.items()}
        case tuple() | list():
            return [_shown(item) for item in value]
        case _:
            return value


def _in_milliseconds(duration_ns: float | None) -> float | None:
    return None if duration_ns is None else duration_ns / _MILLISECOND


def _time_ns(text: str, clock: Clock, option: str) -> int:
    try:
        at = clock.now() - parse_duration(text)
    except ValueError:
        at = _iso(text, option)
    return max(0, int(at.timestamp() * 1_000_000)) * 1_000


def _iso(text: str, option: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no time", remedy="Write 2026-03-02T12:00:00Z, or how long ago, such as 2h"
        ) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
