"""The traffic of arms as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, assert_never

from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.trace_queries import QuantileMethod
from mlops_tui.domain.window_slices import LATENCY_ERROR
from mlops_tui.screens.listing import Item
from mlops_tui.screens.trace_items import duration_text, moment
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import EMPTY, Align, Cell, Picture, number
from mlops_tui.widgets.sparkline import sparkline
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.times import age

if TYPE_CHECKING:
    from mlops_tui.analysis.arm_traffic import Arm, ArmTraffic, TrendPoint

EVERY_ARM = "all"


class Measure(Enum):
    """What a trend is drawn of; the value is the title of its column."""

    RATE = "RATE TREND"
    LATENCY = "P95 TREND"
    ERRORS = "ERROR TREND"

    def next(self) -> Measure:
        """The one after it, and the first after the last."""
        order = tuple(Measure)
        return order[(order.index(self) + 1) % len(order)]

    def of(self, point: TrendPoint) -> float:
        """Its value in one window, not a number where there is none."""
        match self:
            case Measure.RATE:
                return point.rate
            case Measure.LATENCY:
                return float("nan") if point.p95_ns is None else point.p95_ns
            case Measure.ERRORS:
                return point.errors / point.spans if point.spans else float("nan")
            case _:
                assert_never(self)


def traffic_columns(measure: Measure) -> tuple[Column, ...]:
    """The columns of traffic, with the trend of one measure."""
    return (
        Column("model", "MODEL", 10, flex=2, max_width=30),
        Column("version", "VERSION", 7, flex=1, max_width=18),
        Column("arm", "ARM", 6, flex=1, max_width=12),
        Column("rate", "RATE", 8, align=Align.RIGHT),
        Column("errors", "ERRORS", 9, align=Align.RIGHT),
        Column("p50", "P50", 6, priority=35, align=Align.RIGHT),
        Column("p95", "P95", 6, priority=80, align=Align.RIGHT),
        Column("p99", "P99", 6, priority=50, align=Align.RIGHT),
        Column("found", "FOUND", 6, priority=45, is_sortable=False),
        Column("spans", "N", 7, priority=40, align=Align.RIGHT),
        Column("age", "AGE", 4, priority=60, align=Align.RIGHT),
        Column("trend", measure.value, 12, flex=3, max_width=60, priority=70, is_sortable=False),
        Column("environment", "WHERE", 8, flex=1, max_width=18, priority=30),
        Column("service", "SERVICE", 8, flex=1, max_width=24, priority=20),
    )


@dataclass(frozen=True, slots=True)
class TrafficLook:
    """How traffic is drawn: of which moment, with which trend, and which arm is chosen."""

    now: datetime
    measure: Measure
    chosen: Arm | None
    trends: Mapping[Arm, Sequence[TrendPoint]]


def traffic_items(arms: Sequence[ArmTraffic], look: TrafficLook) -> list[Item]:
    """One row for everything and one for each arm."""
    return [_everything(arms, look), *(_arm_item(item, look) for item in arms)] if arms else []


def arm_key(arm: Arm) -> str:
    """The key of an arm's row."""
    return "\n".join((arm.model, arm.version, arm.arm, arm.environment, arm.service))


def arm_title(arm: Arm) -> str:
    """An arm in words."""
    words = (arm.model, arm.version, arm.arm) if arm.model else (arm.service or "an unnamed service",)
    where = f"in {arm.environment}" if arm.environment else ""
    return " ".join(word for word in (*words, where) if word)


def traffic_value(item: ArmTraffic) -> dict[str, JsonValue]:
    """The traffic of an arm with everything its row knows."""
    arm = item.arm
    return {
        "model": arm.model or None,
        "version": arm.version or None,
        "arm": arm.arm or None,
        "environment": arm.environment or None,
        "services": list(item.services),
        "spans": item.spans,
        "errors": item.errors,
        "spans_per_second": item.rate,
        "p50_ms": _milliseconds(item.p50_ns),
        "p95_ms": _milliseconds(item.p95_ns),
        "p99_ms": _milliseconds(item.p99_ns),
        "quantiles": item.method.value,
        "sampled": item.sampled,
        "first": instant(moment(item.first_ns)),
        "last": instant(moment(item.last_ns)),
    }


