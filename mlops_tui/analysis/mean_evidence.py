"""Evidence from means: the mixture of sequential t-tests over the differences of buckets of time.

Values have no bound, so no bet on them is exact; what is tested is asymptotic in the number of buckets. The scatter of
the buckets' differences, not that of single values, sets the scale: values that hang together within a bucket count for
as little as they tell. Correlation between buckets shrinks their number to an effective one. A single bucket counts on
its own only where the harm is far greater than values of the control, and its buckets, differ among themselves. Harm
out of all proportion that comes and goes is what ``swap_evidence`` is for. The three are averaged, each with a share of
the trust.
"""

from __future__ import annotations

from math import log, log1p, sqrt

import numpy as np

from mlops_tui.analysis.contrasts import Contrast, FloatArray, Side, Tally
from mlops_tui.analysis.paired_series import Caution, PairedSeries
from mlops_tui.analysis.swap_evidence import SwapEvidence
from mlops_tui.domain.policy import Guardrail

_CAUTION = Caution(1.0, 8.0)
_EFFECTS = np.array([0.1, 0.4, 1.5, 6.0, 25.0])[:, None]
_TRUST = np.log(np.array([0.2, 0.25, 0.25, 0.2, 0.1]))[:, None]
_LEAST_BUCKETS = 3
_LEAST_FREEDOM = 0.3
_SERIES, _SINGLE, _SWAP = log(0.62), log(0.1), log(0.28)
_SINGLE_EFFECT = 25.0
_SINGLES = 4
# A whole bucket is assumed to move by three standard deviations of the control's values, for no reason of the arm's.
_SHOCK = 9.0
_WIDEST = 50.0
# Sums of squares say nothing of a variance that is so small a part of the square of the mean.
_ROUNDING = 1e-13
# Less variance is none: its inverse still has a square.
_NO_VARIANCE = 1e-150
# Smaller shares of a distribution have too few digits left to take the logarithm of.
_LEAST_SHARE = 1e-300
# A mean of many values has less of a tail than one of few: such arms cannot be swapped.
_ALIKE = 1.25


