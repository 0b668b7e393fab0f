"""What the judge would say of two arms alike after so many buckets, without folding them one by one.

The judge divides its evidence by what buckets show of how observations hang together, and by what it assumes of that
while they are few. A forecast has to keep to whatever it assumes, so its own windows are asked. They get a series with
the sums that chance would bring: the difference of the arms at quantiles of its law, and for each of those some draws
of how buckets scatter and correlate.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log, sqrt

import numpy as np

from mlops_tui.analysis.contrasts import Contrast, FloatArray, Side, Tally
from mlops_tui.analysis.event_evidence import EventWindow
from mlops_tui.analysis.mean_evidence import MeanWindow
from mlops_tui.analysis.paired_series import PairedSeries
from mlops_tui.domain.policy import Guardrail, GuardrailKind

_QUANTILES, _DRAWS = 12, 16
# Steps of the golden ratio fill the plane of two probabilities evenly, and a forecast of the same is always the same.
_EVENLY = (np.arange(_DRAWS) + 0.5) * np.array([[1.0 / _DRAWS], [0.5 * (sqrt(5.0) - 1.0)]]) % 1.0


@dataclass(frozen=True, slots=True)
class ObservationLaw:
    """How observations of either arm are distributed; ``excess`` is the kurtosis beyond that of normal values."""

    mean: float
    variance: float
    skewness: float = 0.0
    excess: float = 0.0

    @classmethod
    def of_events(cls, rate: float) -> ObservationLaw:
        """Observations that are events at a rate from 0 to 1."""
        variance = rate * (1.0 - rate)
        if variance <= 0.0:
            return cls(rate, 0.0)
        return cls(rate, variance, (1.0 - 2.0 * rate) / sqrt(variance), 1.0 / variance - 6.0)

    @classmethod
    def of_counts(cls, mean: float) -> ObservationLaw:
        """Units of exposure with so many events on average."""
        return cls(mean, mean, 1.0 / sqrt(mean), 1.0 / mean) if mean > 0.0 else cls(mean, 0.0)


@dataclass(frozen=True, slots=True)
class ArmSizes:
    """Observations of the control and of the treatment, on average in a bucket or in all of them."""

    control: float
    treatment: float

    def times(self, buckets: int) -> ArmSizes:
        """Those of so many buckets."""
        return ArmSizes(self.control * buckets, self.treatment * buckets)


def is_healthy_by(
    guardrail: Guardrail, law: ObservationLaw, sizes: ArmSizes, buckets: int, level: float, power: float
) -> bool:
    """Whether of rollouts without harm a share of ``power`` is HEALTHY after so many buckets of these sizes.

    ``level`` is the judge's probability of error.
    """
    spreads, correlations = _draws(law, min(sizes.control, sizes.treatment), buckets)
    arms = _arms(guardrail, law, sizes.times(buckets))
    missed, most = 0.0, (1.0 - power) * len(arms)
    for control, treatment in arms:
        series = _ForeseenSeries(buckets, control, treatment, law.variance, spreads, correlations)
        open_yet = float(np.mean(_log_e(guardrail, series) < -log(level)))
        missed += open_yet
        # What is better than this, which is all HEALTHY, is so too.
        if missed > most or not open_yet:
            break
    return missed <= most


class _ForeseenSeries(PairedSeries):
    """A series known by its sums, whose scatter and correlation are one for each draw.

    ``spreads`` are scatters as multiples of what independent observations of ``variance`` let expect.
    """

    def __init__(
        self,
        buckets: int,
        control: Tally,
        treatment: Tally,
        variance: float,
        spreads: FloatArray,
        correlations: FloatArray,
    ) -> None:
        super().__init__()
        self.buckets = buckets
        self.control = control
        self.treatment = treatment
        self.weight = control.n * treatment.n / (control.n + treatment.n)
        self._variances = np.full(2, variance)
        self._spreads = spreads
        self._correlations = correlations

    def means(self) -> tuple[float, float]:
        """The means of treatment and control."""
        return self.treatment.mean, self.control.mean

    def within(self) -> FloatArray:
        """The variance of single observations of (treatment, control)."""
        return self._variances

    def expected(self, variances: FloatArray, slopes: FloatArray) -> FloatArray:
        """The weighted variance of a bucket's difference if observations of these variances were independent."""
        single = variances[0] / self.treatment.n + slopes**2 * (variances[1] / self.control.n)
        return np.asarray(np.broadcast_to(self.weight * single, self._spreads.shape), np.float64)

    def scatter(self, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The weighted variance of the buckets' differences, and the correlation of neighbours."""
        return self._spreads * self.expected(self._variances, slopes), self._correlations


def _draws(law: ObservationLaw, size: float, buckets: int) -> tuple[FloatArray, FloatArray]:
    """The spread of buckets, by Wilson and Hilferty's cube, and their neighbours' correlation, by Moran's moments."""
    from scipy.special import ndtri

    of_spread, of_correlation = ndtri(_EVENLY)
    pairs = max(buckets - 1, 1)
    part = (2.0 + max(law.excess / size, 0.0)) / (9.0 * pairs)
    spreads = (1.0 - part + of_spread * sqrt(part)).clip(0.0) ** 3
    correlations = of_correlation * (max(buckets - 2, 0) / (buckets * sqrt(pairs))) - 1.0 / buckets
    return spreads, correlations.clip(-1.0, 1.0)


def _arms(guardrail: Guardrail, law: ObservationLaw, sizes: ArmSizes) -> list[tuple[Tally, Tally]]:
    """(Control, treatment) at quantiles of their difference, the worst first, each off by its part of the variance.

    The quantiles follow Cornish and Fisher: few rare events lean to one side.
    """
    from scipy.special import ndtri

    contrast = Contrast.of(guardrail)
    slope = float(contrast.slopes(np.array([guardrail.margin]))[0])
    own, other = law.variance / sizes.treatment, slope**2 * law.variance / sizes.control
    z = -contrast.sign * ndtri((np.arange(_QUANTILES) + 0.5) / _QUANTILES)
    lean = law.skewness * law.variance**1.5 * (sizes.treatment**-2.0 - slope**3 * sizes.control**-2.0)
    deviation = sqrt(own + other)
    if not deviation:
        return [(_tally(guardrail, law, sizes.control, 0.0), _tally(guardrail, law, sizes.treatment, 0.0))]
    steps = (z + lean / deviation**3 * (z**2 - 1.0) / 6.0) / deviation
    back = other / slope if slope else 0.0
    return [
        (
            _tally(guardrail, law, sizes.control, -step * back),
            _tally(guardrail, law, sizes.treatment, step * own),
        )
        for step in steps
    ]


def _tally(guardrail: Guardrail, law: ObservationLaw, n: float, offset: float) -> Tally:
    mean = law.mean + offset
    if guardrail.kind is GuardrailKind.MEAN:
        return Tally(n, n * mean, n * (mean**2 + law.variance))
    mean = max(mean, 0.0) if guardrail.kind is GuardrailKind.COUNT else min(max(mean, 0.0), 1.0)
    return Tally(n, n * mean, n * mean)


def _log_e(guardrail: Guardrail, series: _ForeseenSeries) -> FloatArray:
    """The evidence against a harm beyond the margin, one for each draw.

    A window keeps one value for each of its margins: here all of these are the plan's own.
    """
    margins = np.full(_DRAWS, guardrail.margin)
    if guardrail.kind is GuardrailKind.MEAN:
        means = MeanWindow(guardrail, margins)
        means.rest_on(series)
        return means.log_e(Side.AT_LEAST)
    events = EventWindow(guardrail, margins)
    for part in _parts(series.buckets):
        events.add(_part(series.control, part), _part(series.treatment, part))
    events.rest_on(series)
    return events.log_e(Side.AT_LEAST)


def _parts(buckets: int) -> list[float]:
    """The parts of all that are bet on at once: the first bucket knows no rate, and later ones know it ever better."""
    ends = sorted({0, 1, ceil(sqrt(buckets)), buckets})
    return [(end - start) / buckets for start, end in pairwise(ends)]


def _part(tally: Tally, part: float) -> Tally:
    return Tally(tally.n * part, tally.total * part, tally.squares * part)
