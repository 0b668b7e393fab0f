"""Evidence from harm that is out of all proportion, seen at some time stamps only and by one value at each.

A mean that is a hundred times worse at seven stamps of ten, and as good as ever at three, scatters as much as it is
worse, so that a t-test says little. What such a stream shows is that whenever the arms are far apart the treatment is
the worse one. A bet on which of the two it will be gains nothing on average if the two could be swapped, that is if a
stamp's difference is as likely to be so far above a margin as so far below: ``1 + stake * d ** 3`` with ``d`` the
difference in units far greater than usual scatter, cut off at one. The product over stamps is a non-negative
martingale for symmetric differences (de la Pena, "A general class of exponential inequalities for martingales and
ratios", 1999; Ramdas, Ruf, Larsson and Koolen, "Admissible anytime-valid sequential inference must rely on nonnegative
martingales", section 6), and the cut-off keeps single values of a long tail from deciding. The mean of
many values has less of a tail than one of few, so only stamps at which both arms bring about as many values are for it.

The unit is a multiple of the scatter of the better arm's values at each stamp, the greater the more these wander.
Swapping the arms leaves it as it is, and a treatment that fails does not widen it. The cube leaves what is not far to
the t-test: many small bets on one arm are what two levels that wander apart would win.
"""

from __future__ import annotations

import numpy as np

from mlops_tui.analysis.contrasts import FloatArray
from mlops_tui.analysis.paired_series import Caution

# So many standard deviations apart is far, where values do not hang together.
_FAR = 8.0
_CAUTION = Caution(1.0, 8.0)
_STAKE = 0.98
# The scatter of fewer stamps is no unit; bets on the first ones are settled once there are so many.
_LEAST_STAMPS = 3
_ROUNDING = 1e-9


class SwapEvidence:
    """The evidence of a stretch of time stamps against a harm of at most each of some margins."""

    def __init__(self, margins: int) -> None:
        self._stamps = 0
        self._waiting: list[FloatArray] = []
        self._origin = np.zeros(margins)
        self._first = np.zeros(margins)
        self._second = np.zeros(margins)
        self._lagged = np.zeros(margins)
        self._last = np.zeros(margins)
        self._size = np.zeros(margins)
        self.log_e: FloatArray = np.zeros(margins)

    def add(self, treatment: FloatArray, bound: FloatArray) -> None:
        """Take in one stamp: the treatment's badness, and per margin the most that the control's would excuse."""
        better = np.minimum(treatment, bound)
        if not self._stamps:
            self._origin = better
        better = better - self._origin
        self._stamps += 1
        self._first += better
        self._second += better**2
        self._lagged += better * self._last
        self._last = better
        self._size = np.maximum(self._size, np.abs(treatment) + np.abs(bound))
        self._waiting.append(treatment - bound)
        if self._stamps >= _LEAST_STAMPS:
            self._settle()

    def _settle(self) -> None:
        far = _FAR * self._scatter()
        for difference in self._waiting:
            apart = np.divide(difference, far, out=np.zeros_like(difference), where=far > 0.0).clip(-1.0, 1.0)
            self.log_e = self.log_e + np.log1p(_STAKE * apart**3)
        self._waiting.clear()

    def _scatter(self) -> FloatArray:
        """How far the better arm's values are apart, as if they did not hang together."""
        mean = self._first / self._stamps
        deviations = (self._second - self._first * mean).clip(0.0)
        # The first value is zero by the choice of the origin.
        lagged = self._lagged - mean * (2.0 * self._first - self._last) + (self._stamps - 1) * mean**2
        correlation = np.divide(lagged, deviations, out=np.zeros_like(lagged), where=deviations > 0.0).clip(-1.0, 1.0)
        bound = _CAUTION.bound(correlation, self._stamps)
        scatter = np.sqrt(deviations / (self._stamps - 1) * (1.0 + bound) / (1.0 - bound))
        # Differences that come from rounding are no differences.
        return np.asarray(np.maximum(scatter, _ROUNDING * self._size), np.float64)