def _everything(arms: Sequence[ArmTraffic], look: TrafficLook) -> Item:
    spans, errors = sum(item.spans for item in arms), sum(item.errors for item in arms)
    last = max(item.last_ns for item in arms)
    rate = sum(item.rate for item in arms)
    blank = (EMPTY,) * 4
    cells = (
        Cell(f"{_mark(is_chosen=look.chosen is None)}All", Token.STRONG),
        EMPTY,
        EMPTY,
        number(_rate_text(rate)),
        _errors_cell(errors, spans),
        *blank,
        number(f"{spans:,}"),
        number(age(moment(last), look.now), Token.MUTED),
        EMPTY,
        EMPTY,
        EMPTY,
    )
    return Item(EVERY_ARM, cells)


def _arm_item(item: ArmTraffic, look: TrafficLook) -> Item:
    arm = item.arm
    cells = (
        Cell(f"{_mark(is_chosen=look.chosen == arm)}{_name(arm)}", Token.STRONG if arm.model else Token.MUTED),
        Cell(arm.version),
        Cell(arm.arm),
        number(_rate_text(item.rate)),
        _errors_cell(item.errors, item.spans),
        number(duration_text(item.p50_ns)),
        number(duration_text(item.p95_ns)),
        number(duration_text(item.p99_ns)),
        _found_cell(item),
        number(f"{item.spans if item.sampled is None else item.sampled:,}"),
        number(age(moment(item.last_ns), look.now), Token.MUTED),
        _trend_cell(look.trends.get(arm, ()), look.measure),
        Cell(arm.environment, Token.MUTED),
        Cell(", ".join(item.services), Token.MUTED),
    )
    order = {
        "rate": item.rate,
        "errors": item.errors / item.spans if item.spans else None,
        "p50": item.p50_ns,
        "p95": item.p95_ns,
        "p99": item.p99_ns,
        "spans": float(item.spans),
        "age": float(-item.last_ns),
    }
    return Item(arm_key(arm), cells, order)


def _name(arm: Arm) -> str:
    return arm.model or f"({arm.service or 'unnamed'})"


def _mark(*, is_chosen: bool) -> str:
    return f"{Sign.CRUMB.glyph} " if is_chosen else ""


def _rate_text(rate: float) -> str:
    """Spans a second, or a minute where they are few."""
    if rate >= 1:
        return f"{rate:,.0f}/s" if rate >= 100 else f"{rate:.1f}/s"
    return f"{rate * 60:.1f}/min"


def _errors_cell(errors: int, spans: int) -> Cell:
    if not errors:
        return number("0", Token.MUTED)
    share = 100 * errors / spans
    return number(f"{errors:,} {share:.0f}%" if share >= 10 else f"{errors:,} {share:.1f}%", Token.ERROR)


def _found_cell(item: ArmTraffic) -> Cell:
    """How the quantiles were found."""
    if item.sampled is not None:
        return Cell("sample", Token.WARNING)
    match item.method:
        case QuantileMethod.SAMPLE:
            return Cell("sample", Token.WARNING)
        case QuantileMethod.EXACT:
            return Cell("exact", Token.MUTED)
        case QuantileMethod.BUCKETS:
            return Cell(f"±{100 * LATENCY_ERROR:.1f}%", Token.MUTED)
        case _:
            assert_never(item.method)


def _trend_cell(points: Sequence[TrendPoint], measure: Measure) -> Cell:
    values = [measure.of(point) for point in points]
    text = sparkline(values, 12)
    return Picture(text, Token.SERIES_1, draw=lambda width: (Cell(sparkline(values, width), Token.SERIES_1),))


def _milliseconds(length_ns: float | None) -> float | None:
    return None if length_ns is None else length_ns / 1_000_000
