"""Traces as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.trace_queries import TraceSummary
from mlops_tui.screens.listing import Item
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.times import short_moment

_NANOSECONDS = 1_000_000_000
_DAY = timedelta(hours=20)
_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"))


LIST_COLUMNS = (
    Column("when", "WHEN", 8, max_width=11, flex=1),
    Column("name", "NAME", 15, flex=3, max_width=40),
    Column("model", "MODEL", 8, flex=1, max_width=24),
    Column("version", "VERSION", 7, flex=1, max_width=18),
    Column("arm", "ARM", 6, flex=1, max_width=12),
    Column("status", "STATUS", 9),
    Column("duration", "TOOK", 7, align=Align.RIGHT),
    Column("spans", "SPANS", 5, priority=40, align=Align.RIGHT),
    Column("environment", "WHERE", 8, flex=1, max_width=18, priority=30),
    Column("service", "SERVICE", 8, flex=1, max_width=24, priority=35),
    Column("trace", "TRACE", 32, priority=10, is_sortable=False),
)


def summary_items(traces: Sequence[TraceSummary], now: datetime) -> list[Item]:
    """One row for each trace."""
    return [_summary_item(item, now) for item in traces]


def duration_text(length_ns: float | None) -> str:
    """A duration in its largest unit with three digits, for instance "1.25s", "182ms" or "12us"; "-" for none."""
    if length_ns is None:
        return "-"
    if length_ns >= 60 * _NANOSECONDS:
        minutes, seconds = divmod(round(length_ns / _NANOSECONDS), 60)
        return f"{minutes}m{seconds:02}s"
    unit, name = next((pair for pair in _UNITS if length_ns >= pair[0] * 0.9995), (1, "ns"))
    value = length_ns / unit
    digits = 0 if value >= 99.95 or unit == 1 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f}{name}"


def summary_value(trace: TraceSummary) -> dict[str, JsonValue]:
    """A trace in a list with everything its row knows."""
    subject = trace.subject
    return {
        "trace_id": trace.trace_id,
        "name": trace.name,
        "service": subject.service or None,
        "project": subject.project or None,
        "model": subject.model or None,
        "version": subject.version or None,
        "arm": subject.arm or None,
        "environment": subject.environment or None,
        "start": instant(moment(trace.start_ns)),
        "end": instant(moment(trace.end_ns)),
        "duration_ms": (trace.end_ns - trace.start_ns) / 1_000_000,
        "spans": trace.spans,
        "errors": trace.errors,
    }


def moment(at_ns: int) -> datetime:
    """A time of a span, to the microsecond."""
    seconds, rest = divmod(at_ns, _NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1_000)


def clock_text(at_ns: int, now: datetime) -> str:
    """When a span began: the time of day of the last hours, before that the date too."""
    at = moment(at_ns)
    if abs(now - at) > _DAY:
        return short_moment(at, now)
    return f"{at.astimezone(now.astimezone().tzinfo or UTC):%H:%M:%S}"


def _summary_item(trace: TraceSummary, now: datetime) -> Item:
    subject = trace.subject
    took = trace.end_ns - trace.start_ns
    cells = (
        Cell(clock_text(trace.start_ns, now)),
        Cell(trace.name, Token.STRONG),
        Cell(subject.model),
        Cell(subject.version),
        Cell(subject.arm),
        _outcome_cell(trace.errors),
        number(duration_text(took)),
        number(f"{trace.spans:,}", Token.MUTED),
        Cell(subject.environment, Token.MUTED),
        Cell(subject.service, Token.MUTED),
        Cell(trace.trace_id, Token.MUTED),
    )
    order = {
        "when": float(-trace.end_ns),
        "status": float(-trace.errors),
        "duration": float(took),
        "spans": float(trace.spans),
    }
    return Item(trace.trace_id, cells, order)


def _outcome_cell(errors: int) -> Cell:
    if not errors:
        return Cell(f"{Sign.OK.glyph} ok", Token.OK)
    return Cell(f"{Sign.FAILED.glyph} {errors:,} err", Token.ERROR)
