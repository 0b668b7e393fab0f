"""Missing values and new categories: seen while they are few, and not seen where a reference cannot know better."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.drift import Observation, compare
from mlops_tui.analysis.rates import RateTest
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.domain.drift import DriftResult, DriftVerdict, Statistic
from mlops_tui.domain.profiles import FeatureProfile
from tests.analysis.drift_samples import counted, counted_texts, profiled, profiled_texts

DRAW = np.random.default_rng(21)
COLOURS = profiled_texts(DRAW.choice(["red", "green", "blue"], 20_000).tolist(), "colour")
AMOUNT = profiled(DRAW.normal(size=20_000), "amount")


def texts(rows: int, new: int) -> list[str]:
    return [*np.random.default_rng(rows).choice(["red", "green", "blue"], rows - new).tolist(), *["violet"] * new]


def deciding(results: list[DriftResult]) -> DriftResult:
    return next(result for result in results if result.decides)


@pytest.mark.parametrize(("rows", "new"), [(200, 12), (2_000, 40), (2_000, 200)])
def test_a_new_category_is_seen_while_it_is_rare(rows: int, new: int) -> None:
    results = compare([Observation(COLOURS, counted_texts(COLOURS, texts(rows, new)))])
    assert deciding(results).verdict is DriftVerdict.DRIFT
    assert deciding(results).statistic is Statistic.CHI2
    assert deciding(results).reason == f"new categories grew from 0 % to {100 * new / rows:.3g} %"
    rate = next(result for result in results if result.statistic is Statistic.NEW_CATEGORY)
    assert rate.value == pytest.approx(new / rows)
    assert rate.threshold is not None
    assert rate.threshold < new / rows


def test_a_sensor_that_misses_now_and_then_is_seen() -> None:
    values = np.random.default_rng(2).normal(size=2_000)
    values[:60] = np.nan
    results = compare([Observation(AMOUNT, counted(AMOUNT, values, missing=60))])
    assert deciding(results).verdict is DriftVerdict.DRIFT
    assert deciding(results).reason == "missing values grew from 0 % to 3 %"


def test_a_handful_in_a_million_rows_does_not_matter() -> None:
    counts = counted_texts(COLOURS, texts(60_000, 30))
    (chosen,) = [result for result in compare([Observation(COLOURS, counts)]) if result.decides]
    assert chosen.verdict is DriftVerdict.OK


def test_values_that_come_back_are_no_alarm() -> None:
    gaps = DRAW.normal(size=20_000)
    gaps[:100] = np.nan
    reference = profiled(gaps, "amount")
    now = counted(reference, np.random.default_rng(3).normal(size=2_000))
    assert deciding(compare([Observation(reference, now)])).verdict is DriftVerdict.OK


@pytest.mark.parametrize("tail", ["zipf", "geometric", "identifiers"])
@pytest.mark.parametrize(("reference_rows", "rows"), [(2_000, 200), (5_000, 2_000)])
def test_rare_categories_that_nobody_saw_yet_are_no_alarm(tail: str, reference_rows: int, rows: int) -> None:
    """Heavy tails always bring new categories; the share that chance brings is promised."""
    draw = np.random.default_rng(rows)

    def sample(size: int) -> list[str]:
        drawn = {
            "zipf": lambda: draw.zipf(1.6, size),
            "geometric": lambda: draw.geometric(0.1, size),
            "identifiers": lambda: draw.integers(0, 3_000, size),
        }[tail]()
        return [f"c{value}" for value in drawn]

    analyses, alarms = 40, 0
    for _ in range(analyses):
        profile = profiled_texts(sample(reference_rows))
        seen = Observation(profile, counted_texts(profile, sample(rows)))
        alarms += deciding(compare([seen], Limits(level=0.1, smallest_effect=0.0))).verdict is DriftVerdict.DRIFT
    # Four standard deviations of the count above what is promised.
    assert alarms <= analyses * 0.1 + 4 * np.sqrt(analyses * 0.1 * 0.9)


def test_identifiers_are_never_called_unchanged() -> None:
    draw = np.random.default_rng(6)
    profile = profiled_texts([f"c{value}" for value in draw.integers(0, 3_000, 9_000)])
    same = counted_texts(profile, [f"c{value}" for value in draw.integers(0, 3_000, 5_000)])
    chosen = deciding(compare([Observation(profile, same)]))
    assert (chosen.verdict, chosen.reason) == (
        DriftVerdict.INSUFFICIENT,
        "its categories are too many and too rare to compare",
    )


@given(
    st.integers(0, 40), st.integers(50, 3_000), st.integers(0, 60), st.integers(60, 900), st.sampled_from([0.05, 1e-4])
)
def test_what_is_above_its_threshold_is_drift_and_nothing_else(
    ours: int, n: int, theirs: int, m: int, level: float
) -> None:
    test = RateTest(Statistic.NEW_CATEGORY, ours, n, theirs, m)
    threshold = test.threshold(level, 0.02)
    if threshold is None:
        assert not test.is_drift(level, 0.02)
        return
    assert test.value is not None
    assert (test.value > threshold + 1e-12) is test.is_drift(level, 0.02)


def test_what_there_is_nothing_of_is_not_tested() -> None:
    nothing = FeatureProfile(AMOUNT.name, AMOUNT.kind, AMOUNT.bins, AMOUNT.counts)
    alone = compare([Observation(nothing, counted(AMOUNT, np.random.default_rng(4).normal(size=500)))])
    rate = next(result for result in alone if result.statistic is Statistic.MISSING)
    assert (rate.value, rate.threshold) == (0.0, None)
