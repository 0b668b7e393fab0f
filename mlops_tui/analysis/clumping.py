"""How many observations count as one where events come together: in a bucket of time, and from bucket to bucket.

Buckets that scatter more than independent events would, and neighbours that resemble each other, show it. What few
buckets cannot show is assumed: some clumping within a bucket, and more resemblance of neighbours than was seen. The
scatter that independent events explain does not outlast its bucket, so that the resemblance of neighbours belongs to
the rest of it alone (correction for attenuation); and as that rest is estimated, evidence has the tail of a t-test,
with Satterthwaite's degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from mlops_tui.analysis.contrasts import FloatArray
from mlops_tui.analysis.paired_series import Caution, PairedSeries

LEAST_BUCKETS = 3
_ANY_FREEDOM = 1e9
_LEAST_FREEDOM = 0.3
# Clumps of which nothing is seen are assumed to last for this correlation of neighbours.
_UNSEEN = 0.8
# A variance that few buckets show may be greater than it seems, by this part over their number.
_SPARSE = 6.0


@dataclass(frozen=True, slots=True)
class Clumping:
    """What is assumed of how events come in clumps, until the buckets have shown it.

    Two observations of a bucket correlate by ``within``, and a bucket counts at least ``1 / most`` of its size. Rates
    differ from bucket to bucket by the share ``varies`` of themselves. After ``few`` more buckets three quarters of
    that are taken back. ``caution`` is about clumps that outlast a bucket.
    """

    within: float
    most: float
    few: float
    varies: float
    caution: Caution

    def early(self, size: float, events: float, buckets: int) -> float:
        """How many observations count as one, by assumption alone, for buckets of a size that hold so many events."""
        at_first = max(min(1.0 + self.within * max(size - 1.0, 0.0), self.most), 1.0 + self.level(events))
        return 1.0 + (at_first - 1.0) * (self.few / (max(buckets, 1) - 1 + self.few)) ** 2

    def level(self, events: float) -> float:
        """How many times the variance of independent events rates are assumed to add in a bucket of so many events."""
        return self.varies**2 * events


@dataclass(frozen=True, slots=True)
class Discount:
    """What evidence for is worth: ``per_one`` observations count as one, with so many degrees of ``freedom``."""

    per_one: FloatArray
    freedom: FloatArray

    def of(self, log_e: FloatArray) -> FloatArray:
        """The logarithm of an e-value after the discount, which never makes it greater."""
        tempered = log_e.clip(0.0) / self.per_one
        tailed = (self.freedom + 1.0) / 2.0 * np.log1p(2.0 * tempered / self.freedom)
        return np.asarray(np.where(log_e > 0, np.minimum(tempered, tailed), log_e), np.float64)


@dataclass(frozen=True, slots=True)
class Clumps:
    """What buckets show, per margin: ``ratio`` of their scatter to that of independent events, and ``correlation``."""

    ratio: FloatArray
    correlation: FloatArray
    buckets: int

    @classmethod
    def of(cls, series: PairedSeries, expected: FloatArray, slopes: FloatArray) -> Clumps:
        """What a series of at least two buckets shows, where independent events have the variance ``expected``."""
        scatter, correlation = series.scatter(slopes)
        ratio = np.divide(scatter, expected, out=np.zeros_like(expected), where=expected > 0)
        return cls(ratio, correlation, series.buckets)

    @property
    def lasting(self) -> FloatArray:
        """Observations per one as they were seen, without any caution."""
        correlation = self.correlation.clip(0.0, 0.9)
        return np.asarray((self.ratio * (1.0 + correlation) / (1.0 - correlation)).clip(1.0), np.float64)

    def discount(self, clumping: Clumping, events: float) -> Discount:
        """The discount that these buckets ask for; a bucket holds so many ``events``."""
        excess = (self.ratio - 1.0 - sqrt(2.0 / self.buckets)).clip(0.0)
        share = np.divide(excess, self.ratio, out=np.zeros_like(excess), where=self.ratio > 0)
        unattenuated = np.divide(self.correlation, share, out=np.zeros_like(share), where=share > 0).clip(-1.0, 1.0)
        stretch = _stretch(clumping.caution.bound(unattenuated, self.buckets))
        wandering = excess * (1.0 + _SPARSE / self.buckets) * stretch
        part = wandering / (1.0 + wandering)
        freedom = (self.buckets / stretch - 2.0).clip(_LEAST_FREEDOM) / np.maximum(part**2, 1.0 / _ANY_FREEDOM)
        return Discount(np.maximum(self._cautious(clumping, events), 1.0 + wandering), freedom)

    def _cautious(self, clumping: Clumping, events: float) -> FloatArray:
        """As if all scatter hung together as neighbours do, but no more of it than there is room for clumps."""
        room = np.maximum(self.ratio * (1.0 + 2.0 / self.buckets) - 1.0, clumping.level(events)).clip(0.0)
        all_of_it = self.ratio * _stretch(clumping.caution.bound(self.correlation, self.buckets))
        return np.asarray(np.minimum(all_of_it, 1.0 + room * _stretch(np.full(1, _UNSEEN))), np.float64)


def assumed(per_one: FloatArray) -> Discount:
    """A discount that rests on assumptions alone."""
    return Discount(per_one, np.full(1, _ANY_FREEDOM))


def _stretch(correlation: FloatArray) -> FloatArray:
    return np.asarray((1.0 + correlation) / (1.0 - correlation), np.float64)
