"""How good predictions of one of two classes are, with labels.

Shares (accuracy, precision, recall) have Wilson's interval, which holds for few rows and near 0 and 1. F1 is a rising
function of the share of true positives among all rows but the true negatives, so that share's interval carries over.
The mean errors (log loss, Brier) have the normal one. Scores are probabilities of the positive class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.intervals import FloatArray, normal_mean, wilson
from mlops_tui.analysis.quality_calibration import calibration_error
from mlops_tui.analysis.quality_ranking import area_under_roc
from mlops_tui.domain.quality import IntervalMethod, QualityFigure, QualityMetric

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class BinaryOutcomes:
    """Rows with their truth and what was predicted; ``scores`` is None where only classes were predicted."""

    truth: BoolArray
    predicted: BoolArray
    scores: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def where(self, chosen: BoolArray) -> BinaryOutcomes:
        """Some of the rows."""
        scores = None if self.scores is None else self.scores[chosen]
        return BinaryOutcomes(self.truth[chosen], self.predicted[chosen], scores)

    @property
    def has_probabilities(self) -> bool:
        """Whether there are scores and all of them lie between 0 and 1."""
        return self.scores is not None and bool(np.all((self.scores >= 0) & (self.scores <= 1)))


def binary_quality(outcomes: BinaryOutcomes) -> tuple[QualityFigure, ...]:
    """Every metric that the rows allow; no figures without rows."""
    if not len(outcomes):
        return ()
    figures = _confusion_figures(outcomes)
    if outcomes.scores is None:
        return figures
    figures = (*figures, area_under_roc(outcomes.truth, outcomes.scores))
    if not outcomes.has_probabilities:
        return figures
    return (*figures, *_probability_figures(outcomes.truth, outcomes.scores))


def log_losses(truth: BoolArray, scores: FloatArray) -> FloatArray:
    """The log loss of each row in nats; scores are kept 2e-16 away from 0 and 1, as scikit-learn keeps them."""
    least = np.finfo(np.float64).eps
    clipped = scores.clip(least, 1 - least)
    losses: FloatArray = -np.log(np.where(truth, clipped, 1 - clipped))
    return losses


def share(
    metric: QualityMetric,
    successes: float,
    n: int,
    reason: str,
    of_share: Callable[[float], float] = lambda share: share,
) -> QualityFigure:
    """A metric that is a rising function of a share, the share itself unless said otherwise."""
    if not n:
        return QualityFigure(metric, None, None, None, IntervalMethod.WILSON, 0, reason)
    lower, upper = wilson(successes, n)
    return QualityFigure(metric, of_share(successes / n), of_share(lower), of_share(upper), IntervalMethod.WILSON, n)


def mean_error(metric: QualityMetric, errors: FloatArray) -> QualityFigure:
    """The mean of errors that are never negative."""
    interval = normal_mean(errors)
    lower, upper = (max(0.0, interval[0]), interval[1]) if interval else (None, None)
    reason = "" if interval else "one row has no interval"
    return QualityFigure(metric, float(errors.mean()), lower, upper, IntervalMethod.NORMAL, len(errors), reason)


def _confusion_figures(outcomes: BinaryOutcomes) -> tuple[QualityFigure, ...]:
    truth, predicted = outcomes.truth, outcomes.predicted
    hits = int(np.sum(truth & predicted))
    claimed, actual = int(predicted.sum()), int(truth.sum())
    involved = claimed + actual - hits
    return (
        share(QualityMetric.ACCURACY, int(np.sum(truth == predicted)), len(truth), ""),
        share(QualityMetric.PRECISION, hits, claimed, "nothing was predicted to be positive"),
        share(QualityMetric.RECALL, hits, actual, "nothing was positive"),
        share(QualityMetric.F1, hits, involved, "nothing was or was predicted to be positive", _f1_of_jaccard),
    )


def _f1_of_jaccard(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)


def _probability_figures(truth: BoolArray, scores: FloatArray) -> tuple[QualityFigure, ...]:
    return (
        mean_error(QualityMetric.LOG_LOSS, log_losses(truth, scores)),
        mean_error(QualityMetric.BRIER, (scores - truth) ** 2),
        calibration_error(truth, scores),
    )
