"""An alert as the cells of a row, as the lines below the table, and as everything known about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_tui.domain.canonical import JsonValue, plain
from mlops_tui.domain.durations import coarse_duration
from mlops_tui.domain.policy import Severity
from mlops_tui.screens.listing import Item
from mlops_tui.screens.live import PROD
from mlops_tui.screens.states import alert_state
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.sparkline import sparkline
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.text_layout import TextLine
from mlops_tui.widgets.times import age, short_moment

if TYPE_CHECKING:
    from mlops_tui.domain.alert_board import Alert

TREND = 12
WIDE_TREND = 48
COLUMNS = (
    Column("state", "STATE", 14),
    Column("name", "ALERT", 14, flex=3, max_width=40),
    Column("model", "MODEL", 7, flex=1, max_width=24, priority=70),
    Column("environment", "WHERE", 15, flex=1, max_width=24, priority=50),
    Column("value", "VALUE", 8, align=Align.RIGHT),
    Column("limit", "LIMIT", 17, flex=1, max_width=24, priority=65),
    Column("trend", "TREND", TREND, priority=60, is_sortable=False),
    Column("age", "SINCE", 5, align=Align.RIGHT, priority=55),
    Column("severity", "SEVERITY", 8, priority=45),
    Column("handling", "HANDLING", 14, flex=1, max_width=30, priority=40),
    Column("issue", "ISSUE", 6, priority=35),
    Column("project", "PROJECT", 10, flex=1, max_width=30, priority=15),
)
_SEVERITIES = {severity: float(place) for place, severity in enumerate(Severity)}
_SEVERE = {Severity.CRITICAL: Token.ERROR, Severity.HIGH: Token.WARNING}


def alert_item(alert: Alert, place: int, now: datetime) -> Item:
    """One row; ``place`` is where it stands among all, what needs attention first."""
    status = alert.status
    severity = alert.rule.severity
    cells = (
        alert_state(status.state).cell,
        Cell(alert.rule.name, Token.STRONG if alert.counts(now) else Token.PLAIN),
        Cell(alert.subject.model),
        where_cell(alert),
        number(value_text(alert), Token.ERROR if status.is_firing else Token.PLAIN),
        Cell(alert.limit, Token.MUTED),
        Cell(trend(alert, TREND), Token.MUTED),
        number(age(status.since, now), Token.MUTED),
        Cell(severity.value, _SEVERE.get(severity, Token.MUTED)),
        Cell(handling_text(alert, now), Token.MUTED),
        Cell(f"#{alert.issue.iid}" if alert.issue else "", Token.MUTED),
        Cell(alert.subject.project, Token.MUTED),
    )
    since = -status.since.timestamp() if status.since else None
    order = {"state": float(place), "age": since, "value": status.value, "severity": _SEVERITIES[severity]}
    return Item(alert.fingerprint, cells, order)


def detail_lines(alert: Alert, now: datetime) -> Iterator[TextLine]:
    """What is known about one alert, for the pane below the table."""
    status = alert.status
    yield (
        alert_state(status.state).cell,
        Cell(f"  {alert.rule.name}  ", Token.STRONG),
        Cell(alert.subject.model),
        Cell("  "),
        where_cell(alert),
    )
    figure = f"{alert.rule.metric} {value_text(alert)} {alert.metric.unit}".rstrip()
    yield (Cell(figure), Cell(f"  {alert.limit}{_clearing(alert)}  n = {status.n:,}", Token.MUTED))
    yield (Cell(trend(alert, WIDE_TREND).lstrip()), Cell(_range(alert), Token.MUTED))
    yield (Cell("  ".join(_times(alert, now)), Token.MUTED),)
    if alert.reason:
        yield (Cell(f"No value now: {alert.reason}", Token.WARNING),)
    if (handled := handling_text(alert, now)) or alert.issue:
        page = f"  {alert.issue.web_url}" if alert.issue else ""
        yield (Cell(handled or "nobody has taken it on", Token.PLAIN), Cell(page, Token.MUTED))


def alert_value(alert: Alert, now: datetime) -> dict[str, JsonValue]:
    """Everything known about an alert, for reading."""
    status = alert.status
    return {
        "fingerprint": alert.fingerprint,
        "rule": alert.rule.name,
        "severity": alert.rule.severity.value,
        "project": alert.subject.project,
        "model": alert.subject.model,
        "environment": alert.subject.environment,
        "metric": alert.rule.metric,
        "limit": alert.limit + _clearing(alert),
        "state": status.state.value,
        "value": status.value,
        "n": status.n,
        "reason": alert.reason,
        "firing since": plain(status.fired_at if status.is_firing else None),
        "resolved": plain(status.resolved_at),
        "firings": status.firings,
        "judged until": plain(status.judged_until),
        "handling": handling_text(alert, now),
        "issue": alert.issue.web_url if alert.issue else "",
        "windows": [
            {"end": plain(point.end), "value": plain(point.value), "n": point.n, "reason": point.reason}
            for point in reversed(alert.series.points)
        ],
    }


def handling_text(alert: Alert, now: datetime) -> str:
    """Who took it on, and until when it is silenced."""
    parts = []
    if (silence := alert.silence(now)) is not None:
        parts.append(f"silenced {coarse_duration(silence.until - now)} more")
    if alert.acknowledgement is not None:
        parts.append(f"taken on by {alert.acknowledgement.by}")
    return ", ".join(parts)


def value_text(alert: Alert) -> str:
    """The last value in a few characters."""
    return "-" if alert.status.value is None else f"{alert.status.value:.3g}"


def trend(alert: Alert, width: int) -> str:
    """The last windows as bars, with gaps where nothing could be said."""
    points = alert.series.points[-width:]
    return sparkline([math.nan if point.value is None else point.value for point in points], width)


def where_cell(alert: Alert) -> Cell:
    """The environment, marked where it is production."""
    name = alert.subject.environment or "all"
    return Cell(f"{PROD} {name}", Token.PRODUCTION) if alert.is_production else Cell(name)


def _clearing(alert: Alert) -> str:
    rule = alert.rule
    if rule.clear_below is not None:
        return f", clears below {rule.clear_below:g}"
    return f", clears above {rule.clear_above:g}" if rule.clear_above is not None else ""


def _range(alert: Alert) -> str:
    known = [point.value for point in alert.series.points[-WIDE_TREND:] if point.value is not None]
    return f"  {min(known):.3g} to {max(known):.3g}" if known else ""


def _times(alert: Alert, now: datetime) -> Iterator[str]:
    status = alert.status
    if status.is_firing:
        yield f"firing since {short_moment(status.fired_at, now)} ({age(status.fired_at, now)})"
    elif status.resolved_at is not None:
        yield f"fired {short_moment(status.fired_at, now)}, over {short_moment(status.resolved_at, now)}"
    if status.firings:
        yield f"fired {status.firings} times" if status.firings > 1 else "fired once"
    if status.judged_until is not None:
        yield f"judged until {short_moment(status.judged_until, now)}"
