"""Equality with scipy on random and adversarial inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import (
    chi2_contingency,
    entropy,
    false_discovery_control,
    fisher_exact,
    ks_2samp,
    wasserstein_distance,
)

from mlops_tui.analysis.bin_groups import GroupedCounts
from mlops_tui.analysis.cumulative_distances import kolmogorov_smirnov, wasserstein
from mlops_tui.analysis.distances import (
    hellinger_distance,
    jensen_shannon_distance,
    l_infinity_distance,
    population_stability_index,
    total_variation_distance,
)
from mlops_tui.analysis.raw_columns import exact_kolmogorov_smirnov, exact_wasserstein
from mlops_tui.analysis.significance import chi_square, difference_p, excess_p, kolmogorov_p
from mlops_tui.analysis.thresholds import benjamini_hochberg
from mlops_tui.domain.profiles import NumericBins
from tests.analysis.drift_samples import Floats, counted, numbers, profiled, tame_number

pairs = st.integers(2, 30).flatmap(
    lambda size: st.tuples(
        *[st.lists(st.integers(0, 10_000), min_size=size, max_size=size).filter(any) for _ in range(2)]
    )
)


def shares(items: list[int]) -> Floats:
    return np.array(items, np.float64) / sum(items)


@given(pairs)
def test_distances_of_shares_equal_scipy(pair: tuple[list[int], list[int]]) -> None:
    ours, theirs = map(shares, pair)
    assert jensen_shannon_distance(ours, theirs) == pytest.approx(jensenshannon(ours, theirs), abs=1e-7)
    assert jensen_shannon_distance(ours, theirs, 2) == pytest.approx(jensenshannon(ours, theirs, 2), abs=1e-7)
    overlap = float(np.sum(np.sqrt(ours * theirs)))
    assert hellinger_distance(ours, theirs) == pytest.approx(math.sqrt(max(0.0, 1 - overlap)), abs=1e-7)
    assert total_variation_distance(ours, theirs) == pytest.approx(np.maximum(ours - theirs, 0).sum(), abs=1e-12)
    assert l_infinity_distance(ours, theirs) == pytest.approx(np.linalg.norm(ours - theirs, np.inf), abs=1e-15)


@given(pairs)
def test_the_stability_index_is_the_sum_of_both_entropies(pair: tuple[list[int], list[int]]) -> None:
    ours, theirs = (np.maximum(np.array(side, np.float64), 1) for side in pair)
    ours, theirs = ours / ours.sum(), theirs / theirs.sum()
    expected = entropy(ours, theirs) + entropy(theirs, ours)
    assert population_stability_index(ours, theirs) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert population_stability_index(theirs, ours) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_an_empty_bin_counts_with_the_share_that_stands_in() -> None:
    ours, theirs = np.array([0.5, 0.5, 0.0, 0.0]), np.array([0.5, 0.4, 0.1, 0.0])
    index = population_stability_index(ours, theirs, 1e-4)
    assert index == pytest.approx(0.1 * math.log(0.5 / 0.4) + (0.1 - 1e-4) * math.log(0.1 / 1e-4), rel=1e-12)


@given(numbers(tame_number, least=1), numbers(tame_number, least=1))
def test_exact_figures_equal_scipy(ours: Floats, theirs: Floats) -> None:
    expected = ks_2samp(ours, theirs)
    assert exact_kolmogorov_smirnov(ours, theirs) == (expected.statistic, expected.pvalue)
    assert exact_wasserstein(ours, theirs) == pytest.approx(wasserstein_distance(ours, theirs), rel=1e-9, abs=1e-12)


@given(numbers(tame_number, least=1), numbers(tame_number, least=1), st.integers(3, 50))
def test_figures_from_counts_bracket_the_exact_ones(ours: Floats, theirs: Floats, most: int) -> None:
    profile = profiled(ours, most_bins=most)
    current = counted(profile, theirs)
    assert isinstance(profile.bins, NumericBins)
    distance = kolmogorov_smirnov(profile.bins, profile.counts, current)
    exact = ks_2samp(ours, theirs).statistic
    assert distance.lower - 1e-12 <= exact <= distance.upper + 1e-12
    area = wasserstein(profile.bins, profile.counts, current)
    assert area is not None
    true_area = wasserstein_distance(ours, theirs)
    slack = 1e-9 * max(1.0, true_area)
    assert area.lower - slack <= true_area <= area.upper + slack
    assert area.lower - slack <= area.value <= area.upper + slack


def test_a_thousand_bins_miss_little_of_the_exact_figures() -> None:
    draw = np.random.default_rng(5)
    ours, theirs = draw.normal(size=100_000), draw.normal(0.1, 1.1, size=50_000)
    profile = profiled(ours)
    current = counted(profile, theirs)
    assert isinstance(profile.bins, NumericBins)
    assert kolmogorov_smirnov(profile.bins, profile.counts, current).value == pytest.approx(
        ks_2samp(ours, theirs).statistic, abs=2e-3
    )
    area = wasserstein(profile.bins, profile.counts, current)
    assert area is not None
    assert area.value == pytest.approx(wasserstein_distance(ours, theirs), rel=0.01)


@given(numbers(st.integers(0, 9).map(float), least=1), numbers(st.integers(0, 9).map(float), least=1))
def test_figures_of_few_values_are_exact(ours: Floats, theirs: Floats) -> None:
    profile = profiled(ours)
    current = counted(profile, theirs)
    assert isinstance(profile.bins, NumericBins)
    if set(theirs.tolist()) <= set(ours.tolist()):
        distance = kolmogorov_smirnov(profile.bins, profile.counts, current)
        assert distance.value == pytest.approx(ks_2samp(ours, theirs).statistic, abs=1e-12)
        assert distance.upper == pytest.approx(distance.value, abs=1e-12)


def test_an_area_too_large_for_a_number_is_none() -> None:
    profile = profiled(np.array([-1.7e308]))
    assert isinstance(profile.bins, NumericBins)
    assert wasserstein(profile.bins, profile.counts, counted(profile, np.array([1.7e308]))) is None


@given(pairs)
def test_chi_square_equals_scipy(pair: tuple[list[int], list[int]]) -> None:
    table = np.array(pair)
    table = table[:, table.sum(axis=0) > 0]
    expected = chi2_contingency(table, correction=False).statistic if table.shape[1] > 1 else 0.0
    groups = GroupedCounts(np.array(pair[0]), np.array(pair[1]))
    assert chi_square(groups) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_few_marked_rows_are_tested_exactly(n: int, m: int, data: st.DataObject) -> None:
    ours, theirs = data.draw(st.integers(0, min(n, 3))), data.draw(st.integers(0, min(m, 3)))
    pooled = (ours + theirs) / (n + m)
    if min(n, m) * min(pooled, 1 - pooled) < 5:
        expected = fisher_exact([[theirs, m - theirs], [ours, n - ours]], "greater").pvalue
        assert excess_p(ours, n, theirs, m) == pytest.approx(expected, rel=1e-8)


def test_many_marked_rows_are_tested_by_the_normal_law() -> None:
    exact = fisher_exact([[60, 940], [30, 970]], "greater").pvalue
    assert excess_p(30, 1_000, 60, 1_000) == pytest.approx(exact, rel=0.6)
    assert difference_p(30, 1_000, 60, 1_000) == 2 * excess_p(30, 1_000, 60, 1_000)
    assert difference_p(0, 1_000, 0, 1_000) == 1.0


@pytest.mark.parametrize(("distance", "n", "m"), [(0.05, 500, 700), (0.1, 200, 300), (0.02, 10_000, 9_000)])
def test_the_p_value_of_a_distance_is_near_the_exact_one(distance: float, n: int, m: int) -> None:
    from scipy.stats import kstwo

    exact = kstwo.sf(distance, round(n * m / (n + m)))
    assert kolmogorov_p(distance, n, m) == pytest.approx(exact, rel=0.05, abs=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_procedure_rejects_what_scipy_rejects(p_values: list[float], level: float) -> None:
    adjusted = false_discovery_control(np.maximum(p_values, 1e-300))
    limit = benjamini_hochberg(p_values, level)
    for p, q in zip(p_values, adjusted, strict=True):
        if abs(q - level) > 1e-12:
            assert (p <= limit) == (q <= level)
