"""Quality without labels: as close to what labels show as it says, and blind where it says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.intervals import FloatArray
from mlops_tui.analysis.quality_binary import BinaryOutcomes, BoolArray, binary_quality
from mlops_tui.analysis.quality_calibration import Calibrator
from mlops_tui.analysis.quality_estimates import ScoreCounts, check_estimate, estimate_quality
from mlops_tui.domain.profiles import FeatureCounts, NumericBins
from mlops_tui.domain.quality import QualityFigure, QualityMetric

THRESHOLD = 0.35


def binned(scores: FloatArray, bins: int) -> ScoreCounts:
    edges = NumericBins(tuple(np.linspace(0, 1, bins + 1)[1:-1].tolist()))
    counts = np.bincount(np.searchsorted(edges.edges, scores), minlength=edges.size)
    counted = FeatureCounts(
        *(len(scores), 0, 0, 0, 0, float(scores.sum()), float((scores**2).sum())),
        *(float(scores.min()), float(scores.max()), tuple(counts.tolist())),
    )
    return ScoreCounts.of_bins(edges, counted)


def estimated(rows: ScoreCounts, calibrator: Calibrator | None = None) -> dict[QualityMetric, QualityFigure]:
    return {figure.metric: figure for figure in estimate_quality(rows, THRESHOLD, calibrator)}


def realised(truth: BoolArray, scores: FloatArray) -> dict[QualityMetric, QualityFigure]:
    return {item.metric: item for item in binary_quality(BinaryOutcomes(truth, scores >= THRESHOLD, scores))}


def holds(estimate: QualityFigure, found: QualityFigure) -> bool:
    assert found.value is not None
    return estimate.lower is not None and estimate.upper is not None and estimate.lower <= found.value <= estimate.upper


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_estimate_is_the_mean_over_all_truths_that_the_scores_allow(scores: list[float]) -> None:
    values = np.array(scores)
    found = estimated(ScoreCounts.of_values(values))
    right = np.where(values >= THRESHOLD, values, 1 - values)
    assert found[QualityMetric.ACCURACY].value == pytest.approx(float(right.mean()))
    assert found[QualityMetric.BRIER].value == pytest.approx(float((values * (1 - values)).mean()), abs=1e-12)


@pytest.mark.parametrize("mean", [0.2, 0.5])
def test_calibrated_scores_hold_what_labels_show_as_often_as_said(mean: float) -> None:
    """The inputs may change as they like: here the whole distribution of scores moves."""
    generator = np.random.default_rng(1)
    trials = 150
    held: dict[QualityMetric, int] = {}
    for _ in range(trials):
        scores = generator.beta(8 * mean, 8 * (1 - mean), 500)
        found = realised(generator.random(500) < scores, scores)
        for metric, estimate in estimated(binned(scores, 200)).items():
            held[metric] = held.get(metric, 0) + holds(estimate, found[metric])
    assert len(held) == 7
    assert {metric: count / trials for metric, count in held.items() if count / trials < 0.9} == {}


def boastful(scores: FloatArray) -> FloatArray:
    """What the scores of a model are worth that is too sure."""
    return 0.1 + 0.5 * scores


def test_boastful_scores_are_corrected_by_earlier_labels() -> None:
    generator = np.random.default_rng(2)
    past = generator.random(3_000)
    calibrator = Calibrator.fitted(generator.random(3_000) < boastful(past), past)
    held = raw_held = 0
    for _ in range(100):
        scores = generator.beta(3, 2, 600)
        found = realised(generator.random(600) < boastful(scores), scores)[QualityMetric.ACCURACY]
        held += holds(estimated(binned(scores, 200), calibrator)[QualityMetric.ACCURACY], found)
        raw_held += holds(estimated(binned(scores, 200))[QualityMetric.ACCURACY], found)
    assert held >= 90
    assert raw_held <= 5


def test_a_change_of_the_concept_leaves_the_estimate_as_it_was_and_the_check_sees_it() -> None:
    generator = np.random.default_rng(3)
    scores = generator.beta(2, 3, 2_000)
    before = generator.random(2_000) < scores
    after = generator.random(2_000) < 1 - scores
    estimate = estimated(binned(scores, 500))[QualityMetric.ACCURACY]
    assert holds(estimate, realised(before, scores)[QualityMetric.ACCURACY])
    assert not holds(estimate, realised(after, scores)[QualityMetric.ACCURACY])
    told = [check_estimate(BinaryOutcomes(truth, scores >= THRESHOLD, scores)) for truth in (before, after)]
    assert told[0] is not None
    assert told[1] is not None
    assert told[0].p_value > 0.01
    assert told[1].p_value < 1e-12
    assert told[0].expected == told[1].expected == pytest.approx(estimate.value, abs=0.002)


@pytest.mark.parametrize("calibrates", [False, True])
def test_the_check_is_wrong_as_rarely_as_its_p_value_says(*, calibrates: bool) -> None:
    generator = np.random.default_rng(4)
    alarms, trials = 0, 600
    past = generator.beta(2, 3, 1_000)
    for _ in range(trials):
        calibrator = Calibrator.fitted(generator.random(1_000) < past, past) if calibrates else None
        scores = generator.beta(2, 3, 200)
        check = check_estimate(BinaryOutcomes(generator.random(200) < scores, scores >= THRESHOLD, scores), calibrator)
        assert check is not None
        alarms += check.p_value <= 0.05
    assert alarms / trials <= 0.08


def test_coarse_bins_widen_the_interval_by_what_they_hide() -> None:
    scores = np.random.default_rng(5).beta(2, 3, 50_000)
    fine, coarse = (estimated(binned(scores, bins))[QualityMetric.ACCURACY] for bins in (1_000, 8))
    exact = float(np.where(scores >= THRESHOLD, scores, 1 - scores).mean())
    for figure in (fine, coarse):
        assert figure.lower is not None
        assert figure.upper is not None
        assert figure.lower <= exact <= figure.upper
    assert fine.value == pytest.approx(exact, abs=1e-3)


def test_what_is_no_probability_is_not_estimated() -> None:
    assert estimate_quality(ScoreCounts.of_values(np.array([0.2, 1.7])), THRESHOLD) == ()
    assert estimate_quality(binned(np.array([-0.5, 0.9]), 4), THRESHOLD) == ()
    assert check_estimate(BinaryOutcomes(np.array([True]), np.array([True]), np.array([7.0]))) is None


def test_nothing_claimed_has_no_precision() -> None:
    figure = estimated(ScoreCounts.of_values(np.array([0.1, 0.2])))[QualityMetric.PRECISION]
    assert (figure.value, figure.reason) == (None, "no score is on the side of the threshold that it is about")
