"""What quality to expect where no labels are: confidence-based performance estimation of two classes.

If a score is the probability of the positive class, every row is right with a probability that is known, and the sums
of those are the expected cells of the confusion matrix (NannyML's CBPE). That holds when the inputs change. It cannot
see that the same inputs now mean something else: such a change of the concept leaves every estimate as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.intervals import FloatArray, percentiles
from mlops_tui.analysis.quality_binary import BinaryOutcomes
from mlops_tui.analysis.quality_calibration import Calibrator
from mlops_tui.domain.profiles import FeatureCounts, NumericBins
from mlops_tui.domain.quality import EstimateCheck, IntervalMethod, QualityFigure, QualityMetric

_DRAWS = 400
# The simulation puts neighbours together until so many groups are left; the estimate itself uses all of them.
_MOST_GROUPS = 100
_ROUNDING = 1e-9
_LEAST = float(np.finfo(np.float64).eps)

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """How many rows had which score, ascending; ``spread`` is how far a row's score may lie from its group's."""

    scores: FloatArray
    counts: IntArray
    spread: FloatArray

    @classmethod
    def of_values(cls, scores: FloatArray) -> ScoreCounts:
        """Rows one by one."""
        values, counts = np.unique(scores, return_counts=True)
        return cls(values, counts.astype(np.int64), np.zeros(len(values)))

    @classmethod
    def of_bins(cls, bins: NumericBins, values: FeatureCounts) -> ScoreCounts:
        """Rows that were counted in bins: each has the middle of its bin, the outer bins ending with the values."""
        least, most = values.min or 0.0, values.max or 0.0
        low = np.array([-math.inf, *bins.edges]).clip(least, most)
        high = np.array([*bins.edges, math.inf]).clip(least, most)
        is_single = np.nextafter(low, math.inf) >= high
        middles = np.where(is_single, high, (low + high) / 2)
        counts = np.array(values.counts, np.int64)
        there = counts > 0
        return cls(middles[there], counts[there], (high - middles)[there])

    def moved(self, sign: int) -> ScoreCounts:
        """The same with every row at one end of what its group may hold."""
        return ScoreCounts((self.scores + sign * self.spread).clip(0.0, 1.0), self.counts, self.spread)

    @property
    def total(self) -> int:
        """How many rows there are."""
        return int(self.counts.sum())

    @property
    def are_probabilities(self) -> bool:
        """Whether every score lies between 0 and 1."""
        low, high = self.scores - self.spread, self.scores + self.spread
        return bool(np.all((low >= -_ROUNDING) & (high <= 1 + _ROUNDING)))


def estimate_quality(
    rows: ScoreCounts, threshold: float, calibrator: Calibrator | None = None, *, seed: int = 0
) -> tuple[QualityFigure, ...]:
    """The metrics to expect of rows whose class is that of a score of at least ``threshold``.

    The interval is that of the value which labels for all the rows will show: truths are drawn from the probabilities,
    and these from what the calibrator's own rows leave open. What the bins hide of the scores is added to either side.
    """
    if not rows.total or not rows.are_probabilities:
        return ()
    point = _expected(rows, threshold, calibrator)
    hidden = [_expected(rows.moved(sign), threshold, calibrator) for sign in (-1, 1)]
    grouped = _grouped(rows, threshold)
    middle = _expected(grouped, threshold, calibrator)
    drawn = _metrics(grouped, threshold, _drawn(grouped, calibrator, seed))
    return tuple(
        _figure(
            metric,
            value,
            drawn[metric] - middle[metric],
            [side[metric] for side in hidden],
            rows.total,
        )
        for metric, value in point.items()
    )


def check_estimate(outcomes: BinaryOutcomes, calibrator: Calibrator | None = None) -> EstimateCheck | None:
    """The accuracy of labelled rows against the one their scores promised; None without rows or probabilities."""
    from scipy.special import ndtr

    if not len(outcomes) or outcomes.scores is None or not outcomes.has_probabilities:
        return None
    n = len(outcomes)
    chances = _chances(outcomes.scores, calibrator)
    right = np.where(outcomes.predicted, chances, 1 - chances)
    expected, realised = float(right.mean()), float(np.mean(outcomes.truth == outcomes.predicted))
    variance = float(np.sum(right * (1 - right))) / n**2 + _calibrator_variance(outcomes, calibrator)
    if variance <= 0:
        return EstimateCheck(n, expected, realised, 1.0 if expected == realised else 0.0)
    # The usual half a row keeps the normal law from promising too much of few rows.
    distance = max(0.0, abs(realised - expected) - 0.5 / n) / math.sqrt(variance)
    return EstimateCheck(n, expected, realised, float(2 * ndtr(-distance)))


def _expected(rows: ScoreCounts, threshold: float, calibrator: Calibrator | None) -> dict[QualityMetric, float]:
    positives = rows.counts * _chances(rows.scores, calibrator)
    return {metric: float(values[0]) for metric, values in _metrics(rows, threshold, positives[None, :]).items()}


def _chances(scores: FloatArray, calibrator: Calibrator | None) -> FloatArray:
    return scores if calibrator is None else calibrator.probabilities(scores)


def _calibrator_variance(outcomes: BinaryOutcomes, calibrator: Calibrator | None) -> float:
    """What the calibrator's own labels leave open of the expected accuracy."""
    if calibrator is None or outcomes.scores is None:
        return 0.0
    signs = np.where(outcomes.predicted, 1.0, -1.0) / len(outcomes)
    weights = np.bincount(calibrator.steps_of(outcomes.scores), signs, len(calibrator.rows))
    first, second = calibrator.positives + 0.5, calibrator.rows - calibrator.positives + 0.5
    total = first + second
    return float(np.sum(weights**2 * first * second / (total**2 * (total + 1))))


