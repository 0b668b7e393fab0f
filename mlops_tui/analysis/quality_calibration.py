"""Whether a score of 0.8 means eight in ten: the calibration error, and the map that makes it so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.intervals import FloatArray, Z
from mlops_tui.domain.quality import IntervalMethod, QualityFigure, QualityMetric

# The expected calibration error is over so many bins of equal width between 0 and 1, closed above.
CALIBRATION_BINS = 10
FEWEST_ROWS = 200
FEWEST_OF_A_CLASS = 20

_DRAWS = 500


def calibration_error(truth: NDArray[np.bool_], scores: FloatArray, *, seed: int = 0) -> QualityFigure:
    """The expected calibration error: how far shares and mean scores are apart, over ten bins of equal width.

    Chance alone makes it positive, so its interval reaches down to 0 as long as calibrated scores would show as much in
    2.5 % of all cases. Otherwise it is 1.96 standard deviations of errors drawn again to either side, with what drawing
    adds on average taken off below.
    """
    bins = np.searchsorted(np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)[1:-1], scores)
    rows = np.bincount(bins, minlength=CALIBRATION_BINS)
    positives = np.bincount(bins, truth, CALIBRATION_BINS)
    promised = np.bincount(bins, scores, CALIBRATION_BINS)
    n = len(truth)
    generator = np.random.default_rng(seed)

    def drawn(shares: FloatArray) -> FloatArray:
        draws = generator.binomial(rows, shares.clip(0.0, 1.0), (_DRAWS, CALIBRATION_BINS))
        errors: FloatArray = np.abs(draws - promised).sum(axis=1) / n
        return errors

    error = float(np.abs(positives - promised).sum()) / n
    shares = (positives + 0.5) / (rows + 1)
    again, by_chance = drawn(shares), drawn(promised / np.maximum(rows, 1))
    added = max(0.0, float(again.mean()) - float(np.abs(rows * shares - promised).sum()) / n)
    half = Z * float(again.std())
    is_chance = error <= float(np.percentile(by_chance, 97.5))
    lower = 0.0 if is_chance else max(0.0, error - added - half)
    return QualityFigure(QualityMetric.CALIBRATION, error, lower, min(1.0, error + half), IntervalMethod.BOOTSTRAP, n)


@dataclass(frozen=True, slots=True, eq=False)
class Calibrator:
    """Probabilities by score: steps that never fall.

    Step ``i`` covers scores above ``edges[i - 1]`` and at most ``edges[i]``; of its ``rows[i]`` rows ``positives[i]``
    were positive.
    """

    edges: FloatArray
    positives: FloatArray
    rows: FloatArray

    @classmethod
    def fitted(cls, truth: NDArray[np.bool_], scores: FloatArray) -> Calibrator:
        """The steps that explain labelled rows best (isotonic regression by pooling adjacent violators)."""
        values, places = np.unique(scores, return_inverse=True)
        positives, rows = np.bincount(places, truth), np.bincount(places).astype(np.float64)
        blocks: list[list[float]] = []
        for value, hits, count in zip(values.tolist(), positives.tolist(), rows.tolist(), strict=True):
            blocks.append([value, hits, count])
            while len(blocks) > 1 and blocks[-2][1] * blocks[-1][2] >= blocks[-1][1] * blocks[-2][2]:
                last = blocks.pop()
                blocks[-1] = [last[0], blocks[-1][1] + last[1], blocks[-1][2] + last[2]]
        table = np.array(blocks)
        return cls(table[:-1, 0], table[:, 1], table[:, 2])

    def steps_of(self, scores: FloatArray) -> NDArray[np.int64]:
        """The step of each score."""
        return np.searchsorted(self.edges, scores, side="left").astype(np.int64)

    def probabilities(self, scores: FloatArray) -> FloatArray:
        """The share of positives that is to be expected at each score."""
        shares: FloatArray = self.positives / self.rows
        return shares[self.steps_of(scores)]


def fit_if_better(truth: NDArray[np.bool_], scores: FloatArray) -> Calibrator | None:
    """A calibrator, if one from every other row predicts the remaining rows better than the scores do themselves.

    None where it does not, or where there are too few rows of either class to tell.
    """
    positives = int(truth.sum())
    if len(truth) < FEWEST_ROWS or min(positives, len(truth) - positives) < FEWEST_OF_A_CLASS:
        return None
    halves = np.arange(len(truth)) % 2 == 0
    gained = 0.0
    for half in (halves, ~halves):
        learned = Calibrator.fitted(truth[half], scores[half]).probabilities(scores[~half])
        gained += float(np.sum((scores[~half] - truth[~half]) ** 2 - (learned - truth[~half]) ** 2))
    return Calibrator.fitted(truth, scores) if gained > 0 else None
