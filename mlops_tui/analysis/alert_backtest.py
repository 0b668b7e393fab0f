"""How often a rule would have fired on a past series, before it is switched on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mlops_tui.domain.alerts import AlertStatus, Side, advance, side_of
from mlops_tui.domain.monitored_metrics import MetricPoint
from mlops_tui.domain.policy import AlertRule

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that the rule would have fired; ``resolved_at`` is None while it still would.

    ``worst`` is the value furthest beyond the limit.
    """

    fired_at: datetime
    resolved_at: datetime | None
    worst: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a rule would have done.

    ``windows`` were looked at, ``judged`` of them had enough data, ``beyond`` of those passed the limit. ``span`` is
    the time from the first window to the end of the last, ``firing`` how much of it an alert would have been up.
    """

    rule: AlertRule
    windows: int
    judged: int
    beyond: int
    span: timedelta
    firing: timedelta
    firings: tuple[Firing, ...]

    @property
    def per_month(self) -> float | None:
        """How often it would have fired in thirty days; None where nothing could be judged."""
        return len(self.firings) * (MONTH / self.span) if self.judged and self.span else None


def backtest(rule: AlertRule, points: Sequence[MetricPoint]) -> Backtest:
    """Run a rule over a series, the oldest window first."""
    status = AlertStatus()
    firings: list[Firing] = []
    up = timedelta(0)
    for point in points:
        before, status = status, advance(rule, status, point)
        if status.is_firing and point.value is not None:
            if status.firings > before.firings:
                firings.append(Firing(point.end, None, point.value))
            firings[-1] = replace(firings[-1], worst=_worse(rule, firings[-1].worst, point.value))
        if before.is_firing:
            up += point.width
            if not status.is_firing:
                firings[-1] = replace(firings[-1], resolved_at=point.end)
    sides = [side_of(rule, point.value) for point in points]
    return Backtest(
        rule=rule,
        windows=len(points),
        judged=sum(side is not Side.UNKNOWN for side in sides),
        beyond=sum(side is Side.BEYOND for side in sides),
        span=points[-1].end - points[0].start if points else timedelta(0),
        firing=up,
        firings=tuple(firings),
    )


def _worse(rule: AlertRule, one: float, other: float) -> float:
    return max(one, other) if rule.above is not None else min(one, other)
