"""Quality with labels: scikit-learn's numbers (``tests/fixtures/quality/generate.py``), and intervals that hold."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.quality_binary import BinaryOutcomes, binary_quality
from mlops_tui.analysis.quality_calibration import Calibrator, fit_if_better
from mlops_tui.analysis.quality_classes import class_quality
from mlops_tui.analysis.quality_numeric import numeric_quality
from mlops_tui.analysis.quality_slices import slice_quality
from mlops_tui.domain.quality import QualityFigure, QualityMetric
from tests.fixtures.quality.inputs import class_inputs, digest_of, number_inputs, scored_inputs

RECORDED = Path(__file__).parents[1] / "fixtures" / "quality" / "scikit_learn.json"
INPUTS: dict[tuple[str, str], Any] = {
    **{("scored", name): pair for name, pair in scored_inputs().items()},
    **{("classes", name): pair for name, pair in class_inputs().items()},
    **{("numbers", name): pair for name, pair in number_inputs().items()},
}


def recorded() -> list[Any]:
    cases = json.loads(RECORDED.read_text("utf-8"))["cases"]
    return [pytest.param(case, id=f"{case['kind']} {case['name']}") for case in cases]


def scored(truth: Iterable[Any], scores: Iterable[Any]) -> BinaryOutcomes:
    numbers = np.array(list(scores), np.float64)
    return BinaryOutcomes(np.array(list(truth)) == 1, numbers >= 0.5, numbers)


def figures_of(case: dict[str, Any]) -> tuple[QualityFigure, ...]:
    pair = INPUTS[case["kind"], case["name"]]
    assert digest_of(pair) == case["digest"], "the inputs are not those that scikit-learn was given"
    match case["kind"]:
        case "scored":
            return binary_quality(scored(*pair))
        case "classes":
            return class_quality(*(np.array(side, np.int64) for side in pair))
        case _:
            return numeric_quality(*(np.array(side) for side in pair))


def by_metric(figures: Iterable[QualityFigure]) -> dict[QualityMetric, QualityFigure]:
    return {figure.metric: figure for figure in figures}


@pytest.mark.parametrize("case", recorded())
def test_equals_scikit_learn(case: dict[str, Any]) -> None:
    found = by_metric(figures_of(case))
    assert {metric.value for metric in found} == set(case["figures"])
    for name, expected in case["figures"].items():
        value = found[QualityMetric(name)].value
        assert (0.0 if value is None else value) == pytest.approx(expected, abs=1e-12, rel=1e-12), name


def test_a_share_of_nothing_says_why_instead_of_zero() -> None:
    found = by_metric(binary_quality(scored([1, 0, 0], [0.1, 0.2, 0.3])))
    assert (found[QualityMetric.PRECISION].value, found[QualityMetric.PRECISION].n) == (None, 0)
    assert found[QualityMetric.PRECISION].reason == "nothing was predicted to be positive"
    one_class = by_metric(binary_quality(scored([0, 0], [0.1, 0.2])))
    assert one_class[QualityMetric.AUC].reason == "only one class has come in"
    assert one_class[QualityMetric.RECALL].reason == "nothing was positive"


def test_no_rows_have_no_figures_and_raw_scores_no_probabilities() -> None:
    assert binary_quality(scored([], [])) == ()
    assert numeric_quality(np.array([]), np.array([])) == ()
    unbounded = by_metric(binary_quality(scored([1, 0, 1], [3.2, -1.0, 0.7])))
    assert unbounded[QualityMetric.AUC].value == 1.0
    assert QualityMetric.BRIER not in unbounded


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60))
def test_every_interval_holds_its_value_and_stays_where_the_metric_lives(rows: list[tuple[bool, float]]) -> None:
    outcomes = scored([truth for truth, _ in rows], [score for _, score in rows])
    for figure in binary_quality(outcomes):
        if figure.value is None or figure.lower is None or figure.upper is None:
            assert figure.reason
            continue
        assert 0 <= figure.lower <= figure.upper
        assert figure.lower - 1e-12 <= figure.value <= figure.upper + 1e-12
        if figure.metric is not QualityMetric.LOG_LOSS:
            assert figure.value <= 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=1, max_size=50))
def test_the_order_of_rows_and_the_scale_of_scores_change_no_area(rows: list[tuple[bool, int]]) -> None:
    area = by_metric(binary_quality(scored([truth for truth, _ in rows], [score / 10 for _, score in rows])))
    turned = by_metric(
        binary_quality(scored([truth for truth, _ in rows[::-1]], [score**3 for _, score in rows[::-1]]))
    )
    assert turned[QualityMetric.AUC].value == pytest.approx(area[QualityMetric.AUC].value)


def drawn(generator: np.random.Generator, rows: int) -> BinaryOutcomes:
    chances = generator.beta(1.5, 3, rows)
    scores = chances**1.3
    return BinaryOutcomes(generator.random(rows) < chances, scores >= 0.3, scores)


@pytest.mark.parametrize("rows", [60, 400])
def test_intervals_hold_the_true_value_as_often_as_they_say(rows: int) -> None:
    generator = np.random.default_rng(11)
    truth = by_metric(binary_quality(drawn(generator, 400_000)))
    trials = 400
    held: dict[QualityMetric, int] = {}
    for _ in range(trials):
        for figure in binary_quality(drawn(generator, rows)):
            value = truth[figure.metric].value
            assert value is not None
            if figure.lower is not None and figure.upper is not None:
                held[figure.metric] = held.get(figure.metric, 0) + (figure.lower <= value <= figure.upper)
    assert {metric: round(count / trials, 3) for metric, count in held.items() if count / trials < 0.91} == {}


@pytest.mark.parametrize("seed", [1, 2])
def test_intervals_of_errors_of_numbers_hold_as_often_as_they_say(seed: int) -> None:
    generator = np.random.default_rng(seed)
    mean, root, trials = np.sqrt(2 / np.pi), 1.0, 500
    held = np.zeros(2)
    for _ in range(trials):
        errors = generator.normal(size=120)
        figures = numeric_quality(np.zeros(120), errors)
        for place, (figure, value) in enumerate(zip(figures, (mean, root), strict=True)):
            assert figure.lower is not None
            assert figure.upper is not None
            held[place] += figure.lower <= value <= figure.upper
    assert np.all(held / trials >= 0.9)


def test_isotonic_steps_never_fall_and_pool_what_they_average() -> None:
    truth = np.array([0, 1, 0, 0, 1, 1, 0, 1], np.bool_)
    scores = np.array([0.1, 0.2, 0.3, 0.3, 0.5, 0.6, 0.7, 0.9])
    learned = Calibrator.fitted(truth, scores).probabilities(scores)
    assert learned == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 1])
    assert Calibrator.fitted(truth, scores).probabilities(np.array([0.0, 1.0])) == pytest.approx([0, 1])


def test_calibration_is_learned_only_where_it_helps() -> None:
    generator = np.random.default_rng(5)
    scores = generator.random(4_000)
    honest, boastful = generator.random(4_000) < scores, generator.random(4_000) < 0.3 + 0.3 * scores
    assert fit_if_better(honest, scores) is None
    learned = fit_if_better(boastful, scores)
    assert learned is not None
    assert learned.probabilities(np.array([0.2, 0.8])) == pytest.approx([0.36, 0.54], abs=0.06)
    assert fit_if_better(boastful[:100], scores[:100]) is None


def test_slices_that_differ_by_chance_are_rarely_conspicuous() -> None:
    generator = np.random.default_rng(3)
    values = [f"shop {place % 20}" for place in range(2_000)]
    alarms = 0
    for _ in range(200):
        errors = (generator.random(2_000) < 0.1).astype(np.float64)
        alarms += any(part.is_conspicuous for part in slice_quality(values, errors, are_shares=True).slices)
    assert alarms / 200 <= 0.08


def test_a_slice_that_is_worse_is_found_and_small_ones_are_only_counted() -> None:
    generator = np.random.default_rng(4)
    values = [*("de" if place % 2 else "fr" for place in range(1_000)), *["is"] * 100, *["li"] * 5]
    errors = generator.exponential(1.0, len(values))
    errors[1_000:1_100] *= 2
    found = slice_quality(values, errors, are_shares=False)
    assert [(part.value, part.n) for part in found.slices] == [("de", 500), ("fr", 500), ("is", 100)]
    assert [part.value for part in found.slices if part.is_conspicuous] == ["is"]
    assert found.left == 1
