"""How well scores order: the area under the ROC curve, with DeLong's variance.

DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), computed from ranks as in Sun and Xu, IEEE Signal Processing
Letters 21 (2014). The interval is made on the logit of the area, so that it stays between 0 and 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.intervals import FloatArray, Z, wilson
from mlops_tui.domain.quality import IntervalMethod, QualityFigure, QualityMetric


def area_under_roc(truth: NDArray[np.bool_], scores: FloatArray) -> QualityFigure:
    """How probable it is that a positive row has the higher score of a pair; ties count half.

    Where the scores separate the classes wholly, DeLong's variance is zero and says nothing: the interval is then
    Wilson's for as many rows as the smaller class has.
    """
    n, positives = len(truth), int(truth.sum())
    negatives = n - positives
    if not positives or not negatives:
        return _figure(None, None, IntervalMethod.DELONG, n, "only one class has come in")
    area, variance = _delong(scores[truth], scores[~truth])
    if variance <= 0:
        return _figure(
            area, wilson(area * min(positives, negatives), min(positives, negatives)), IntervalMethod.WILSON, n
        )
    half = Z * math.sqrt(variance) / (area * (1 - area))
    logit = math.log(area / (1 - area))
    return _figure(area, (_expit(logit - half), _expit(logit + half)), IntervalMethod.DELONG, n)


def _delong(positive: FloatArray, negative: FloatArray) -> tuple[float, float]:
    """The area, and the variance of its estimate."""
    m, n = len(positive), len(negative)
    pooled = mid_ranks(np.concatenate([positive, negative]))
    above = (pooled[:m] - mid_ranks(positive)) / n
    below = 1.0 - (pooled[m:] - mid_ranks(negative)) / m
    variance = sum(float(part.var(ddof=1)) / len(part) for part in (above, below) if len(part) > 1)
    return float(above.mean()), variance


def mid_ranks(values: FloatArray) -> FloatArray:
    """The ranks of values from 1 on, equal ones sharing the middle of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _expit(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def _figure(
    value: float | None, interval: tuple[float, float] | None, method: IntervalMethod, n: int, reason: str = ""
) -> QualityFigure:
    lower, upper = interval or (None, None)
    return QualityFigure(QualityMetric.AUC, value, lower, upper, method, n, reason)
