"""Windows of traffic: folded into wider ones in any order, judged one by one, and together where each is too small."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.drift_windows import (
    Counts,
    feature_drifts,
    fold_rows,
    judge,
    newest_windows,
    rows_of,
    stretch_at,
    together,
    window_verdicts,
)
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.domain.drift import DriftVerdict, FeatureKind
from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.profiles import FeatureProfile
from mlops_tui.domain.windows import WindowKey, WindowRow
from tests.analysis.drift_samples import Floats, counted, profiled, profiled_texts

START = datetime(2026, 3, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=5)
DRAW = np.random.default_rng(5)
AMOUNT = profiled(DRAW.normal(size=5_000), "amount")
COUNTRY = profiled_texts(DRAW.choice(["de", "fr", "it"], 5_000).tolist(), "country")


def row(profile: FeatureProfile, values: Floats, minutes: int = 0, missing: int = 0) -> WindowRow:
    key = WindowKey(
        START + timedelta(minutes=minutes), WIDTH, "7", "fraud", "1.0.0", "stable", "production", profile.name, "p" * 64
    )
    return WindowRow(key, counted(profile, values, missing))


def window(*parts: WindowRow) -> Counts:
    (columns,) = fold_rows(parts, WIDTH).values()
    return columns


@given(st.data())
def test_windows_of_any_width_hold_the_same_counts_however_the_rows_come(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=8))
    draw = np.random.default_rng(data.draw(st.integers(0, 99)))
    rows = [row(AMOUNT, draw.normal(size=size), 5 * place) for place, size in enumerate(sizes)]
    shuffled = data.draw(st.permutations(rows))
    wide = fold_rows(shuffled, timedelta(minutes=data.draw(st.sampled_from([5, 10, 15, 60]))))
    assert wide == fold_rows(rows, next(iter(wide)).width)
    assert list(wide) == sorted(wide)
    assert together(wide.values())["amount"].counts == together(fold_rows(rows, WIDTH).values())["amount"].counts
    assert sum(map(rows_of, wide.values())) == sum(sizes)


def test_windows_start_where_every_reader_starts_them() -> None:
    assert stretch_at(START + timedelta(minutes=7), WIDTH) == Stretch(START + timedelta(minutes=5), WIDTH)


def test_a_change_shows_in_the_window_it_came_with() -> None:
    draw = np.random.default_rng(3)
    rows = [row(AMOUNT, draw.normal(0.0 if place < 3 else 1.0, size=600), 5 * place) for place in range(5)]
    series = window_verdicts([AMOUNT], fold_rows(rows, WIDTH), Limits())["amount"]
    assert [verdict.verdict for verdict in series] == [DriftVerdict.OK] * 3 + [DriftVerdict.DRIFT] * 2
    assert [verdict.severity > 1 for verdict in series] == [False] * 3 + [True] * 2
    assert {verdict.n for verdict in series} == {600}


def test_quiet_windows_are_taken_together_until_there_is_enough() -> None:
    draw = np.random.default_rng(3)
    windows = fold_rows([row(AMOUNT, draw.normal(size=150), 5 * place) for place in range(6)], WIDTH)
    found = newest_windows(windows, enough=400)
    assert found is not None
    stretch, columns = found
    assert stretch == Stretch(START + timedelta(minutes=15), timedelta(minutes=15))
    assert rows_of(columns) == 450
    assert newest_windows({}) is None


def test_too_little_data_is_never_called_unchanged() -> None:
    columns = window(row(AMOUNT, np.random.default_rng(3).normal(size=20)))
    assert {result.verdict for result in judge([AMOUNT], columns, Limits())} == {DriftVerdict.INSUFFICIENT}


def test_a_column_that_no_request_brought_is_missing_throughout() -> None:
    columns = window(row(AMOUNT, np.random.default_rng(3).normal(size=900)))
    amount, country = feature_drifts(judge([AMOUNT, COUNTRY], columns, Limits()), {})[::-1]
    assert (amount.feature, amount.verdict) == ("amount", DriftVerdict.OK)
    assert (country.feature, country.verdict) == ("country", DriftVerdict.DRIFT)
    assert (country.deciding.missing_current, country.deciding.reason) == (900, "every value is missing")


def test_a_column_that_changed_its_type_spoils_no_other() -> None:
    unreadable = WindowRow(row(AMOUNT, np.empty(0)).key, counted(AMOUNT, np.full(900, np.nan)))
    other = profiled(np.random.default_rng(8).normal(size=5_000), "age")
    columns = window(unreadable, row(other, np.random.default_rng(9).normal(size=900)))
    drifts = {item.feature: item for item in feature_drifts(judge([AMOUNT, other], columns, Limits()), {})}
    assert drifts["amount"].verdict is DriftVerdict.INVALID
    assert "changed its type" in drifts["amount"].deciding.reason
    assert drifts["age"].verdict is DriftVerdict.OK


def test_windows_counted_by_another_reference_are_named_and_not_compared() -> None:
    other = profiled(np.arange(20.0), "amount", most_bins=5)
    columns = window(row(AMOUNT, np.random.default_rng(3).normal(size=900)))
    (drift,) = feature_drifts(judge([other], columns, Limits()), {})
    assert (drift.verdict, drift.kind) == (DriftVerdict.INVALID, FeatureKind.NUMERIC)
    assert "other bins" in drift.deciding.reason


def test_the_worst_feature_comes_first() -> None:
    draw = np.random.default_rng(4)
    mild, bad = (profiled(draw.normal(size=5_000), name) for name in ("mild", "bad"))
    columns = window(
        row(AMOUNT, draw.normal(size=900)), row(mild, draw.normal(0.4, size=900)), row(bad, draw.normal(3, size=900))
    )
    drifts = feature_drifts(judge([AMOUNT, mild, bad], columns, Limits()), {})
    assert [drift.feature for drift in drifts] == ["bad", "mild", "amount"]
    assert drifts[0].severity > drifts[1].severity > 1 > drifts[2].severity


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.randoms(use_true_random=False))
def test_figures_do_not_rest_on_sums_which_stores_round_in_their_own_order(
    total: float, squares: float, order: random.Random
) -> None:
    draw = np.random.default_rng(6)
    rows = [row(AMOUNT, draw.normal(0.2, size=300), 5 * place) for place in range(3)]
    others = [replace(item, values=replace(item.values, sum=total, sum_sq=squares)) for item in rows]
    order.shuffle(others)
    first, second = (judge([AMOUNT], together(fold_rows(some, WIDTH).values()), Limits()) for some in (rows, others))
    assert first == second
