"""Figures over windows: each window has a point, and one that says too little says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mlops_tui.analysis.metric_series import (
    feature_points,
    features_points,
    quality_points,
    traffic_points,
    windows_between,
)
from mlops_tui.domain.drift import DriftResult, DriftVerdict, FeatureKind, Statistic
from mlops_tui.domain.drift_windows import FeatureDrift, Stretch, WindowVerdict
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.monitored_metrics import parse_metric
from mlops_tui.domain.quality import IntervalMethod, QualityFigure, QualityMetric, QualityWindow
from mlops_tui.domain.trace_queries import WindowTraffic
from mlops_tui.domain.window_slices import Traffic, latency_bucket

START = datetime(2026, 3, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=5)
WINDOWS = windows_between(START, START + 3 * WIDTH, WIDTH)


def verdict(place: int, value: float, found: DriftVerdict = DriftVerdict.OK, p_value: float = 0.5) -> WindowVerdict:
    return WindowVerdict(WINDOWS[place], value, p_value, 0.2, found, 100, 10)


def feature(name: str, *windows: WindowVerdict, statistic: Statistic = Statistic.PSI) -> FeatureDrift:
    result = DriftResult(name, FeatureKind.NUMERIC, statistic, 0.1, 0.5, 0.2, DriftVerdict.OK, 1000, 100, 0, 0, True)
    return FeatureDrift(name, FeatureKind.NUMERIC, (result,), windows)


def test_only_whole_windows_are_looked_at() -> None:
    found = windows_between(START + timedelta(seconds=1), START + 3 * WIDTH - timedelta(seconds=1), WIDTH)
    assert found == (Stretch(START + WIDTH, WIDTH),)
    assert windows_between(START, START - WIDTH, WIDTH) == ()


def test_traffic_adds_up_over_subjects_and_narrower_windows() -> None:
    parts = [
        WindowTraffic(START + timedelta(minutes=minute), timedelta(minutes=1), Subject(arm=arm), Traffic(50, 5, 10**9))
        for minute in (0, 4)
        for arm in ("stable", "canary")
    ]
    errors = traffic_points(parse_metric("error_rate"), parts, WINDOWS, 30)
    assert [(point.value, point.n, point.reason) for point in errors] == [
        (0.1, 200, ""), (None, 0, "no request"), (None, 0, "no request"),
    ]  # fmt: skip
    assert traffic_points(parse_metric("traffic"), parts, WINDOWS, 0)[0].value == 40
    assert traffic_points(parse_metric("latency_mean"), parts, WINDOWS, 30)[0].value == 20


def test_quantiles_come_from_buckets() -> None:
    latencies = {latency_bucket(10_000_000): 95, latency_bucket(900_000_000): 5}
    parts = [WindowTraffic(START, WIDTH, Subject(), Traffic(100, 0, 0, latencies=latencies))]
    assert traffic_points(parse_metric("latency_p50"), parts, WINDOWS, 30)[0].value == pytest.approx(10, rel=0.05)
    assert traffic_points(parse_metric("latency_p99"), parts, WINDOWS, 30)[0].value == pytest.approx(900, rel=0.05)


def test_no_traffic_is_zero_only_once_the_model_was_seen() -> None:
    metric = parse_metric("traffic")
    assert [point.value for point in traffic_points(metric, [], WINDOWS, 0)] == [None, None, None]
    assert [point.value for point in traffic_points(metric, [], WINDOWS, 0, is_known=True)] == [0, 0, 0]


def test_a_features_figures_are_those_of_its_deciding_statistic() -> None:
    one = feature("amount", verdict(0, 0.4, DriftVerdict.DRIFT, 1e-6), verdict(1, 0.1, DriftVerdict.INSUFFICIENT))
    psi = feature_points(parse_metric("psi.amount"), one, WINDOWS, 30)
    assert [(point.value, point.p_value) for point in psi] == [(0.4, 1e-6), (None, None), (None, None)]
    assert [point.reason for point in psi] == ["", "insufficient", "no request"]
    assert feature_points(parse_metric("drift.amount"), one, WINDOWS, 30)[0].value == pytest.approx(2.0)
    assert feature_points(parse_metric("missing.amount"), one, WINDOWS, 30)[0].value == 0.1
    other = feature_points(parse_metric("chi2.amount"), one, WINDOWS, 30)[0]
    assert (other.value, other.reason) == (None, "amount is judged by psi")


def test_how_many_features_drift_is_told_of_those_that_could_be_judged() -> None:
    found = (
        feature("a", verdict(0, 0.4, DriftVerdict.DRIFT, 1e-6)),
        feature("b", verdict(0, 0.1)),
        feature("c", verdict(0, 0.1, DriftVerdict.INVALID)),
    )
    count, *_ = features_points(parse_metric("drift.features"), found, WINDOWS, 30)
    share, empty, _ = features_points(parse_metric("drift.share"), found, WINDOWS, 30)
    assert (count.value, share.value, empty.value) == (1, 0.5, None)
    assert count.p_value == pytest.approx(2e-6)


def test_quality_rests_on_labels_and_estimates_on_predictions() -> None:
    figure = QualityFigure(QualityMetric.AUC, 0.8, 0.7, 0.9, IntervalMethod.DELONG, 60)
    measured = [QualityWindow(WINDOWS[0], 100, 60, (figure,)), QualityWindow(WINDOWS[1], 100, 0)]
    auc = quality_points(parse_metric("quality.auc"), measured, WINDOWS, 30)
    assert [(point.value, point.n) for point in auc] == [(0.8, 60), (None, 0), (None, 0)]
    assert auc[1].reason == "no label yet"
    assert quality_points(parse_metric("quality.auc"), measured, WINDOWS, 61)[0].reason == "60 of 61 rows"
    assert quality_points(parse_metric("estimated.auc"), measured, WINDOWS, 30)[0].value is None
