"""Alerts: what a rule makes of the windows of a figure, one after the other, each counted once.

A rule is quiet, pending while its limit is passed for less than it asks for, firing after that, and resolved once the
value has come back beyond the line that clears it. A window with too little data moves nothing: it neither fires nor
resolves, and is told as what it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mlops_tui.domain.canonical import digest
from mlops_tui.domain.monitored_metrics import MetricPoint
from mlops_tui.domain.policy import AlertRule


class AlertState(StrEnum):
    """Where an alert stands. OK never fired; INSUFFICIENT has too little data to tell."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    INSUFFICIENT = "insufficient"


class Side(StrEnum):
    """On which side of a rule's lines a window lies; BETWEEN is the band in which nothing changes."""

    BEYOND = "beyond"
    BETWEEN = "between"
    CLEAR = "clear"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """What the windows with data up to ``judged_until`` made of a rule.

    ``since`` is when the state began: pending with the start of its first window, the others with the end of theirs.
    ``held`` is how long the limit has been passed, in windows with data; ``beyond_until`` is the end of the last such
    window. ``value`` and ``n`` are of the newest window with data, ``has_data`` says whether that is the newest of
    all. ``fired_at`` and ``resolved_at`` are of the latest firing; ``firings`` counts them.
    """

    state: AlertState = AlertState.INSUFFICIENT
    since: datetime | None = None
    held: timedelta = timedelta(0)
    beyond_until: datetime | None = None
    judged_until: datetime | None = None
    value: float | None = None
    n: int = 0
    has_data: bool = False
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    firings: int = 0

    @property
    def is_firing(self) -> bool:
        """Whether it fires."""
        return self.state is AlertState.FIRING

    @property
    def is_over(self) -> bool:
        """Whether data say that it does not fire."""
        return self.has_data and not self.is_firing

    @property
    def episode(self) -> str:
        """What tells this firing from an earlier one of the same alert; "" while none has begun."""
        return self.fired_at.isoformat() if self.fired_at else ""


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """What an alert is about: a model in an environment; ``environment`` is "" for all of them together."""

    host: str
    project: str
    model: str
    environment: str = ""


def fingerprint(subject: AlertSubject, rule: str) -> str:
    """What names an alert everywhere and for good: 64 hexadecimal digits."""
    return digest(
        {
            "environment": subject.environment,
            "host": subject.host,
            "model": subject.model,
            "project": subject.project,
            "rule": rule,
        }
    )


def side_of(rule: AlertRule, value: float | None) -> Side:
    """Where a value lies.

    The limits themselves are not passed yet. Without a line of its own, a rule is clear where it is not passed.
    """
    if value is None or math.isnan(value):
        return Side.UNKNOWN
    if rule.above is not None:
        is_beyond = value > rule.above
        is_clear = not is_beyond if rule.clear_below is None else value < rule.clear_below
    else:
        is_beyond = rule.below is not None and value < rule.below
        is_clear = not is_beyond if rule.clear_above is None else value > rule.clear_above
    if is_beyond:
        return Side.BEYOND
    return Side.CLEAR if is_clear else Side.BETWEEN


def advance(rule: AlertRule, status: AlertStatus, point: MetricPoint) -> AlertStatus:
    """What one more window makes of a rule.

    A window that begins before the last judged one ended is not counted: it was, or it came too late. One with too
    little data is not judged yet: what comes in late may still make it count, as long as none after it was judged.
    """
    if status.judged_until is not None and point.start < status.judged_until:
        return status
    side = side_of(rule, point.value)
    if side is Side.UNKNOWN:
        return _unknown(replace(status, has_data=False), point)
    seen = replace(status, judged_until=point.end, has_data=True, value=point.value, n=point.n)
    if side is Side.BEYOND:
        return _beyond(rule, seen, point)
    if seen.is_firing:
        return _resolved(seen, point) if side is Side.CLEAR else seen
    return _quiet(seen, point)


def advance_all(rule: AlertRule, status: AlertStatus, points: Iterable[MetricPoint]) -> AlertStatus:
    """What several windows make of a rule, the oldest first."""
    for point in points:
        status = advance(rule, status, point)
    return status


def _unknown(status: AlertStatus, point: MetricPoint) -> AlertStatus:
    if status.state in {AlertState.FIRING, AlertState.PENDING, AlertState.INSUFFICIENT}:
        return status if status.since else replace(status, since=point.end)
    return replace(status, state=AlertState.INSUFFICIENT, since=point.end)


def _beyond(rule: AlertRule, status: AlertStatus, point: MetricPoint) -> AlertStatus:
    """One more window past the limit; time without data does not count, and much of it begins anew."""
    if status.is_firing:
        return replace(status, beyond_until=point.end)
    last = status.beyond_until
    goes_on = status.state is AlertState.PENDING and last is not None and point.start - last <= rule.hold
    held = (status.held if goes_on else timedelta(0)) + point.width
    status = replace(status, held=held, beyond_until=point.end)
    if held >= rule.hold:
        return replace(
            status,
            state=AlertState.FIRING,
            since=point.end,
            fired_at=point.end,
            resolved_at=None,
            firings=status.firings + 1,
        )
    return status if goes_on else replace(status, state=AlertState.PENDING, since=point.start)


def _resolved(status: AlertStatus, point: MetricPoint) -> AlertStatus:
    return replace(
        status,
        state=AlertState.RESOLVED,
        since=point.end,
        resolved_at=point.end,
        held=timedelta(0),
        beyond_until=None,
    )


def _quiet(status: AlertStatus, point: MetricPoint) -> AlertStatus:
    state = AlertState.RESOLVED if status.resolved_at is not None else AlertState.OK
    quiet = replace(status, held=timedelta(0), beyond_until=None)
    return quiet if quiet.state is state else replace(quiet, state=state, since=point.end)
