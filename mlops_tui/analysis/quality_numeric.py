"""How far predicted numbers lie from the true ones."""

from __future__ import annotations

import math
from dataclasses import replace

from mlops_tui.analysis.intervals import FloatArray
from mlops_tui.analysis.quality_binary import mean_error
from mlops_tui.domain.quality import QualityFigure, QualityMetric


def numeric_quality(truth: FloatArray, predicted: FloatArray) -> tuple[QualityFigure, ...]:
    """Mean absolute error and root mean squared error, in the unit of the truth; no figures without rows.

    The interval of the second is the root of that of the mean squared error.
    """
    if not len(truth):
        return ()
    errors = predicted - truth
    squared = mean_error(QualityMetric.RMSE, errors**2)
    roots = [None if bound is None else math.sqrt(bound) for bound in (squared.value, squared.lower, squared.upper)]
    rmse = replace(squared, value=roots[0], lower=roots[1], upper=roots[2])
    return mean_error(QualityMetric.MAE, abs(errors)), rmse
