"""Evidence from events: bets on the next bucket that on average gain nothing while the harm is within a margin.

For a margin, every observation of the treatment multiplies a bet by ``1 + a * (y - p)`` and every one of the control by
``1 + b * (y - q)``, with ``p`` and ``q`` on the line that the margin draws and stakes in the ratio that makes the
expected sum zero there. By the inequality of the means the product has an expectation of at most one wherever the harm
is within the margin, for any ``p`` and ``q``: it is an e-value, exact for the smallest counts. Its logarithm needs only
the counts. (The idea is that of Turner, Ly and Gruenwald, "Generic E-variables for exact sequential k-sample tests".)
Products over buckets, averaged over stakes, are e-processes: Ville's inequality bounds the chance that one ever exceeds
1 / alpha. Counts of a Poisson process bet with ``(1 + a) ** events * exp(-a * expected)``.
"""

from __future__ import annotations

from math import log

import numpy as np

from mlops_tui.analysis.clumping import LEAST_BUCKETS, Clumping, Clumps, Discount, assumed
from mlops_tui.analysis.contrasts import Contrast, FloatArray, Side, Tally
from mlops_tui.analysis.paired_series import Caution, PairedSeries
from mlops_tui.domain.policy import Guardrail, GuardrailKind

_STAKES = 0.01 * 2.4 ** np.arange(10.0)
_TRUST = np.log(np.array([4, 6, 8, 10, 14, 16, 16, 12, 8, 6]) / 100.0)
_MOST_OF_CAP = 0.98
_PLACES = {side: place for place, side in enumerate(Side)}
_SIGNS = np.array([float(side.sign) for side in Side])[:, None, None]
_FIRST_GUESSES = ((0.03, log(0.7)), (0.97, log(0.3)))
_WIDEST_SHARE = 50.0


# Requests fail alone more often than not; how long they take depends on what the machine does at that time.
_ERRORS = Clumping(0.1, 5.0, 12.0, 0.35, Caution(0.7, 8.0))
_EXCEEDANCES = Clumping(0.5, 12.0, 12.0, 0.65, Caution(0.8, 8.0))


