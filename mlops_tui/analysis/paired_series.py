"""Two arms side by side, bucket of time by bucket of time: their difference, how it scatters and how it hangs together.

A bucket is the shortest time in which both arms were observed. Only differences within a bucket count, so that a change
of the mix of traffic between buckets (Simpson's paradox) or a trend that both arms share leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from mlops_tui.analysis.contrasts import FloatArray, Tally

_MOST_CORRELATION = 0.98
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Caution:
    """How much more correlation between buckets is assumed than was seen, while few buckets were seen.

    With ``buckets`` buckets it is ``weight * (1 + early / buckets)`` standard errors.
    """

    weight: float
    early: float

    def bound(self, correlation: FloatArray, buckets: int) -> FloatArray:
        """An upper bound for the correlation of neighbours, after Kendall's correction of its bias."""
        unbiased = correlation + (1.0 + 3.0 * correlation.clip(0.0)) / buckets
        margin = self.weight * (1.0 + self.early / buckets) / sqrt(buckets)
        return (unbiased + margin).clip(0.0, _MOST_CORRELATION)


class PairedSeries:
    """The sums over buckets from which every statistic of ``treatment - slope * control`` follows.

    A bucket weighs ``n_t * n_c / (n_t + n_c)``, as in the Mantel-Haenszel estimate. Pairs are (treatment, control).
    """

    def __init__(self) -> None:
        self.buckets = 0
        self.weight = 0.0
        self.control = Tally()
        self.treatment = Tally()
        self._within = np.zeros(2)
        self._freedom = np.zeros(2)
        self._shares = np.zeros(2)
        self._origin = np.zeros(2)
        self._first = np.zeros(2)
        self._second = np.zeros((2, 2))
        self._lag_weight = 0.0
        self._lag_first = np.zeros(2)
        self._lag_second = np.zeros((2, 2))
        self._last_weight = 0.0
        self._last = np.zeros(2)

    def add(self, control: Tally, treatment: Tally) -> None:
        """Take in one bucket; both arms have observations."""
        sizes = np.array([treatment.n, control.n])
        weight = treatment.n * control.n / (treatment.n + control.n)
        values = np.array([treatment.mean, control.mean])
        if not self.buckets:
            self._origin = values
        values = values - self._origin
        if self.buckets:
            self._add_neighbours(weight, values)
        self.buckets += 1
        self.weight += weight
        self.control += control
        self.treatment += treatment
        self._within += [treatment.deviations, control.deviations]
        self._freedom += (sizes - 1.0).clip(0.0)
        self._shares += weight / sizes
        self._first += weight * values
        self._second += weight * np.outer(values, values)
        self._last_weight, self._last = weight, values

    def _add_neighbours(self, weight: float, values: FloatArray) -> None:
        joint = sqrt(weight * self._last_weight)
        product = np.outer(values, self._last)
        self._lag_weight += joint
        self._lag_first += joint * (values + self._last)
        self._lag_second += joint * (product + product.T) / 2.0

    def means(self) -> tuple[float, float]:
        """The weighted means of treatment and control over the buckets."""
        treatment, control = self._origin + self._first / self.weight
        return float(treatment), float(control)

    def within(self) -> FloatArray:
        """The variance of single observations of (treatment, control) inside buckets; NaN where no bucket tells."""
        known: FloatArray = np.divide(self._within, self._freedom, out=np.full(2, np.nan), where=self._freedom > 0)
        return known

    def control_scatter(self) -> float:
        """An upper estimate of the variance of the control's own means from bucket to bucket; 0.0 for one bucket."""
        if self.buckets < 2:
            return 0.0
        deviations = float(self._second[1, 1] - self._first[1] ** 2 / self.weight) * self.buckets / self.weight
        return max(deviations, 0.0) / (self.buckets - 1) * (1.0 + 8.0 / (self.buckets - 1))

    def expected(self, variances: FloatArray, slopes: FloatArray) -> FloatArray:
        """The weighted variance of a bucket's difference if observations of these variances were independent."""
        shares = self._shares / self.buckets
        result: FloatArray = variances[0] * shares[0] + slopes**2 * (variances[1] * shares[1])
        return result

    def scatter(self, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The weighted variance of the buckets' differences, and the correlation of neighbours (zero if all are alike).

        Needs two buckets.
        """
        mean = self._line(self._first, slopes) / self.weight
        total = self._form(self._second, slopes)
        deviations = total - mean**2 * self.weight
        deviations = np.where(deviations > _ROUNDING * total, deviations, 0.0)
        lagged = self._form(self._lag_second, slopes) - mean * self._line(self._lag_first, slopes)
        lagged += mean**2 * self._lag_weight
        correlation = np.divide(lagged, deviations, out=np.zeros_like(deviations), where=deviations > 0)
        return deviations / (self.buckets - 1), correlation

    @staticmethod
    def _line(pair: FloatArray, slopes: FloatArray) -> FloatArray:
        result: FloatArray = pair[0] - slopes * pair[1]
        return result

    @staticmethod
    def _form(pairs: FloatArray, slopes: FloatArray) -> FloatArray:
        result: FloatArray = pairs[0, 0] - 2.0 * slopes * pairs[0, 1] + slopes**2 * pairs[1, 1]
        return result
