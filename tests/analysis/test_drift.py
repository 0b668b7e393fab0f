"""Verdicts: what is drift, what is not, and what nobody can tell."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.bin_groups import LEAST_EXPECTED, GroupedCounts, full_groups
from mlops_tui.analysis.drift import Observation, compare, deciding_statistic
from mlops_tui.analysis.significance import psi_law
from mlops_tui.analysis.thresholds import Limits, false_alarms_per_month, level_for
from mlops_tui.domain.drift import DriftResult, DriftVerdict, Statistic, overall
from mlops_tui.domain.profiles import FeatureProfile
from tests.analysis.drift_samples import (
    Floats,
    any_value,
    counted,
    counted_texts,
    numbers,
    profiled,
    profiled_texts,
)

DRAW = np.random.default_rng(11)
NORMAL = DRAW.normal(size=5_000)
REFERENCE = profiled(NORMAL)
COLOURS = DRAW.choice(["red", "green", "blue"], 5_000, p=[0.5, 0.3, 0.2]).tolist()
PALETTE = profiled_texts(COLOURS)


def results_of(profile: FeatureProfile, values: Floats, missing: int = 0) -> list[DriftResult]:
    return compare([Observation(profile, counted(profile, values, missing))])


def decision(results: list[DriftResult]) -> DriftResult:
    (chosen,) = (result for result in results if result.decides)
    assert {result.verdict for result in results} == {chosen.verdict}
    return chosen


def test_the_same_distribution_is_no_drift() -> None:
    chosen = decision(results_of(REFERENCE, np.random.default_rng(1).normal(size=3_000)))
    assert (chosen.statistic, chosen.verdict, chosen.reason) == (Statistic.PSI, DriftVerdict.OK, "")
    assert (chosen.n_reference, chosen.n_current) == (5_000, 3_000)


def test_a_shift_is_drift_and_every_figure_shows_it() -> None:
    results = results_of(REFERENCE, np.random.default_rng(1).normal(0.5, size=3_000))
    chosen = decision(results)
    assert chosen.verdict is DriftVerdict.DRIFT
    assert chosen.value is not None
    assert chosen.threshold is not None
    assert chosen.value > chosen.threshold
    by_statistic = {result.statistic: result for result in results}
    of_rows = {Statistic.AUC, Statistic.RECONSTRUCTION, Statistic.ADWIN, Statistic.PAGE_HINKLEY}
    assert set(by_statistic) == set(Statistic) - of_rows - {Statistic.CHI2, Statistic.NEW_CATEGORY}
    assert by_statistic[Statistic.KS].value == pytest.approx(0.197, abs=0.03)
    assert by_statistic[Statistic.WASSERSTEIN].value == pytest.approx(0.5, abs=0.05)
    assert by_statistic[Statistic.WASSERSTEIN_NORMED].value == pytest.approx(0.5, abs=0.05)
    js_ln, js_2 = by_statistic[Statistic.JS_LN].value, by_statistic[Statistic.JS_2].value
    assert js_ln is not None
    assert js_2 == pytest.approx(js_ln / np.sqrt(np.log(2)))


def test_a_sure_but_tiny_difference_is_no_drift() -> None:
    draw = np.random.default_rng(2)
    profile = profiled(draw.normal(size=400_000))
    chosen = decision(results_of(profile, draw.normal(0.05, size=400_000)))
    assert chosen.p_value is not None
    assert chosen.p_value < 1e-20
    assert (chosen.verdict, chosen.threshold) == (DriftVerdict.OK, 0.02)
    assert "too small" in chosen.reason
    found = compare(
        [Observation(profile, counted(profile, draw.normal(0.05, size=400_000)))], Limits(smallest_effect=0)
    )
    assert decision(found).verdict is DriftVerdict.DRIFT


@pytest.mark.parametrize("rows", [0, 1, 30, 99])
def test_few_rows_never_say_that_nothing_changed(rows: int) -> None:
    chosen = decision(results_of(REFERENCE, NORMAL[:rows]))
    assert chosen.verdict is DriftVerdict.INSUFFICIENT
    assert chosen.reason


def test_few_rows_can_still_say_that_something_did() -> None:
    assert decision(results_of(REFERENCE, np.full(60, 9.0))).verdict is DriftVerdict.DRIFT


def test_rare_values_in_few_rows_are_not_judged() -> None:
    profile = profiled_texts(["no"] * 4_750 + ["yes"] * 250)
    for yes, rows, verdict in ((9, 200, DriftVerdict.INSUFFICIENT), (100, 2_000, DriftVerdict.OK)):
        values = ["no"] * (rows - yes) + ["yes"] * yes
        (found, *_) = compare([Observation(profile, counted_texts(profile, values))], Limits())
        assert found.verdict is verdict, found
        assert ("too rare" in found.reason) == (verdict is DriftVerdict.INSUFFICIENT)


def test_a_value_too_rare_to_matter_keeps_no_large_sample_from_an_all_clear() -> None:
    profile = profiled_texts(["no"] * 19_990 + ["yes"] * 10)
    values = ["no"] * 19_992 + ["yes"] * 8
    assert compare([Observation(profile, counted_texts(profile, values))], Limits())[0].verdict is DriftVerdict.OK


def test_many_features_need_more_rows_for_an_all_clear() -> None:
    draw = np.random.default_rng(3)
    profile = profiled(draw.normal(size=150))
    seen = [Observation(profile, counted(profile, draw.normal(size=150))) for _ in range(200)]
    assert {result.verdict for result in compare(seen[:1])} == {DriftVerdict.OK}
    assert {result.verdict for result in compare(seen)} == {DriftVerdict.INSUFFICIENT}


def test_a_sensor_that_falls_silent_is_drift() -> None:
    half = np.where(np.arange(2_000) % 2 == 0, np.nan, DRAW.normal(size=2_000))
    results = results_of(REFERENCE, half, missing=1_000)
    assert decision(results).verdict is DriftVerdict.DRIFT
    missing = next(result for result in results if result.statistic is Statistic.MISSING)
    assert (missing.value, missing.missing_current) == (0.5, 1_000)
    silent = decision(results_of(REFERENCE, np.full(2_000, np.nan), missing=2_000))
    assert (silent.verdict, silent.reason) == (DriftVerdict.DRIFT, "every value is missing")


def test_infinities_are_drift() -> None:
    values = np.append(NORMAL[:1_900], [np.inf] * 100)
    assert decision(results_of(REFERENCE, values)).verdict is DriftVerdict.DRIFT


def test_a_new_category_is_drift() -> None:
    results = compare([Observation(PALETTE, counted_texts(PALETTE, [*COLOURS[:1_800], *["violet"] * 200]))])
    chosen = decision(results)
    assert (chosen.statistic, chosen.verdict) == (Statistic.CHI2, DriftVerdict.DRIFT)
    new = next(result for result in results if result.statistic is Statistic.NEW_CATEGORY)
    assert new.value == pytest.approx(0.1)
    assert new.p_value is not None
    assert new.p_value < 1e-20


def test_the_same_categories_are_no_drift() -> None:
    draw = np.random.default_rng(5)
    texts = draw.choice(["red", "green", "blue"], 1_000, p=[0.5, 0.3, 0.2]).tolist()
    assert decision(compare([Observation(PALETTE, counted_texts(PALETTE, texts))])).verdict is DriftVerdict.OK


def test_many_categories_are_judged_by_the_stability_index() -> None:
    profile = profiled_texts([f"c{place % 50}" for place in range(5_000)])
    assert deciding_statistic(profile) is Statistic.PSI
    same = counted_texts(profile, [f"c{place % 50}" for place in range(4_000)])
    other = counted_texts(profile, [f"c{place % 20}" for place in range(4_000)])
    assert decision(compare([Observation(profile, same)])).verdict is DriftVerdict.OK
    assert decision(compare([Observation(profile, other)])).verdict is DriftVerdict.DRIFT


def test_a_constant_reference_is_judged_and_named() -> None:
    profile = profiled(np.full(1_000, 7.0))
    same, other = results_of(profile, np.full(500, 7.0)), results_of(profile, np.full(500, 8.0))
    assert (decision(same).verdict, decision(same).value) == (DriftVerdict.OK, 0.0)
    assert decision(same).reason == "the reference holds a single value"
    assert decision(other).verdict is DriftVerdict.DRIFT
    normed = next(result for result in other if result.statistic is Statistic.WASSERSTEIN_NORMED)
    assert normed.value is None


def test_a_feature_that_cannot_be_compared_spoils_no_other() -> None:
    seen = [
        Observation(PALETTE, None, "it holds dates"),
        Observation(REFERENCE, counted(REFERENCE, NORMAL[:1_000])),
    ]
    results = compare(seen)
    assert (results[0].verdict, results[0].reason, results[0].n_reference) == (
        DriftVerdict.INVALID,
        "it holds dates",
        5_000,
    )
    assert {result.verdict for result in results[1:]} == {DriftVerdict.OK}


def test_the_overall_verdict_is_the_worst() -> None:
    drift, ok, few, bad = DriftVerdict.DRIFT, DriftVerdict.OK, DriftVerdict.INSUFFICIENT, DriftVerdict.INVALID
    assert [overall(set(verdicts)) for verdicts in ([ok], [ok, few], [few, bad], [bad, drift, ok], [])] == [
        ok,
        few,
        bad,
        drift,
        few,
    ]


@given(numbers(any_value, least=5), numbers(any_value, least=0), st.booleans())
def test_any_data_have_a_verdict(reference: Floats, current: Floats, repeat: bool) -> None:
    if not np.isfinite(reference).any():
        return
    if repeat:
        reference, current = np.tile(reference, 40), np.tile(current, 40)
    for result in results_of(profiled(reference), current):
        for figure in (result.value, result.p_value, result.threshold):
            assert figure is None or np.isfinite(figure)
        assert result.p_value is None or 0 <= result.p_value <= 1
        assert (result.verdict is DriftVerdict.INSUFFICIENT) or len(current) > 0


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=30).filter(
        lambda pairs: all(sum(side) for side in zip(*pairs, strict=True))
    )
)
def test_groups_are_full_or_there_is_one(pairs: list[tuple[int, int]]) -> None:
    ours = [f"c{place}" for place, (count, _) in enumerate(pairs) for _ in range(count)]
    theirs = [f"c{place}" for place, (_, count) in enumerate(pairs) for _ in range(count)]
    profile = profiled_texts(ours)
    groups = full_groups(profile, counted_texts(profile, theirs))
    assert (groups.n_reference, groups.n_current) == (len(ours), len(theirs))
    assert len(groups.reference) == 1 or groups.expected.min() >= LEAST_EXPECTED - 1e-9


def test_the_load_of_false_alarms_is_stated_both_ways() -> None:
    every = timedelta(minutes=5)
    assert false_alarms_per_month(0.05, timedelta(days=1)) == pytest.approx(1.5)
    assert false_alarms_per_month(level_for(2, every), every) == pytest.approx(2)


@pytest.mark.parametrize("wrong", [{"level": 0.0}, {"level": 1.0}, {"smallest_effect": -1.0}, {"fewest_rows": 0}])
def test_limits_that_make_no_sense_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"level|negative"):
        Limits(**wrong)  # type: ignore[arg-type]  # one wrong limit at a time


@pytest.mark.parametrize(
    ("rows", "reference_rows", "features"), [(200, 200, 1), (200, 20_000, 20), (1_000, 1_000, 50), (20_000, 20_000, 5)]
)
def test_false_alarms_stay_at_the_stated_rate(rows: int, reference_rows: int, features: int) -> None:
    """Without the floor under effects, so that the law alone is judged."""
    draw = np.random.default_rng(rows + features)
    limits = Limits(level=0.1, smallest_effect=0.0)
    analyses = 1_500 // (features + 10)
    alarms = 0
    for _ in range(analyses):
        seen = []
        for _ in range(features):
            profile = profiled(draw.normal(size=reference_rows), most_bins=100)
            seen.append(Observation(profile, counted(profile, draw.normal(size=rows))))
        alarms += any(result.verdict is DriftVerdict.DRIFT for result in compare(seen, limits))
    # Four standard deviations of the count above what is promised.
    assert alarms <= analyses * 0.1 + 4 * np.sqrt(analyses * 0.1 * 0.9)


@pytest.mark.parametrize("shift", [0.25, -0.25])
def test_a_shift_of_a_quarter_deviation_is_found(shift: float) -> None:
    draw = np.random.default_rng(8)
    found = [
        decision(results_of(profiled(draw.normal(size=5_000)), draw.normal(shift, size=5_000))).verdict
        for _ in range(10)
    ]
    assert found == [DriftVerdict.DRIFT] * 10


@pytest.mark.parametrize(("rows", "groups"), [(200, 8), (2_000, 10)])
def test_the_law_holds_far_out_where_the_windows_of_a_month_are_judged(rows: int, groups: int) -> None:
    draw = np.random.default_rng(rows)
    shares = np.full(groups, 1 / groups)
    ours, theirs = (draw.multinomial(size, shares, 200_000) for size in (20_000, rows))
    expected = GroupedCounts(np.full(groups, 20_000 // groups), np.full(groups, rows // groups))
    before, after = (np.maximum(part / part.sum(axis=1, keepdims=True), 1e-4) for part in (ours, theirs))
    index = ((before - after) * np.log(before / after)).sum(axis=1)
    for level in (1e-2, 1e-3, 1e-4):
        alarms = int((index > psi_law(expected).critical(level)).sum())
        assert alarms <= 200_000 * level + 4 * np.sqrt(200_000 * level)
