"""What a margin says of two arms: a line through the treatment's and the control's values, on one side of it harm."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from mlops_tui.domain.judgements import EventSample, Sample, ValueSample
from mlops_tui.domain.policy import Direction, Guardrail, MarginKind

FloatArray = NDArray[np.float64]

_RATIO = 1.5
_FINEST = 16.0
_LEAST_PART = 1e-5


class Side(Enum):
    """What evidence speaks against: a harm of at most a margin, or of at least one."""

    AT_MOST = 1
    AT_LEAST = -1

    @property
    def sign(self) -> int:
        """1 where evidence grows with harm, -1 where it grows with its absence."""
        return self.value


@dataclass(frozen=True, slots=True)
class Tally:
    """``n`` observations of one arm by their sum and sum of squares; events are observations of 0 and 1."""

    n: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, sample: Sample) -> Tally:
        """The sums of a sample."""
        match sample:
            case EventSample():
                return cls(sample.n, sample.events, sample.events)
            case ValueSample():
                return cls(sample.n, sample.total, sample.squares)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """The mean, which needs at least one observation."""
        return self.total / self.n

    @property
    def deviations(self) -> float:
        """The sum of squared distances from the mean."""
        return max(self.squares - self.total * self.mean, 0.0)


@dataclass(frozen=True, slots=True)
class Contrast:
    """How harm is measured: ``sign`` is 1 where lower is better and -1 where higher is.

    For a margin m, the harm is m exactly where ``treatment = slope(m) * control + sign * offset(m)``.
    """

    sign: int
    is_relative: bool

    @classmethod
    def of(cls, guardrail: Guardrail) -> Contrast:
        """The contrast that a guardrail's direction and kind of margin ask for."""
        sign = 1 if guardrail.direction is Direction.LOWER else -1
        return cls(sign, guardrail.margin_kind is MarginKind.RELATIVE)

    def grid(self, margin: float, least: float, greatest: float) -> FloatArray:
        """Margins at which evidence is kept: the plan's own, zero, and sizes from ``least`` to ``greatest``.

        A bound between two of them is interpolated. ``least`` counts only where the plan's own margin is zero.
        """
        finest = max(margin / _FINEST, greatest * _LEAST_PART) if margin else least
        count = max(int(np.ceil(np.log(greatest / finest) / np.log(_RATIO))), 1)
        sizes = np.geomspace(finest, greatest, count + 1)
        margins = np.unique(np.concatenate([-sizes, sizes, [0.0, margin]]))
        if self.is_relative:
            margins = margins[self.sign * margins > -1.0]
        return margins

    def slopes(self, margins: FloatArray) -> FloatArray:
        """How many times the control's value is compared with; never negative, and one for all margins if absolute."""
        return (1.0 + self.sign * margins).clip(0.0) if self.is_relative else np.ones(1)

    def offsets(self, margins: FloatArray) -> FloatArray:
        """What is added to that, per margin, in the direction of harm."""
        return np.zeros_like(margins) if self.is_relative else margins

    def harm(self, treatment: float, control: float) -> float | None:
        """How much worse the treatment is; None where it would be a share of nothing positive."""
        difference = self.sign * (treatment - control)
        if not self.is_relative:
            return difference
        return difference / control if control > 0 else None