def _grouped(rows: ScoreCounts, threshold: float) -> ScoreCounts:
    """Neighbours on the same side of the threshold put together."""
    if len(rows.scores) <= _MOST_GROUPS:
        return rows
    middles = np.cumsum(rows.counts) - rows.counts / 2
    groups = (middles * _MOST_GROUPS // rows.total).astype(np.int64) + (rows.scores >= threshold) * _MOST_GROUPS
    _, places = np.unique(groups, return_inverse=True)
    counts = np.bincount(places, rows.counts)
    scores = np.bincount(places, rows.counts * rows.scores) / counts
    return ScoreCounts(scores, counts.astype(np.int64), np.zeros(len(counts)))


def _drawn(rows: ScoreCounts, calibrator: Calibrator | None, seed: int) -> FloatArray:
    """Positives per group, drawn again and again."""
    generator = np.random.default_rng(seed)
    if calibrator is None:
        return generator.binomial(rows.counts, rows.scores, (_DRAWS, len(rows.counts))).astype(np.float64)
    shares = generator.beta(
        calibrator.positives + 0.5,
        calibrator.rows - calibrator.positives + 0.5,
        (_DRAWS, len(calibrator.rows)),
    )
    chances = shares[:, calibrator.steps_of(rows.scores)]
    return generator.binomial(rows.counts, chances).astype(np.float64)


def _metrics(rows: ScoreCounts, threshold: float, positives: FloatArray) -> dict[QualityMetric, FloatArray]:
    """The metrics of confusion matrices; ``positives`` holds one row of counts per group for each of them."""
    negatives = rows.counts - positives
    claimed = rows.scores >= threshold
    hits, false_alarms = positives[:, claimed].sum(axis=1), negatives[:, claimed].sum(axis=1)
    actual, total = positives.sum(axis=1), float(rows.total)
    misses = actual - hits
    below = np.cumsum(negatives, axis=1) - negatives / 2
    scores = rows.scores.clip(_LEAST, 1 - _LEAST)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            QualityMetric.ACCURACY: 1 - (misses + false_alarms) / total,
            QualityMetric.PRECISION: hits / (hits + false_alarms),
            QualityMetric.RECALL: hits / actual,
            QualityMetric.F1: 2 * hits / (2 * hits + misses + false_alarms),
            QualityMetric.AUC: (positives * below).sum(axis=1) / (actual * (total - actual)),
            QualityMetric.LOG_LOSS: -(positives @ np.log(scores) + negatives @ np.log1p(-scores)) / total,
            QualityMetric.BRIER: (positives @ (1 - rows.scores) ** 2 + negatives @ rows.scores**2) / total,
        }


def _figure(
    metric: QualityMetric, value: float, deviations: FloatArray, hidden: list[float], rows: int
) -> QualityFigure:
    interval = percentiles(deviations)
    if not math.isfinite(value) or interval is None:
        reason = "no score is on the side of the threshold that it is about"
        return QualityFigure(metric, None, None, None, IntervalMethod.SIMULATION, rows, reason)
    unseen = [other - value for other in hidden if math.isfinite(other)]
    lower = value + interval[0] + min(0.0, *unseen)
    upper = value + interval[1] + max(0.0, *unseen)
    most = math.inf if metric is QualityMetric.LOG_LOSS else 1.0
    return QualityFigure(metric, value, max(0.0, lower), min(most, upper), IntervalMethod.SIMULATION, rows)
