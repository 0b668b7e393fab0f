import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.series import Axis, Series
from mlops_tui.domain.runs import MetricHistory, MetricPoint

START = datetime(2025, 6, 10, 9, tzinfo=UTC)

values = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf, 0.0]))
points = st.builds(
    lambda step, value, after: MetricPoint(step, value, None if after is None else START + timedelta(seconds=after)),
    st.integers(-50, 500),
    values,
    st.one_of(st.none(), st.integers(0, 1000)),
)
histories = st.lists(points, max_size=200).map(lambda made: MetricHistory("run", "loss", tuple(made)))
axes = st.sampled_from(Axis)


def history(*logged: float, every: int = 1) -> MetricHistory:
    return MetricHistory(
        "run",
        "loss",
        tuple(
            MetricPoint(step * every, value, START + timedelta(seconds=step * 10)) for step, value in enumerate(logged)
        ),
    )


@given(histories, axes)
def test_every_point_is_drawn_counted_as_a_gap_or_unplaced(logged: MetricHistory, axis: Axis) -> None:
    series = Series.of(logged, axis)
    assert len(series) + series.unplaced == len(logged.points)
    assert np.isnan(series.y).sum() == series.gaps
    assert np.isfinite(series.x).all()
    assert (np.diff(series.x) >= 0).all()
    assert not np.isinf(series.y).any()


@given(histories, axes, st.integers(1, 12))
def test_decimation_keeps_the_extremes_and_makes_nothing_up(logged: MetricHistory, axis: Axis, columns: int) -> None:
    series = Series.of(logged, axis)
    thin = series.decimated(columns)
    before = [(x, y) for x, y in zip(series.x, series.y, strict=True) if not math.isnan(y)]
    after = [(x, y) for x, y in zip(thin.series.x, thin.series.y, strict=True) if not math.isnan(y)]
    assert thin.shown == len(after) <= thin.total == len(before)
    assert len(after) <= 4 * columns
    assert len(thin.series) <= max(8 * columns, len(series) if thin.shown == thin.total else 0)
    assert set(after) <= set(before)
    assert (np.diff(thin.series.x) >= 0).all()
    if before:
        assert after[0] == before[0]
        assert after[-1] == before[-1]
        assert min(y for _, y in after) == min(y for _, y in before)
        assert max(y for _, y in after) == max(y for _, y in before)


@given(st.lists(values, min_size=50, max_size=300), st.integers(1, 10))
def test_a_line_is_never_drawn_across_a_gap(logged: list[float], columns: int) -> None:
    series = Series.of(history(*logged), Axis.STEP)
    thin = series.decimated(columns).series
    for left, right in pairwise(range(len(thin))):
        if not np.isnan(thin.y[[left, right]]).any():
            between = series.y[int(thin.x[left]) : int(thin.x[right])]
            assert not np.isnan(between).any()


@given(st.lists(st.floats(-1e6, 1e6), min_size=100, max_size=400), st.integers(2, 10))
def test_every_column_keeps_its_own_extremes(logged: list[float], columns: int) -> None:
    series = Series.of(history(*logged), Axis.STEP)
    thin = series.decimated(columns)
    width = (len(logged) - 1) / columns
    for column in range(columns):
        inside = [y for x, y in enumerate(logged) if min(int(x / width), columns - 1) == column]
        shown = [
            y for x, y in zip(thin.series.x, thin.series.y, strict=True) if min(int(x / width), columns - 1) == column
        ]
        assert (min(shown), max(shown)) == (min(inside), max(inside))


def test_a_short_series_stays_whole() -> None:
    thin = Series.of(history(1, math.nan, 3), Axis.STEP).decimated(80)
    assert thin.note == "2 points, 1 not a number"
    assert len(thin.series) == 3


def test_the_note_says_what_is_shown() -> None:
    thin = Series.of(history(*range(10_000)), Axis.STEP).decimated(50)
    assert thin.note == f"{thin.shown} of 10,000 points shown"
    assert thin.shown == 100


def test_a_wider_plot_gives_the_line_fewer_columns() -> None:
    series = Series.of(history(*(step % 7 for step in range(1000))), Axis.STEP)
    assert series.decimated(20, x_range=(0, 10_000)).shown < series.decimated(20).shown


def test_axes() -> None:
    logged = history(5, 4, every=100)
    assert Series.of(logged, Axis.STEP).x.tolist() == [0, 100]
    assert Series.of(logged, Axis.TIME).x.tolist() == [START.timestamp(), START.timestamp() + 10]
    assert Series.of(logged, Axis.RELATIVE).x.tolist() == [0, 10]
    assert Series.of(logged, Axis.RELATIVE, START - timedelta(seconds=5)).x.tolist() == [5, 15]


def test_points_without_a_time_have_no_place_on_a_time_axis() -> None:
    logged = MetricHistory("run", "loss", (MetricPoint(0, 1.0, None), MetricPoint(1, 2.0, START)))
    series = Series.of(logged, Axis.RELATIVE)
    assert (series.x.tolist(), series.y.tolist(), series.unplaced) == ([0], [2], 1)
    assert series.decimated(10).note == "1 point, 1 without a time"


def test_a_log_scale_counts_what_it_cannot_show() -> None:
    series = Series.of(history(10, 0, -1, math.nan, 0.1), Axis.STEP).for_log_scale()
    assert (series.hidden, series.gaps) == (2, 1)
    assert [y for y in series.y.tolist() if not math.isnan(y)] == [10, 0.1]
    assert series.decimated(10).note == "2 points, 1 not a number, 2 not above zero"


def test_smoothing_is_the_bias_corrected_moving_average() -> None:
    smooth = Series.of(history(1, 2, 4), Axis.STEP).smoothed(0.5)
    assert smooth.y.tolist() == pytest.approx([1, (1 + 2 * 2) / 3, (1 + 2 * 2 + 4 * 4) / 7])


def test_smoothing_passes_over_gaps() -> None:
    gappy = Series.of(history(1, math.nan, 2, math.inf, 4), Axis.STEP).smoothed(0.5)
    whole = Series.of(history(1, 2, 4), Axis.STEP).smoothed(0.5)
    assert np.isnan(gappy.y).tolist() == [False, True, False, True, False]
    assert gappy.y[[0, 2, 4]].tolist() == whole.y.tolist()


@given(histories, st.floats(0, 0.999))
def test_smoothing_stays_within_what_was_logged(logged: MetricHistory, weight: float) -> None:
    series = Series.of(logged, Axis.STEP)
    smooth = series.smoothed(weight)
    assert np.array_equal(np.isnan(smooth.y), np.isnan(series.y))
    known = series.y[~np.isnan(series.y)]
    if len(known):
        assert known.min() <= np.nanmin(smooth.y) <= np.nanmax(smooth.y) <= known.max()


@given(histories)
def test_no_weight_changes_nothing(logged: MetricHistory) -> None:
    series = Series.of(logged, Axis.STEP)
    assert np.array_equal(series.smoothed(0).y, series.y, equal_nan=True)


def test_impossible_requests_are_refused() -> None:
    series = Series.of(history(1), Axis.STEP)
    for weight in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match="weight"):
            series.smoothed(weight)
    with pytest.raises(ValueError, match="column"):
        series.decimated(0)
