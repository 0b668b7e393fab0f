"""The figures that an alert can watch: their names, their units, and their values window by window."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mlops_tui.domain.drift import Statistic
from mlops_tui.domain.quality import QualityMetric


class MetricFamily(StrEnum):
    """Where a figure comes from: the traffic, one feature's drift, all of them, or predictions and their truth."""

    TRAFFIC = "traffic"
    FEATURE = "feature"
    FEATURES = "features"
    QUALITY = "quality"
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class MonitoredMetric:
    """One figure; ``part`` is its feature or quality metric, or its own name where it has neither.

    ``statistic`` is that of a feature's figure, None for the deciding one in units of its calibrated threshold.
    ``least`` is how many rows a window needs before its value counts.
    """

    name: str
    family: MetricFamily
    part: str
    unit: str = ""
    least: int = 30
    statistic: Statistic | None = None


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """The value of one window, which holds its ``start`` (UTC) and not its ``end``.

    ``value`` is None where there was too little to say, of which ``reason`` tells. ``n`` counts the rows behind it;
    ``p_value`` says how likely such a value is when nothing changed, None where the figure has no such test.
    """

    start: datetime
    end: datetime
    value: float | None
    n: int
    p_value: float | None = None
    reason: str = ""

    @property
    def width(self) -> timedelta:
        """How long the window is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """A figure over windows, the oldest first; ``reason`` says why there is none where there is none."""

    metric: MonitoredMetric
    points: tuple[MetricPoint, ...]
    reason: str = ""


TRAFFIC = "traffic"
ERROR_RATE = "error_rate"
LATENCY_MEAN = "latency_mean"
LATENCY_QUANTILES = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}
DRIFTING_FEATURES = "drift.features"
DRIFTING_SHARE = "drift.share"
FEATURE_STATISTICS = (Statistic.PSI, Statistic.CHI2, Statistic.MISSING)

_WHOLE = (
    MonitoredMetric(ERROR_RATE, MetricFamily.TRAFFIC, ERROR_RATE, "share"),
    MonitoredMetric(TRAFFIC, MetricFamily.TRAFFIC, TRAFFIC, "requests/min", least=0),
    MonitoredMetric(LATENCY_MEAN, MetricFamily.TRAFFIC, LATENCY_MEAN, "ms"),
    *(MonitoredMetric(name, MetricFamily.TRAFFIC, name, "ms") for name in LATENCY_QUANTILES),
    MonitoredMetric(DRIFTING_FEATURES, MetricFamily.FEATURES, "features", "features"),
    MonitoredMetric(DRIFTING_SHARE, MetricFamily.FEATURES, "share", "share of features"),
    *(MonitoredMetric(f"quality.{name}", MetricFamily.QUALITY, name) for name in QualityMetric),
    *(MonitoredMetric(f"estimated.{name}", MetricFamily.ESTIMATE, name) for name in QualityMetric),
)
_BY_NAME = {metric.name: metric for metric in _WHOLE}
_STATISTICS = {statistic.value: statistic for statistic in FEATURE_STATISTICS}
_ANY_FEATURE = "FEATURE"
KNOWN_METRICS = (*_BY_NAME, f"drift.{_ANY_FEATURE}", *(f"{name}.{_ANY_FEATURE}" for name in _STATISTICS))


def parse_metric(name: str) -> MonitoredMetric:
    """The figure of that name. Raises ValueError, with the candidates, for a name that means nothing."""
    if (whole := _BY_NAME.get(name)) is not None:
        return whole
    prefix, _, feature = name.partition(".")
    if feature and prefix == "drift":
        return MonitoredMetric(name, MetricFamily.FEATURE, feature, "of its threshold")
    if feature and prefix in _STATISTICS:
        statistic = _STATISTICS[prefix]
        unit = "share" if statistic is Statistic.MISSING else ""
        return MonitoredMetric(name, MetricFamily.FEATURE, feature, unit, statistic=statistic)
    message = f"There is no figure {name!r}; {_candidates(name)}"
    raise ValueError(message)


def _candidates(name: str) -> str:
    """What may have been meant: names like it, else all of them."""
    first, _, last = name.partition(".")
    swapped = [f"{last}.{first}"] if last in _STATISTICS or last == "drift" else []
    known = [text.replace(_ANY_FEATURE, last or _ANY_FEATURE) for text in KNOWN_METRICS]
    near = swapped or difflib.get_close_matches(name, known, n=4, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(KNOWN_METRICS)}"
