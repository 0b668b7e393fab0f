from __future__ import annotations

import pytest

from mlops_tui.analysis.sample_ratio import mismatch_p


def test_the_p_value_is_pearsons() -> None:
    """25/9 with one degree of freedom: scipy.stats.chisquare([1050, 8950], [1000, 9000])."""
    p = mismatch_p({"stable": 8_950, "canary": 1_050}, {"stable": 0.9, "canary": 0.1})
    assert p == pytest.approx(0.09558070454562935, rel=1e-12)


def test_weights_are_relative_to_one_another() -> None:
    observed = {"a": 480.0, "b": 260.0, "c": 260.0}
    assert mismatch_p(observed, {"a": 50, "b": 25, "c": 25}) == mismatch_p(observed, {"a": 0.5, "b": 0.25, "c": 0.25})


def test_too_few_observations_say_nothing() -> None:
    assert mismatch_p({"stable": 40}, {"stable": 0.9, "canary": 0.1}) is None
    assert mismatch_p({}, {"stable": 0.9, "canary": 0.1}) is None


def test_an_arm_that_gets_nothing_is_a_mismatch() -> None:
    p = mismatch_p({"stable": 1_000}, {"stable": 0.5, "canary": 0.5})
    assert p is not None
    assert p < 1e-100
