"""The models that serve: one small linear model for each version, all of them about as good as each other."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_tui.sandbox.inference.payments import INTERCEPT, TRUTH, encoded, sigmoid

if TYPE_CHECKING:
    from mlops_tui.sandbox.inference.payments import Column

# How far a training lands from what is true.
_SPREAD = 0.05
_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of a payment: a chance between 0 and 1, and 1 for fraud."""

    score: float
    label: int


@dataclass(frozen=True, slots=True)
class FraudModel:
    """One version of the model."""

    weights: Column
    intercept: float

    @classmethod
    def of_version(cls, version: str) -> FraudModel:
        """Return the model of a version, always the same one."""
        draw = np.random.default_rng(zlib.crc32(version.encode()))
        return cls(TRUTH + draw.normal(0, _SPREAD, len(TRUTH)), INTERCEPT + float(draw.normal(0, _SPREAD)))

    def predict(self, features: dict[str, Any]) -> Prediction:
        """Score one payment."""
        score = sigmoid(float(self.weights @ encoded(features)) + self.intercept)
        return Prediction(round(score, 6), int(score >= _THRESHOLD))