class MeanWindow:
    """The evidence of a stretch of buckets about a mean."""

    def __init__(self, guardrail: Guardrail, margins: FloatArray) -> None:
        self._guardrail = guardrail
        self._contrast = Contrast.of(guardrail)
        self._slopes = self._contrast.slopes(margins)
        self._offsets = self._contrast.offsets(margins)
        self._swaps = SwapEvidence(len(margins))
        self._said: dict[Side, FloatArray] = {}
        self._singles: list[tuple[float, FloatArray]] = []
        self.margins = margins
        self.series = PairedSeries()

    @classmethod
    def first(cls, guardrail: Guardrail, control: Tally, treatment: Tally) -> MeanWindow:
        """A window with margins that fit a guardrail and the first bucket."""
        contrast = Contrast.of(guardrail)
        if contrast.is_relative:
            return cls(guardrail, contrast.grid(guardrail.margin, 0.01, _WIDEST * max(1.0, guardrail.margin)))
        spread = sqrt((control.deviations + treatment.deviations) / (control.n + treatment.n))
        scale = max(guardrail.margin, spread, abs(treatment.mean - control.mean)) or abs(control.mean) or 1.0
        return cls(guardrail, contrast.grid(guardrail.margin, scale / 200.0, scale * _WIDEST))

    def fresh(self, _lasting: FloatArray) -> MeanWindow:
        """An empty window at the same margins; its own buckets show how they scatter."""
        return MeanWindow(self._guardrail, self.margins)

    def lasting(self) -> FloatArray:
        """Nothing that a later window has to know."""
        return np.ones(1)

    def add(self, control: Tally, treatment: Tally) -> None:
        """Take in a bucket."""
        self._said.clear()
        self.series.add(control, treatment)
        self._add_single(control, treatment)
        sign = self._contrast.sign
        if max(control.n, treatment.n) <= _ALIKE * min(control.n, treatment.n):
            worst = np.full_like(self.margins, sign * treatment.mean)
            self._swaps.add(worst, sign * self._slopes * control.mean + self._offsets)

    def rest_on(self, series: PairedSeries) -> None:
        """Take the buckets to be those of another series; what was staked on the ones added stays as it is."""
        self.series = series
        self._said.clear()

    def log_e(self, side: Side) -> FloatArray:
        """The logarithm of the e-value per margin."""
        if side not in self._said:
            self._said[side] = self._log_e(side)
        return self._said[side]

    def _log_e(self, side: Side) -> FloatArray:
        series = self._series_log_e(side)
        if side is Side.AT_LEAST:
            return series
        parts = (_SERIES + series, _SINGLE + self._singles_log_e(), _SWAP + self._swaps.log_e)
        return np.asarray(np.logaddexp.reduce(parts), np.float64)

    def _series_log_e(self, side: Side) -> FloatArray:
        series = self.series
        if series.buckets < _LEAST_BUCKETS:
            return np.zeros_like(self.margins)
        scatter, seen = series.scatter(self._slopes)
        correlation = _CAUTION.bound(seen, series.buckets)
        if side is Side.AT_MOST:
            # Differences that are all the same do not come from a series that wanders; that they are safe is no such
            # matter, since what is rare has not happened yet.
            correlation = np.where(scatter == 0.0, 0.0, correlation)
        buckets = series.buckets * (1.0 - correlation) / (1.0 + correlation)
        variance = self._variance(scatter, side) * (1.0 + correlation) / (1.0 - correlation)
        variance = np.maximum(variance, self._wandering(scatter, seen))
        t = side.sign * self._excess() * np.sqrt(series.weight / variance)
        return _t_mixture(t, buckets, (buckets - 2.0).clip(_LEAST_FREEDOM))

    def _wandering(self, scatter: FloatArray, correlation: FloatArray) -> FloatArray:
        """The variance where only the scatter that values in a bucket do not explain hangs together."""
        series = self.series
        inside = series.expected(np.nan_to_num(series.within()), self._slopes)
        level = (scatter - inside * (1.0 + sqrt(2.0 / series.buckets))).clip(0.0)
        share = np.divide(level, scatter, out=np.zeros_like(level), where=scatter > 0)
        own = np.divide(correlation, share, out=np.zeros_like(share), where=share > 0).clip(-1.0, 1.0)
        bound = _CAUTION.bound(own, series.buckets)
        return np.asarray(inside + level * (1.0 + bound) / (1.0 - bound), np.float64)

    def _excess(self) -> FloatArray:
        """By how much the harm seen exceeds each margin."""
        treatment, control = self.series.means()
        excess: FloatArray = self._contrast.sign * (treatment - self._slopes * control) - self._offsets
        return excess

    def _variance(self, scatter: FloatArray, side: Side) -> FloatArray:
        """The weighted variance of a bucket's difference: as buckets scatter, or as values in them if greater."""
        series = self.series
        within = np.nan_to_num(series.within())
        if side is Side.AT_LEAST:
            # The smaller arm may not have met yet what is rare: that it scatters less than the control proves nothing.
            within[0] = max(within)
        inside = series.expected(within, self._slopes)
        least = 1e-18 * np.square(series.means()).sum() * series.weight + _NO_VARIANCE
        return np.asarray(np.maximum(np.maximum(scatter, inside), least), np.float64)

    def _add_single(self, control: Tally, treatment: Tally) -> None:
        """Weigh one bucket as one value: shocks may move it as far as the values and the buckets of the control do."""
        own = self.series.within()
        least = _ROUNDING * max(control.mean**2, treatment.mean**2)
        if treatment.n < 2 or not np.isfinite(own).all() or own[1] <= least:
            return
        spread = max(float(own[0]), treatment.deviations / (treatment.n - 1.0))
        shock = max(_SHOCK * float(own[1]), self.series.control_scatter())
        variance = (1.0 + self._slopes**2) * shock + spread / treatment.n + self._slopes**2 * own[1] / control.n
        excess = self._contrast.sign * (treatment.mean - self._slopes * control.mean) - self._offsets
        gain = _normal_mixture(excess / np.sqrt(variance), _SINGLE_EFFECT)
        share = 1.0 / (self.series.buckets * (self.series.buckets + 1.0))
        own_margin = int(np.searchsorted(self.margins, self._guardrail.margin))
        self._singles.append((float(log(share) + gain[own_margin]), log(share) + gain))
        self._singles.sort(key=lambda single: -single[0])
        del self._singles[_SINGLES:]

    def _singles_log_e(self) -> FloatArray:
        kept = [single for _, single in self._singles]
        none: FloatArray = np.full_like(self.margins, -np.inf)
        return np.asarray(np.logaddexp.reduce([none, *kept]), np.float64)


def _t_mixture(t: FloatArray, buckets: FloatArray, freedom: FloatArray) -> FloatArray:
    """The log e-value of a one-sided t-test, averaged over normal priors of the effect.

    Effects are in standard deviations of a bucket's difference.
    """
    from scipy.special import log_ndtr, stdtr

    ratio = buckets * _EFFECTS**2
    square = t**2 / freedom
    size = -0.5 * np.log1p(ratio) + (freedom + 1.0) / 2.0 * (np.log1p(square) - np.log1p(square / (1.0 + ratio)))
    seen = t * np.sqrt(ratio / (1.0 + ratio))
    positive = stdtr(freedom + 1.0, seen)
    side = np.where(positive > _LEAST_SHARE, np.log(np.maximum(positive, _LEAST_SHARE)), log_ndtr(seen))
    return np.asarray(np.logaddexp.reduce(_TRUST + size + log(2.0) + side, axis=0), np.float64)


def _normal_mixture(z: FloatArray, ratio: float) -> FloatArray:
    """The log e-value of a one-sided z-test, averaged over a normal prior of the effect with ``ratio`` its variance."""
    from scipy.special import erfcx, log_ndtr

    seen = z * sqrt(ratio / (1.0 + ratio))
    # Far below zero the square and the logarithm cancel, and far above it the scaled error function has no value.
    against = np.log(erfcx(-seen.clip(None, 0.0) / sqrt(2.0)))
    log_e: FloatArray = np.where(seen < 0.0, against, log(2.0) + seen**2 / 2.0 + log_ndtr(seen))
    return log_e - 0.5 * log1p(ratio)
