from __future__ import annotations

from math import comb

import numpy as np
import pytest

from benchmarks.proofs.sample_ratios import Split
from mlops_tui.analysis.sample_ratio import LIMIT, mismatch_p


def test_on_average_the_evidence_of_every_outcome_is_one() -> None:
    """The p-value is 1 / e where e is above one, so that what is above must be made up for below."""
    shares, n = {"stable": 0.7, "canary": 0.3}, 12
    chances = [comb(n, canary) * 0.3**canary * 0.7 ** (n - canary) for canary in range(n + 1)]
    p = [mismatch_p({"stable": n - canary, "canary": canary}, shares) for canary in range(n + 1)]
    above = sum(chance / value for chance, value in zip(chances, p, strict=True) if value < 1.0)
    assert 0.2 < above < 1.0
    assert p[4] == 1.0
    assert p[12] == min(p)


@pytest.mark.parametrize(("planned", "size"), [(0.5, 100), (0.1, 20), (0.01, 1_000)])
def test_a_right_split_is_not_called_wrong_however_often_one_looks(planned: float, size: int) -> None:
    """Pearson's test at the same level calls about 1.5 % of these wrong."""
    assert sum(Split(planned, planned, size).found(seed) is not None for seed in range(150)) == 0


def test_pearsons_test_is_no_match() -> None:
    assert sum(Split(0.5, 0.5, 100).is_found_by_pearson(seed) for seed in range(300)) >= 2


@pytest.mark.parametrize(("planned", "actual"), [(0.5, 0.45), (0.1, 0.13), (0.1, 0.07)])
def test_a_wrong_split_is_found(planned: float, actual: float) -> None:
    found = [Split(planned, actual, 100).found(seed) for seed in range(10)]
    assert all(total is not None and total <= 8_000 for total in found)


def test_weights_are_relative_to_one_another() -> None:
    observed = {"a": 480.0, "b": 230.0, "c": 290.0}
    halves = mismatch_p(observed, {"a": 0.5, "b": 0.25, "c": 0.25})
    assert mismatch_p(observed, {"a": 50, "b": 25, "c": 25}) == pytest.approx(halves)
    assert halves < 1.0


def test_few_observations_say_nothing() -> None:
    assert mismatch_p({"stable": 40}, {"stable": 0.9, "canary": 0.1}) > LIMIT
    assert mismatch_p({}, {"stable": 0.9, "canary": 0.1}) == 1.0


def test_an_arm_that_gets_nothing_is_a_mismatch() -> None:
    assert mismatch_p({"stable": 1_000}, {"stable": 0.5, "canary": 0.5}) < 1e-100


def test_an_arm_that_ought_to_get_nothing_and_gets_something_is_a_mismatch() -> None:
    assert mismatch_p({"stable": 1_000, "canary": 1}, {"stable": 1.0, "canary": 0.0}) == 0.0
    assert mismatch_p({"stable": 1_000}, {"stable": 1.0, "canary": 0.0}) == 1.0


def test_huge_counts_are_weighed_without_overflow() -> None:
    n, spread = 1e12, np.sqrt(1e12 * 0.09)
    fine, wrong = (
        mismatch_p({"stable": 0.9 * n - off * spread, "canary": 0.1 * n + off * spread}, {"stable": 0.9, "canary": 0.1})
        for off in (1.0, 10.0)
    )
    assert fine == 1.0
    assert wrong < LIMIT