class EventWindow:
    """The evidence of a stretch of buckets about a rate, a count or the share beyond a threshold."""

    def __init__(
        self, guardrail: Guardrail, margins: FloatArray, guess: float | None = None, floor: FloatArray | None = None
    ) -> None:
        self._guardrail = guardrail
        self._contrast = Contrast.of(guardrail)
        self._clumping = _EXCEEDANCES if guardrail.kind is GuardrailKind.QUANTILE else _ERRORS
        self._is_count = guardrail.kind is GuardrailKind.COUNT
        self._guess = guess
        self._slopes = self._contrast.slopes(margins)[:, None]
        self._offsets = self._contrast.sign * self._contrast.offsets(margins)[:, None]
        self._directions = self._contrast.sign * _SIGNS
        self._bets = np.tile(_TRUST, (len(_SIGNS), len(margins), 1))
        self._known: Discount | None = None
        self._said: dict[Side, FloatArray] = {}
        self._floor: FloatArray = np.ones(1) if floor is None else floor
        self.margins = margins
        self.series = PairedSeries()

    @classmethod
    def first(cls, guardrail: Guardrail, control: Tally, treatment: Tally) -> EventWindow:
        """A window with margins that fit a guardrail and the first bucket."""
        contrast = Contrast.of(guardrail)
        if contrast.is_relative:
            margins = contrast.grid(guardrail.margin, 0.01, _WIDEST_SHARE * max(1.0, guardrail.margin))
        elif guardrail.kind is GuardrailKind.COUNT:
            scale = max((control + treatment).mean, guardrail.margin) or 1.0
            margins = contrast.grid(guardrail.margin, scale / 200.0, scale * _WIDEST_SHARE)
        else:
            margins = contrast.grid(guardrail.margin, 0.0005, 1.0)
        return cls(guardrail, margins)

    def fresh(self, lasting: FloatArray) -> EventWindow:
        """An empty window that remembers how frequent events are, and how they clump: as it was ``lasting`` long ago.

        What clumps for longer than a bucket is not learnt from the newest buckets, since a harm that has just begun
        looks just like it.
        """
        return EventWindow(self._guardrail, self.margins, self._pooled(), lasting)

    def lasting(self) -> FloatArray:
        """How many observations count as one by what these buckets show, without any caution."""
        if self.series.buckets < LEAST_BUCKETS:
            return np.ones(1)
        return self._clumps().lasting.clip(None, max(self._rarer(), 1.0))

    def add(self, control: Tally, treatment: Tally) -> None:
        """Settle the bets on one bucket. They were made before it: only its sizes are used to place them."""
        if self._is_count:
            self._bets += self._count_gain(control, treatment)
        elif self.series.buckets or self._guess is not None:
            self._bets += self._rate_gain(control, treatment, self._control_rates())
        else:
            gains = [
                weight + self._rate_gain(control, treatment, self._on_line(rate, control.n, treatment.n))
                for rate, weight in _FIRST_GUESSES
            ]
            self._bets += np.logaddexp(*gains)
        self.series.add(control, treatment)
        self._known = None
        self._said.clear()

    def rest_on(self, series: PairedSeries) -> None:
        """Take the buckets to be those of another series; what was staked on the ones added stays as it is."""
        self.series = series
        self._known = None
        self._said.clear()

    def log_e(self, side: Side) -> FloatArray:
        """The logarithm of the e-value per margin, with the effective number of observations.

        Evidence for is divided by how many observations count as one. That never makes it greater, so what holds for
        independent observations holds whatever the estimate of that number.
        """
        if side not in self._said:
            self._said[side] = self._log_e(side)
        return self._said[side]

    def _log_e(self, side: Side) -> FloatArray:
        bets = self._bets[_PLACES[side]]
        top = bets.max(axis=1)
        log_e: FloatArray = top + np.log(np.exp(bets - top[:, None]).sum(axis=1))
        if self._guess is not None and self.series.buckets < LEAST_BUCKETS:
            return log_e.clip(None, 0.0)
        return self.discount().of(log_e)

    def discount(self) -> Discount:
        """How many observations count as one: what clumps, and trends of one arm alone, leave over."""
        if self._known is None:
            buckets = max(self.series.buckets, 1)
            size = min(self.series.control.n, self.series.treatment.n) / buckets
            events = self._rarer() / 2.0 / buckets
            least = np.maximum(self._floor, self._clumping.early(size, events, buckets))
            if self.series.buckets < LEAST_BUCKETS:
                self._known = assumed(least)
            else:
                seen = self._clumps().discount(self._clumping, events)
                # However they clump, so many events are one at least, and few of them show nothing of how they clump.
                per_one = np.maximum(np.minimum(seen.per_one, self._rarer()), least)
                self._known = Discount(per_one, seen.freedom)
        return self._known

    def _clumps(self) -> Clumps:
        series, slopes = self.series, self._slopes[:, 0]
        rates = np.array([series.treatment.mean, series.control.mean])
        expected = series.expected(rates if self._is_count else rates * (1.0 - rates), slopes)
        return Clumps.of(series, expected, slopes)

    def _rarer(self) -> float:
        """How many observations were events, or how many were none where these are fewer."""
        series = self.series
        events = series.control.total + series.treatment.total
        return events if self._is_count else min(events, series.control.n + series.treatment.n - events)

    def _pooled(self) -> float:
        series = self.series
        return (series.control.total + series.treatment.total + 0.5) / (series.control.n + series.treatment.n + 1.0)

    def _control_rates(self) -> FloatArray:
        """The control's rate on each margin's line that fits the buckets before."""
        series = self.series
        if not series.buckets and self._guess is not None:
            return self._on_line(self._guess, 1.0, 1.0)
        own, other = series.control.n + 0.5, series.treatment.n + 0.5
        rates = (series.control.total + series.treatment.total + 0.5 - self._offsets * other) / (
            own + self._slopes * other
        )
        return self._possible(rates)

    def _on_line(self, pooled: float, control_n: float, treatment_n: float) -> FloatArray:
        total = pooled * (control_n + treatment_n)
        return self._possible((total - self._offsets * treatment_n) / (control_n + self._slopes * treatment_n))

    def _possible(self, rates: FloatArray) -> FloatArray:
        """The nearest rates for which neither arm's leaves 0 to 1, where there are such."""
        slopes = np.maximum(self._slopes, 1e-9)
        lowest = (-self._offsets / slopes).clip(0.0, 1.0)
        highest = ((1.0 - self._offsets) / slopes).clip(0.0, 1.0)
        return np.asarray(np.minimum(np.maximum(rates, lowest), np.maximum(highest, lowest)), np.float64)

    def _stakes(self, cap: FloatArray, control: Tally, treatment: Tally) -> tuple[FloatArray, FloatArray]:
        """What is staked on each event of (treatment, control), per side, margin and size of the bet."""
        total = control.n + treatment.n
        stakes = self._directions * np.minimum(_STAKES, _MOST_OF_CAP * cap)
        return stakes * (control.n / total), stakes * (-treatment.n / total * self._slopes)

    def _rate_gain(self, control: Tally, treatment: Tally, rates: FloatArray) -> FloatArray:
        total = control.n + treatment.n
        theirs = self._slopes * rates + self._offsets
        for_harm = self._directions > 0
        losses = np.maximum(
            np.where(for_harm, theirs, 1.0 - theirs) * (control.n / total),
            np.where(for_harm, 1.0 - rates, rates) * self._slopes * (treatment.n / total),
        )
        on_treatment, on_control = self._stakes(1.0 / np.maximum(losses, 1e-9), control, treatment)
        gain: FloatArray = (
            treatment.total * np.log1p(on_treatment * (1.0 - theirs))
            + (treatment.n - treatment.total) * np.log1p(-on_treatment * theirs)
            + control.total * np.log1p(on_control * (1.0 - rates))
            + (control.n - control.total) * np.log1p(-on_control * rates)
        )
        return gain

    def _count_gain(self, control: Tally, treatment: Tally) -> FloatArray:
        total = control.n + treatment.n
        losses = np.where(self._directions > 0, treatment.n * self._slopes, control.n) / total
        on_treatment, on_control = self._stakes(1.0 / np.maximum(losses, 1e-9), control, treatment)
        gain: FloatArray = (
            treatment.total * np.log1p(on_treatment)
            + control.total * np.log1p(on_control)
            - on_treatment * treatment.n * self._offsets
        )
        return gain
