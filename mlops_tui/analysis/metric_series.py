"""Figures that alerts watch, made of windows: traffic, drift and quality, one point for every window of a stretch.

A window in which too little happened has a point without a value, so that nobody takes its absence for a good sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mlops_tui.analysis.drift_windows import stretch_at
from mlops_tui.domain.drift import DriftVerdict, Statistic
from mlops_tui.domain.drift_windows import FeatureDrift, Stretch, WindowVerdict
from mlops_tui.domain.monitored_metrics import (
    DRIFTING_SHARE,
    ERROR_RATE,
    LATENCY_MEAN,
    LATENCY_QUANTILES,
    TRAFFIC,
    MetricFamily,
    MetricPoint,
    MonitoredMetric,
)
from mlops_tui.domain.quality import QualityMetric, QualityWindow
from mlops_tui.domain.trace_queries import WindowTraffic
from mlops_tui.domain.window_slices import Traffic, bucketed_quantile

NO_REQUEST = "no request"
_MILLISECOND = 1_000_000
_MINUTE = timedelta(minutes=1)
_JUDGED = frozenset({DriftVerdict.OK, DriftVerdict.DRIFT})


def windows_between(since: datetime, until: datetime, width: timedelta) -> tuple[Stretch, ...]:
    """The whole windows of a stretch of time, the oldest first; windows are counted from the Unix epoch."""
    first = stretch_at(since, width)
    if first.start < since:
        first = Stretch(first.end, width)
    count = max(0, (until - first.start) // width)
    return tuple(Stretch(first.start + number * width, width) for number in range(count))


def traffic_points(
    metric: MonitoredMetric,
    parts: Sequence[WindowTraffic],
    windows: Sequence[Stretch],
    least: int,
    *,
    is_known: bool = False,
) -> tuple[MetricPoint, ...]:
    """A figure of the traffic.

    A window without a request counts as no traffic only once the model was seen; ``is_known`` says that it was before.
    """
    by_window: dict[datetime, Traffic] = {}
    for part in parts if windows else ():
        start = stretch_at(part.window_start, windows[0].width).start
        by_window[start] = by_window.get(start, Traffic()) + part.traffic
    points: list[MetricPoint] = []
    for window in windows:
        traffic = by_window.get(window.start, Traffic())
        is_known = is_known or traffic.spans > 0
        if metric.name == TRAFFIC:
            value = traffic.spans / (window.width / _MINUTE) if is_known else None
            reason = "" if is_known else "the model was never seen"
            points.append(MetricPoint(window.start, window.end, value, traffic.spans, reason=reason))
        else:
            points.append(_point(window, _traffic_value(metric, traffic), traffic.spans, least))
    return tuple(points)


def feature_points(
    metric: MonitoredMetric, feature: FeatureDrift, windows: Sequence[Stretch], least: int
) -> tuple[MetricPoint, ...]:
    """A figure of one feature."""
    by_start = {item.window.start: item for item in feature.windows}
    return tuple(_feature_point(metric, feature, window, by_start.get(window.start), least) for window in windows)


def features_points(
    metric: MonitoredMetric, features: Sequence[FeatureDrift], windows: Sequence[Stretch], least: int
) -> tuple[MetricPoint, ...]:
    """How many features drift, or which share of those that could be judged."""
    verdicts: dict[datetime, list[WindowVerdict]] = {}
    for feature in features:
        for item in feature.windows:
            verdicts.setdefault(item.window.start, []).append(item)
    return tuple(_features_point(metric, window, verdicts.get(window.start, []), least) for window in windows)


def quality_points(
    metric: MonitoredMetric, measured: Sequence[QualityWindow], windows: Sequence[Stretch], least: int
) -> tuple[MetricPoint, ...]:
    """A figure of the quality, measured by labels or estimated without."""
    by_start: Mapping[datetime, QualityWindow] = {item.window.start: item for item in measured}
    return tuple(_quality_point(metric, window, by_start.get(window.start), least) for window in windows)


def _traffic_value(metric: MonitoredMetric, traffic: Traffic) -> float | None:
    if not traffic.spans:
        return None
    if metric.name == ERROR_RATE:
        return traffic.errors / traffic.spans
    if metric.name == LATENCY_MEAN:
        return traffic.total_ns / traffic.spans / _MILLISECOND
    quantile = bucketed_quantile(traffic.latencies, LATENCY_QUANTILES[metric.name])
    return None if quantile is None else quantile / _MILLISECOND


def _feature_point(
    metric: MonitoredMetric, feature: FeatureDrift, window: Stretch, found: WindowVerdict | None, least: int
) -> MetricPoint:
    if found is None:
        return _point(window, None, 0, least)
    if metric.statistic is Statistic.MISSING:
        return _point(window, found.missing / found.n if found.n else None, found.n, least)
    if found.verdict not in _JUDGED:
        return MetricPoint(window.start, window.end, None, found.n, reason=found.reason or found.verdict.value)
    if metric.statistic is None:
        return _point(window, found.severity, found.n, least, found.p_value)
    if metric.statistic is not feature.statistic:
        reason = f"{feature.feature} is judged by {feature.statistic.value}"
        return MetricPoint(window.start, window.end, None, found.n, reason=reason)
    return _point(window, found.value, found.n, least, found.p_value)


def _features_point(
    metric: MonitoredMetric, window: Stretch, verdicts: Sequence[WindowVerdict], least: int
) -> MetricPoint:
    judged = [item for item in verdicts if item.verdict in _JUDGED]
    rows = max((item.n for item in verdicts), default=0)
    if not judged:
        reason = next((item.reason for item in verdicts if item.reason), NO_REQUEST)
        return MetricPoint(window.start, window.end, None, rows, reason=reason)
    drifting = sum(item.verdict is DriftVerdict.DRIFT for item in judged)
    tested = [item.p_value for item in judged if item.p_value is not None]
    # The smallest of several p-values is small by chance: by Bonferroni's rule it counts as often as it was drawn.
    p_value = min(1.0, min(tested) * len(tested)) if tested else None
    value = drifting / len(judged) if metric.name == DRIFTING_SHARE else float(drifting)
    return _point(window, value, rows, least, p_value)


def _quality_point(metric: MonitoredMetric, window: Stretch, found: QualityWindow | None, least: int) -> MetricPoint:
    if found is None:
        return _point(window, None, 0, least)
    is_estimate = metric.family is MetricFamily.ESTIMATE
    figure = found.figure(QualityMetric(metric.part), is_estimate=is_estimate)
    if figure is None or figure.value is None:
        rows = found.predictions if is_estimate else found.labelled
        reason = figure.reason if figure else "" if is_estimate else "no label yet"
        return MetricPoint(window.start, window.end, None, rows, reason=reason or "it cannot be told")
    return _point(window, figure.value, figure.n, least)


def _point(window: Stretch, value: float | None, n: int, least: int, p_value: float | None = None) -> MetricPoint:
    if n == 0:
        return MetricPoint(window.start, window.end, None, 0, reason=NO_REQUEST)
    if n < least:
        return MetricPoint(window.start, window.end, None, n, reason=f"{n} of {least} rows")
    return MetricPoint(window.start, window.end, value, n, p_value)
