"""Metric histories that look like training: losses that fall with noise, scores that rise and level off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """A metric of one task: where it starts, the best it can reach and how much it jitters."""

    name: str
    start: float
    best: float
    noise: float


# Metrics by project, the first being the one that models are chosen by.
SCORES: dict[str, tuple[Score, ...]] = {
    "fraud": (
        Score("auc", 0.52, 0.965, 0.002),
        Score("pr_auc", 0.04, 0.71, 0.004),
        Score("recall_at_1pct_fpr", 0.05, 0.83, 0.006),
        Score("latency_p99_ms", 11.0, 10.2, 0.4),
    ),
    "churn": (
        Score("auc", 0.5, 0.885, 0.002),
        Score("f1", 0.1, 0.64, 0.005),
        Score("calibration_error", 0.21, 0.018, 0.002),
    ),
    "demand": (
        Score("mape", 0.61, 0.117, 0.003),
        Score("rmse", 212.0, 38.5, 1.2),
        Score("pinball_loss_p90", 95.0, 17.8, 0.6),
    ),
}
_BEST_LEARNING_RATE = 0.05
_BEST_DEPTH = 7
# The first epoch in which the loss of a diverging run leaves its way, and the one that is no number any more.
_DERAILS, _LOST = 7, 13


def fitness(params: Mapping[str, float | int | str], progress: float) -> float:
    """Return how good these parameters are, from 0 to 1; the team learns with the progress of the project."""
    rate = abs(np.log10(float(params["learning_rate"]) / _BEST_LEARNING_RATE))
    depth = abs(int(params["max_depth"]) - _BEST_DEPTH) / 10
    dropout = abs(float(params["dropout"]) - 0.1) / 2
    return float(np.clip(0.90 + 0.09 * progress - 0.10 * rate - 0.12 * depth - 0.08 * dropout, 0.2, 0.995))


def histories(
    project: str, params: Mapping[str, float | int | str], progress: float, generator: np.random.Generator
) -> dict[str, Curve]:
    """Return one value per epoch for every metric of a run."""
    epochs = int(params["epochs"])
    speed = 3.5 + 1.2 * np.log10(float(params["learning_rate"]) / 0.001)
    time = np.arange(epochs) / epochs
    reached = 1 - np.exp(-speed * time)
    quality = fitness(params, progress)
    overfitting = max(0, int(params["max_depth"]) - 6) * 0.02
    floor = 0.32 - 0.22 * quality
    train = floor + (0.72 - floor) * (1 - reached) + _noise(generator, epochs, 0.006)
    validation = (
        floor * 1.15 + (0.74 - floor) * (1 - reached) + overfitting * time**2 + _noise(generator, epochs, 0.009)
    )
    curves = {"train_loss": np.maximum(train, 0.01), "val_loss": np.maximum(validation, 0.015)}
    for score in SCORES[project]:
        final = score.start + (score.best - score.start) * (0.55 + 0.45 * quality)
        curve = score.start + (final - score.start) * reached + _noise(generator, epochs, score.noise)
        curves[score.name] = np.clip(curve, 0, 0.9995 if score.best < 1 else None)
    return {name: np.round(curve, 6) for name, curve in curves.items()}


def derail(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Turn a run into one that explodes and ends as not-a-number."""
    lost = {}
    for name, curve in curves.items():
        changed = curve.copy()
        if name.endswith("loss"):
            changed[_DERAILS:_LOST] *= 4.0 ** np.arange(1, _LOST - _DERAILS + 1)[: len(changed[_DERAILS:_LOST])]
            changed[_LOST:] = np.nan
        else:
            changed[_DERAILS:] = curve[0]
        lost[name] = np.round(changed, 6)
    return lost


def _noise(generator: np.random.Generator, epochs: int, scale: float) -> Curve:
    return generator.normal(0.0, scale, epochs) * np.linspace(1.4, 0.7, epochs)


def chosen_by(project: str) -> Score:
    """Return the metric that a project's models are compared by."""
    return SCORES[project][0]


def last_values(curves: Mapping[str, Sequence[float] | Curve]) -> dict[str, float]:
    """Return the last value of every metric."""
    return {name: float(curve[-1]) for name, curve in curves.items()}
