"""Where a model is worse: labelled rows by the value of an attribute, each value against all the others.

With many values some look worse by chance. The Benjamini-Hochberg procedure at 5 % runs over them, so that of the
values called conspicuous at most that share is so by chance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlops_tui.analysis.intervals import FloatArray
from mlops_tui.analysis.quality_binary import mean_error, share
from mlops_tui.analysis.significance import fisher_p
from mlops_tui.analysis.thresholds import LEVEL, benjamini_hochberg
from mlops_tui.domain.quality import QualityMetric, QualitySlice

FEWEST_ROWS = 30
MOST_SLICES = 50


@dataclass(frozen=True, slots=True)
class Sliced:
    """The slices with rows enough, the largest first, and how many values had too few."""

    slices: tuple[QualitySlice, ...]
    left: int


def slice_quality(values: Sequence[str], errors: FloatArray, *, are_shares: bool) -> Sliced:
    """Compare rows by the value of an attribute.

    ``errors`` are 1 where a class was wrong and 0 where it was right if ``are_shares``, else absolute errors.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        places[value].append(place)
    large = [value for value, rows in places.items() if len(rows) >= FEWEST_ROWS]
    chosen = sorted(large, key=lambda value: (-len(places[value]), value))[:MOST_SLICES]
    slices = [_slice(value, places[value], errors, are_shares=are_shares) for value in chosen]
    level = benjamini_hochberg([part.p_value for part in slices if part.p_value is not None], LEVEL)
    judged = (replace(part, is_conspicuous=part.p_value is not None and part.p_value <= level) for part in slices)
    return Sliced(tuple(judged), len(places) - len(chosen))


def _slice(value: str, rows: Sequence[int], errors: FloatArray, *, are_shares: bool) -> QualitySlice:
    inside = np.zeros(len(errors), np.bool_)
    inside[rows] = True
    own, others = errors[inside], errors[~inside]
    if are_shares:
        wrong, other_wrong = int(own.sum()), int(others.sum())
        figure = share(QualityMetric.ACCURACY, len(own) - wrong, len(own), "")
        rest = 1 - other_wrong / len(others) if len(others) else None
        p_value = fisher_p(other_wrong, len(others), wrong, len(own)) if len(others) else None
    else:
        figure = mean_error(QualityMetric.MAE, own)
        rest = float(others.mean()) if len(others) else None
        p_value = _welch_p(own, others)
    return QualitySlice(value, len(own), figure, rest, p_value)


def _welch_p(ours: FloatArray, theirs: FloatArray) -> float | None:
    """Welch's one-sided test that our mean is the greater one; None where a side has less than two rows."""
    from scipy.special import stdtr

    if min(len(ours), len(theirs)) < 2:
        return None
    parts = [float(side.var(ddof=1)) / len(side) for side in (ours, theirs)]
    variance = sum(parts)
    difference = float(ours.mean() - theirs.mean())
    if variance <= 0:
        return 0.0 if difference > 0 else 1.0
    freedom = variance**2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, (ours, theirs), strict=True))
    return float(stdtr(freedom, -difference / math.sqrt(variance)))
