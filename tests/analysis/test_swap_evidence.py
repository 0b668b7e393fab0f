"""Which arm is the worse one, where they are far apart: an even bet as long as the arms could be swapped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import exp, log

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.proofs.rollout_streams import Values, lognormal, normal, wandering
from mlops_tui.analysis.swap_evidence import SwapEvidence

STREAMS = 1_500
# What a guardrail of its own asks of this part of the evidence, at alpha 0.05.
ENOUGH = log(20.0 / (0.75 * 0.28))


def e_values(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """The e-value after each stamp of (control, treatment)."""
    evidence, found = SwapEvidence(1), []
    for control, treatment in pairs:
        evidence.add(np.array([treatment]), np.array([control]))
        found.append(exp(evidence.log_e[0]))
    return found


def test_on_average_over_all_swaps_of_the_arms_an_e_value_is_one() -> None:
    pairs = [(1.0, 1.2), (0.9, 40.0), (1.1, 0.4), (1.0, 90.0), (1.3, 7.0), (0.8, 0.8), (1.0, 55.0)]
    swapped = [
        e_values([pair[::-1] if swap else pair for pair, swap in zip(pairs, swaps, strict=True)])
        for swaps in product((False, True), repeat=len(pairs))
    ]
    assert np.mean(swapped, axis=0) == pytest.approx(np.ones(len(pairs)))
    assert np.max(swapped) > 3.0


def alarms(control: Values, treatment: Values) -> float:
    """The share of streams, one value a look, whose evidence is enough at any of a hundred looks."""
    random = np.random.default_rng(11)
    evidence, highest = SwapEvidence(STREAMS), np.full(STREAMS, -np.inf)
    arms = [values(random, STREAMS, 100).T for values in (control, treatment)]
    for one, other in zip(*arms, strict=True):
        evidence.add(other, one)
        highest = np.maximum(highest, evidence.log_e)
    return float((highest >= ENOUGH).mean())


def long_walks(random: np.random.Generator, looks: int, size: int) -> NDArray[np.float64]:
    """As many independent autoregressive series of 0.9 as there are streams."""
    walks = random.normal(size=(looks, size))
    for place in range(1, size):
        walks[:, place] = 0.9 * walks[:, place - 1] + 0.19**0.5 * walks[:, place]
    return walks


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        (normal(0.0), normal(0.0)),
        (normal(0.0), normal(0.0, 5.0)),
        (lognormal(1.0), lognormal(1.0)),
        (lognormal(3.0), lognormal(3.0)),
        (long_walks, long_walks),
    ],
    ids=["normal", "variance", "lognormal", "heavy", "autoregressive"],
)
def test_without_harm_there_is_seldom_enough(control: Values, treatment: Values) -> None:
    assert alarms(control, treatment) <= 0.015


def test_values_a_hundred_times_worse_at_seven_stamps_of_ten_are_enough() -> None:
    random = np.random.default_rng(2)
    points = [1e4] * 7 + [100.0] * 3
    for noise in (0.05, 0.1, 0.2):
        pairs = [(random.normal(100, 100 * noise), random.normal(point, point * noise)) for point in points]
        assert log(e_values(pairs)[-1]) > ENOUGH
        assert log(e_values(pairs[::-1])[-1]) > ENOUGH


def test_small_differences_are_left_to_the_t_test() -> None:
    random = np.random.default_rng(3)
    pairs = [(random.normal(), random.normal() + 1.0) for _ in range(100)]
    assert 0.0 < log(e_values(pairs)[-1]) < 2.0


def test_differences_that_come_from_rounding_are_none() -> None:
    assert e_values([(7.3 * 1.1, 8.03)] * 200)[-1] == pytest.approx(1.0)
    assert e_values([(0.0, 0.0)] * 10)[-1] == 1.0


def test_neither_unit_nor_origin_matters() -> None:
    pairs = [(1.0, 1.2), (0.9, 40.0), (1.1, 0.4), (1.0, 90.0), (1.3, 7.0)]
    moved = [(1e3 * one - 5e4, 1e3 * other - 5e4) for one, other in pairs]
    assert e_values(moved) == pytest.approx(e_values(pairs))


def test_a_wandering_level_is_a_wide_unit() -> None:
    level = wandering(0.0, 0.99)(np.random.default_rng(1), 1, 50)[0]
    still = e_values([(value, value + 9.0) for value in np.random.default_rng(1).normal(size=50)])[-1]
    walking = e_values([(value, value + 9.0) for value in level * 3.0])[-1]
    assert walking < still
