"""How good predictions of one of several classes are, with labels.

Precision, recall and F1 are means over the classes that occur, each counting alike (macro averages); what a class does
not have counts as 0, as scikit-learn counts it. Their intervals draw the confusion matrix again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.intervals import FloatArray, percentiles
from mlops_tui.analysis.quality_binary import share
from mlops_tui.domain.quality import IntervalMethod, QualityFigure, QualityMetric

_DRAWS = 500
_MACRO = (QualityMetric.PRECISION, QualityMetric.RECALL, QualityMetric.F1)


def class_quality(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], *, seed: int = 0
) -> tuple[QualityFigure, ...]:
    """Accuracy, and the macro averages of precision, recall and F1; no figures without rows.

    Classes are whole numbers from 0 on.
    """
    n = len(truth)
    if not n:
        return ()
    classes = int(max(truth.max(), predicted.max())) + 1
    matrix = np.bincount(truth * classes + predicted, minlength=classes**2)
    drawn = np.random.default_rng(seed).multinomial(n, matrix / n, _DRAWS)
    point = _macro(matrix.reshape(1, classes, classes))
    spread = _macro(drawn.reshape(_DRAWS, classes, classes))
    figures = [share(QualityMetric.ACCURACY, int(np.sum(truth == predicted)), n, "")]
    for place, metric in enumerate(_MACRO):
        low, high = percentiles(spread[place]) or (None, None)
        figures.append(QualityFigure(metric, float(point[place, 0]), low, high, IntervalMethod.BOOTSTRAP, n))
    return tuple(figures)


def _macro(matrices: NDArray[np.int64]) -> FloatArray:
    """Three rows of averages, a column per matrix of true rows and predicted columns."""
    hits = np.diagonal(matrices, axis1=1, axis2=2)
    actual, claimed = matrices.sum(axis=2), matrices.sum(axis=1)
    occurring = np.maximum(1, (actual + claimed > 0).sum(axis=1))
    precision, recall = hits / np.maximum(claimed, 1), hits / np.maximum(actual, 1)
    f1 = 2 * hits / np.maximum(actual + claimed, 1)
    return np.stack([part.sum(axis=1) / occurring for part in (precision, recall, f1)])
