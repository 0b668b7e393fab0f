"""What rules would have done on windows that are past, and what chance alone would have made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mlops_tui.analysis.bin_groups import GROUPS, LEAST_EXPECTED, GroupedCounts
from mlops_tui.analysis.significance import psi_law
from mlops_tui.domain.alerts import AlertState, AlertStatus, advance
from mlops_tui.domain.drift import DriftVerdict, FeatureKind, Statistic
from mlops_tui.domain.drift_windows import FeatureDrift, WindowVerdict
from mlops_tui.domain.monitored_metrics import MetricPoint, MonitoredMetric
from mlops_tui.domain.policy import AlertRule

_JUDGED = frozenset({DriftVerdict.OK, DriftVerdict.DRIFT})
_NUMBERS = frozenset({FeatureKind.NUMERIC, FeatureKind.SCORE})


@dataclass(frozen=True, slots=True)
class Backtest:
    """How often something would have spoken up.

    ``windows`` were looked at and ``judged`` of them had data enough; it spoke up at the moments in ``alarms``, and
    ``is_firing`` if it still does. ``by_chance`` is how many alarms unchanged data would have made, at most and on
    average; None where that cannot be said.
    """

    name: str
    windows: int
    judged: int
    alarms: tuple[datetime, ...]
    is_firing: bool
    by_chance: float | None = None
    reason: str = ""


def backtest_rule(
    rule: AlertRule, points: Sequence[MetricPoint], chances: Sequence[float] | None, reason: str = ""
) -> Backtest:
    """What a rule makes of the windows of its figure, the oldest first.

    ``chances`` are, per window, the probability that unchanged data pass the rule's limit. A rule that holds for
    several windows needs so many of them in a row.
    """
    status, alarms = AlertStatus(), []
    for point in points:
        after = advance(rule, status, point)
        if after.firings > status.firings:
            alarms.append(point.end)
        status = after
    judged = sum(point.value is not None for point in points)
    by_chance = None
    if chances is not None and points:
        in_a_row = max(1, math.ceil(rule.hold / points[0].width))
        by_chance = math.fsum(chance**in_a_row for chance in chances)
    is_firing = status.state is AlertState.FIRING
    return Backtest(rule.name, len(points), judged, tuple(alarms), is_firing, by_chance, reason)


def backtest_verdicts(features: Iterable[FeatureDrift], level: float) -> list[Backtest]:
    """What the verdicts of windows were: of all features together, which keeps the promise, and of each by itself.

    An alarm is a window that drifts after one that did not.
    """
    series = {feature.feature: feature.windows for feature in features}
    by_window: dict[datetime, list[WindowVerdict]] = {}
    for windows in series.values():
        for window in windows:
            by_window.setdefault(window.window.start, []).append(window)
    any_feature = [max(found, key=_gravity) for _, found in sorted(by_window.items())]
    judged = sum(any(item.verdict in _JUDGED for item in found) for found in by_window.values())
    whole = _of_windows("any feature", any_feature, level * judged)
    return [whole, *(_of_windows(name, windows, None) for name, windows in series.items())]


def chances_of(
    rule: AlertRule, metric: MonitoredMetric, feature: FeatureDrift | None, level: float, points: Sequence[MetricPoint]
) -> list[float] | None:
    """Per window the probability that unchanged data pass a rule's limit; None where nobody can say.

    That is known of a feature's severity, whose threshold is made for it, and of the index of a numeric feature.
    """
    if feature is None or rule.above is None:
        return None
    if metric.statistic is None:
        return [level for _ in points] if rule.above >= 1 else None
    if metric.statistic is not Statistic.PSI or feature.statistic is not Statistic.PSI or feature.kind not in _NUMBERS:
        return None
    rows = feature.deciding.n_reference
    return [_psi_chance(rule.above, rows, point.n) for point in points if point.value is not None]


def _of_windows(name: str, windows: Sequence[WindowVerdict], by_chance: float | None) -> Backtest:
    alarms: list[datetime] = []
    was_drift = False
    for item in windows:
        is_drift = item.verdict is DriftVerdict.DRIFT
        if is_drift and not was_drift:
            alarms.append(item.window.end)
        was_drift = is_drift if item.verdict in _JUDGED else was_drift
    judged = sum(item.verdict in _JUDGED for item in windows)
    return Backtest(name, len(windows), judged, tuple(alarms), was_drift, by_chance)


def _gravity(item: WindowVerdict) -> tuple[bool, bool]:
    return item.verdict is DriftVerdict.DRIFT, item.verdict in _JUDGED


def _psi_chance(limit: float, reference_rows: int, rows: int) -> float:
    """How probable an index above the limit is by chance, over as many equal groups as the rows fill."""
    groups = min(GROUPS, int(min(reference_rows, rows) / LEAST_EXPECTED))
    if groups < 2:
        return 1.0
    counts = GroupedCounts(np.full(groups, reference_rows // groups), np.full(groups, rows // groups))
    return psi_law(counts).p_value(limit)
