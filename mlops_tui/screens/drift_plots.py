"""A feature's score, and a model's quality, over windows: as plots show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlops_tui.domain.drift import DriftVerdict
from mlops_tui.domain.drift_windows import FeatureDrift, ModelDrift, Stretch, WindowVerdict
from mlops_tui.domain.quality import ModelQuality, QualityMetric, TrafficFigures
from mlops_tui.screens.stretches import TimeText, day_time, time_writer
from mlops_tui.widgets.plot_figure import Mark, PlotData, Series

_LONGEST_WORD = 14
_MILLISECONDS = 1_000.0


@dataclass(frozen=True, slots=True)
class TrafficMeasure:
    """A figure of the traffic: its name, its title and where it is found."""

    name: str
    title: str

    def value(self, figures: TrafficFigures) -> float | None:
        """Its value in one window."""
        match self.name:
            case "error_rate":
                return figures.error_share
            case "latency_p95":
                return None if figures.p95 is None else figures.p95 * _MILLISECONDS
            case _:
                return float(figures.requests)


TRAFFIC_MEASURES = (
    TrafficMeasure("error_rate", "error rate"),
    TrafficMeasure("latency_p95", "p95 latency, ms"),
    TrafficMeasure("requests", "requests"),
)


def score_plot(drift: ModelDrift, feature: FeatureDrift, chosen: Stretch | None, now: datetime) -> PlotData:
    """A feature's score window by window, in units of its threshold, with deployments and the window looked at.

    The threshold of each window follows from its rows, so that only the ratio can be compared over time.
    """
    parts = [(part.window, _severity(part)) for part in feature.windows]
    scores = _line(f"{feature.feature}, in units of its threshold", parts, drift.width)
    limit = Series("threshold", scores.xs, tuple(1.0 for _ in scores.xs))
    marks = [Mark(mark.at.timestamp(), mark.version[:_LONGEST_WORD]) for mark in drift.deployments]
    note = _score_note(drift, feature, now)
    return PlotData((scores, limit), "time", note, _writer(scores.xs, now), (*marks, *_looked_at(chosen)))


def quality_plot(quality: ModelQuality, metric: QualityMetric, chosen: Stretch | None, now: datetime) -> PlotData:
    """A metric with labels and estimated; the first of the two that there is has its interval in faint lines."""
    series: list[Series] = []
    for name, is_estimate in (("realised", False), ("estimated", True)):
        figures = [(window.window, window.figure(metric, is_estimate=is_estimate)) for window in quality.windows]
        known = [(window, figure) for window, figure in figures if figure is not None]
        if known and not series:
            lower = [(window, figure.lower) for window, figure in known]
            upper = [(window, figure.upper) for window, figure in known]
            series += [_line("", bounds, quality.width, is_faint=True) for bounds in (lower, upper)]
        if known:
            series.append(_line(name, [(window, figure.value) for window, figure in known], quality.width))
    xs = [x for part in series for x in part.xs]
    return PlotData(tuple(series), "time", _quality_note(quality), _writer(xs, now), _looked_at(chosen))


def traffic_plot(quality: ModelQuality, measure: TrafficMeasure, chosen: Stretch | None, now: datetime) -> PlotData:
    """A figure of the traffic, window by window."""
    line = _line(measure.title, [(part.window, measure.value(part)) for part in quality.traffic], quality.width)
    return PlotData((line,), "time", "", _writer(line.xs, now), _looked_at(chosen))


def _line(
    name: str, values: Sequence[tuple[Stretch, float | None]], width: timedelta, *, is_faint: bool = False
) -> Series:
    """Values at the middles of their windows, in seconds since the epoch; a gap where there was no window between."""
    xs: list[float] = []
    ys: list[float] = []
    last: Stretch | None = None
    for window, value in values:
        if last is not None and window.start > last.end:
            xs.append(_middle(Stretch(last.end, width)))
            ys.append(math.nan)
        xs.append(_middle(window))
        ys.append(math.nan if value is None else value)
        last = window
    return Series(name, tuple(xs), tuple(ys), is_faint, gap_word="without a value")


def _looked_at(chosen: Stretch | None) -> tuple[Mark, ...]:
    return () if chosen is None else (Mark(_middle(chosen), is_strong=True),)


def _severity(part: WindowVerdict) -> float | None:
    """None where nothing could be compared."""
    return None if part.verdict is DriftVerdict.INVALID or part.value is None else part.severity


def _middle(window: Stretch) -> float:
    return (window.start + window.width / 2).timestamp()


def _writer(xs: Sequence[float], now: datetime) -> TimeText:
    return time_writer(min(xs, default=0.0), max(xs, default=0.0), now.astimezone().tzinfo or UTC)


def _score_note(drift: ModelDrift, feature: FeatureDrift, now: datetime) -> str:
    few = sum(part.verdict is DriftVerdict.INSUFFICIENT for part in feature.windows)
    words = [f"{few} of {len(feature.windows)} windows had too little data"] if few else []
    words += [
        f"{mark.version} deployed to {mark.environment} at {day_time(mark.at, now)}" for mark in drift.deployments
    ]
    return ", ".join(words)


def _quality_note(quality: ModelQuality) -> str:
    contradicted = sum(window.check is not None and window.check.is_contradicted for window in quality.windows)
    if contradicted:
        return f"labels contradict the estimate in {contradicted} of {len(quality.windows)} windows: do not rely on it"
    if quality.whole.estimated:
        return f"estimates cannot see a changed concept; {quality.calibration.reason}"
    return ""
