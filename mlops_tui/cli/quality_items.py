"""A model's quality for people and for programs: one row for each figure, or one for each window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from mlops_tui.cli.tables import Column
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.quality import (
    ModelQuality,
    QualityFigure,
    QualityMetric,
    QualitySlice,
    QualityTask,
    QualityWindow,
    TrafficFigures,
)

_MILLISECONDS = 1_000.0


def number(value: Any) -> str:
    """A figure in four digits."""
    return "-" if value is None else f"{value:.4g}"


FIGURES = (
    Column("basis", "basis", is_whole=True),
    Column("metric", "metric", is_whole=True),
    Column("value", "value", is_number=True, show=number),
    Column("from", "lower", is_number=True, show=number),
    Column("to", "upper", is_number=True, show=number),
    Column("n", "n", is_number=True),
    Column("interval", "method"),
    Column("remark", "reason"),
)
WINDOWS = (
    Column("window", "start", is_whole=True),
    Column("predictions", "predictions", is_number=True),
    Column("labelled", "labelled", is_number=True),
    Column("metric", "metric"),
    Column("realised", "realised", is_whole=True),
    Column("estimated", "estimated", is_whole=True),
    Column("estimate", "estimate"),
    Column("errors", "errors"),
    Column("p95 ms", "p95", is_number=True, show=number),
)
SLICES = (
    Column("value", "slice", is_whole=True),
    Column("metric", "metric"),
    Column("figure", "value", is_number=True, show=number),
    Column("from", "lower", is_number=True, show=number),
    Column("to", "upper", is_number=True, show=number),
    Column("others", "rest", is_number=True, show=number),
    Column("n", "n", is_number=True),
    Column("p", "p_value", is_number=True, show=number),
    Column("worse", "conspicuous"),
)


def items(quality: ModelQuality) -> list[dict[str, Any]]:
    """Every figure: of the whole range, of each window, and of each slice."""
    found = list(_of_window(quality.whole, "whole"))
    for window in quality.windows:
        found += _of_window(window, "window")
    for traffic in quality.traffic:
        found += _of_traffic(traffic)
    found += [slice_item(quality, part) for part in quality.slices]
    about = quality.subject
    return [
        {
            "model": quality.model,
            "version": about.version or None,
            "arm": about.arm or None,
            "environment": about.environment or None,
            **item,
        }
        for item in found
    ]


def figure_items(window: QualityWindow) -> list[dict[str, Any]]:
    """The figures of one stretch."""
    return list(_of_window(window, "whole"))


def window_items(quality: ModelQuality) -> list[dict[str, Any]]:
    """One row for each window, with the metric that says most."""
    metric = headline(quality)
    traffic = {part.window: part for part in quality.traffic}
    return [_window_item(window, traffic.get(window.window), metric) for window in quality.windows]


def slice_item(quality: ModelQuality, part: QualitySlice) -> dict[str, Any]:
    """The labelled predictions with one value of the attribute."""
    whole = quality.whole
    return {
        **_figure("slice", "realised", whole, part.figure),
        "slice": part.value,
        "rest": part.rest,
        "p_value": part.p_value,
        "conspicuous": part.is_conspicuous,
    }


def headline(quality: ModelQuality) -> QualityMetric:
    """The metric that says most in one number."""
    outputs = quality.outputs
    is_numeric = outputs is not None and outputs.task is QualityTask.NUMERIC
    return QualityMetric.MAE if is_numeric else QualityMetric.ACCURACY


def remarks(quality: ModelQuality) -> Iterator[str]:
    """What a reader must know to believe the figures."""
    if quality.outputs is not None:
        yield from quality.outputs.reasons
    if quality.whole.estimated:
        yield quality.calibration.reason
        yield "estimates hold while the same inputs mean the same; a changed concept leaves them as they were"
    contradicted = sum(window.check is not None and window.check.is_contradicted for window in quality.windows)
    if contradicted:
        yield f"in {contradicted} of {len(quality.windows)} windows labels contradict the estimate: do not rely on it"
    if quality.slices_left:
        yield f"{quality.slices_left} values of {quality.by} have too few labels to be compared"
    if quality.sampled is not None:
        yield f"every figure is of a sample of {quality.sampled:,} requests"
    yield from quality.remarks


def _of_window(window: QualityWindow, scope: str) -> Iterator[dict[str, Any]]:
    for figure in window.realised:
        yield _figure(scope, "realised", window, figure)
    check = window.check
    for figure in window.estimated:
        item = _figure(scope, "estimated", window, figure)
        if check is not None and figure.metric is QualityMetric.ACCURACY:
            item |= {"p_value": check.p_value, "contradicted": check.is_contradicted}
        yield item


def _of_traffic(traffic: TrafficFigures) -> Iterator[dict[str, Any]]:
    shared = _place("window", traffic.window.start, traffic.window.width, traffic.requests, None)
    values = {"latency_p50": traffic.p50, "latency_p95": traffic.p95, "latency_p99": traffic.p99}
    yield {
        **shared,
        **_measured("traffic", "error_rate", traffic.error_share, traffic.requests),
        "lower": traffic.error_lower,
        "upper": traffic.error_upper,
        "method": "wilson",
    }
    for name, value in values.items():
        milliseconds = None if value is None else value * _MILLISECONDS
        yield {**shared, **_measured("traffic", name, milliseconds, traffic.requests)}


def _figure(scope: str, basis: str, window: QualityWindow, figure: QualityFigure) -> dict[str, Any]:
    return {
        **_place(scope, window.window.start, window.window.width, window.predictions, window.labelled),
        **_measured(basis, figure.metric.value, figure.value, figure.n),
        "lower": figure.lower,
        "upper": figure.upper,
        "method": figure.method,
        "reason": figure.reason or None,
    }


def _place(scope: str, start: Any, width: timedelta, predictions: int, labelled: int | None) -> dict[str, Any]:
    return {
        "scope": scope,
        "start": start,
        "width": format_duration(width),
        "slice": None,
        "predictions": predictions,
        "labelled": labelled,
    }


def _measured(basis: str, metric: str, value: float | None, n: int) -> dict[str, Any]:
    return {
        "basis": basis,
        "metric": metric,
        "value": value,
        "lower": None,
        "upper": None,
        "method": None,
        "n": n,
        "reason": None,
        "rest": None,
        "p_value": None,
        "contradicted": None,
        "conspicuous": None,
    }


def _window_item(window: QualityWindow, traffic: TrafficFigures | None, metric: QualityMetric) -> dict[str, Any]:
    check = window.check
    estimate = None if check is None else "contradicted" if check.is_contradicted else "holds"
    share = None if traffic is None else traffic.error_share
    p95 = None if traffic is None or traffic.p95 is None else traffic.p95 * _MILLISECONDS
    return {
        "start": window.window.start,
        "predictions": window.predictions,
        "labelled": window.labelled,
        "metric": metric.value,
        "realised": _with_interval(window.figure(metric)),
        "estimated": _with_interval(window.figure(metric, is_estimate=True)),
        "estimate": estimate,
        "errors": None if share is None else f"{100 * share:.3g} %",
        "p95": p95,
    }


def _with_interval(figure: QualityFigure | None) -> str | None:
    if figure is None or figure.value is None:
        return None
    if figure.lower is None or figure.upper is None:
        return number(figure.value)
    return f"{figure.value:.3g} ({figure.lower:.3g} to {figure.upper:.3g})"
