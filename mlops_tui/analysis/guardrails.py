"""The evidence of one guardrail about one treatment, from the beginning and lately, and the bounds it gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log, sqrt

import numpy as np

from mlops_tui.analysis.contrasts import Contrast, FloatArray, Side, Tally
from mlops_tui.analysis.event_evidence import EventWindow
from mlops_tui.analysis.mean_evidence import MeanWindow
from mlops_tui.analysis.paired_series import PairedSeries
from mlops_tui.analysis.recent_windows import RecentWindows
from mlops_tui.analysis.windows import Window
from mlops_tui.domain.policy import Guardrail, GuardrailKind

_WHOLE, _LATELY, _JUST_NOW = 0.75, 0.15, 0.1
_FIRST_RESTART, _SECOND_RESTART, _RESTART_RATIO, _RESTART_EVERY = 4, 8, 1.5, 5


@dataclass(frozen=True, slots=True)
class Stretch:
    """A number of buckets, and the observations of the control and of the treatment in them."""

    buckets: int
    control: float
    treatment: float

    @classmethod
    def of(cls, series: PairedSeries) -> Stretch:
        """The stretch that a series covers."""
        return cls(series.buckets, series.control.n, series.treatment.n)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What evidence says about harm; None where it says nothing.

    ``difference`` is the mean of the buckets' differences, each weighed by its samples (Mantel-Haenszel), over the
    stretch that the evidence rests on: all buckets, or the ``recent`` ones where these speak louder against the margin.
    ``log_e`` belongs to the plan's margin. ``is_breached`` and ``is_safe`` are the two decisions there; nothing is safe
    while the recent stretch speaks against it. ``buckets`` counts the stretches of time in which both arms were seen.
    """

    difference: float | None
    lower: float | None
    upper: float | None
    log_e: float
    is_breached: bool
    is_safe: bool
    buckets: int
    recent: Stretch | None = None

    def latched(self, breach: Assessment) -> Assessment:
        """This with the bound and the evidence of an earlier breach, which hold for all time, where they say more."""
        lower = max((bound for bound in (self.lower, breach.lower) if bound is not None), default=None)
        upper = self.upper if lower is None or self.upper is None else max(self.upper, lower)
        return replace(self, lower=lower, upper=upper, log_e=max(self.log_e, breach.log_e))


class GuardrailEvidence:
    """All evidence of one guardrail about one treatment, folded from increments.

    Beside the evidence from the beginning there is that of recent stretches: one that starts again ever less often, for
    harm that takes long to show, and short ones for a fault that has just begun. All are e-processes and so is their
    average.
    """

    def __init__(self, guardrail: Guardrail) -> None:
        self._guardrail = guardrail
        self._contrast = Contrast.of(guardrail)
        self._waiting = (Tally(), Tally())
        self._whole: Window | None = None
        self._recents = (
            RecentWindows(_LATELY, 1, _FIRST_RESTART, _ever_rarer, doubt=3.0, memory=1),
            RecentWindows(_JUST_NOW, 2, _RESTART_EVERY, lambda buckets: buckets + _RESTART_EVERY, doubt=10.0, memory=4),
        )

    def add(self, control: Tally, treatment: Tally) -> None:
        """Take in what one time stamp brought; a bucket ends as soon as both arms have observations."""
        control, treatment = self._waiting[0] + control, self._waiting[1] + treatment
        if not (control.n and treatment.n):
            self._waiting = (control, treatment)
            return
        self._waiting = (Tally(), Tally())
        if self._whole is None:
            self._whole = first_window(self._guardrail, control, treatment)
        for chain in self._recents:
            chain.start(self._whole)
        self._whole.add(control, treatment)
        for chain in self._recents:
            chain.add(control, treatment)

    def assess(self, breach_level: float, safety_level: float) -> Assessment:
        """Bounds and decisions; the levels are the probabilities of error of either, at any time."""
        if self._whole is None:
            return Assessment(None, None, None, 0.0, is_breached=False, is_safe=False, buckets=0)
        buckets = self._whole.series.buckets
        if self._contrast.is_relative and self._whole.series.means()[1] < 0.0:
            # A share of less than nothing would be a gain: the line of such a margin lies on the wrong side.
            return Assessment(None, None, None, 0.0, is_breached=False, is_safe=False, buckets=buckets)
        margins = self._whole.margins
        own = int(np.searchsorted(margins, self._guardrail.margin))
        whole = log(_WHOLE) + self._whole.log_e(Side.AT_MOST)
        against = whole
        for chain in self._recents:
            against = np.logaddexp(against, chain.average())
        late = self._loudest(own, float(whole[own]))
        shown = late if late is not None else self._whole
        safe = shown.log_e(Side.AT_LEAST)
        is_breached = bool(against[own:].max() >= -log(breach_level))
        is_safe = late is None and bool(safe[: own + 1].max() >= -log(safety_level))
        harm = self._contrast.harm(*shown.series.means())
        lower = _crossing(-margins[::-1], against[::-1], -log(breach_level), None if harm is None else -harm)
        upper = _crossing(margins, safe, -log(safety_level), harm)
        return Assessment(
            difference=harm,
            lower=self._within_reach(None if lower is None else -lower, harm if not is_breached else None, -inf),
            upper=self._within_reach(upper, harm if not is_safe else None, inf),
            log_e=float(against[own:].max()),
            is_breached=is_breached,
            is_safe=is_safe and not any(chain.doubts(own) for chain in self._recents),
            buckets=buckets,
            recent=Stretch.of(late.series) if late is not None else None,
        )

    def _loudest(self, own: int, whole: float) -> Window | None:
        """The recent stretch that speaks louder against the plan's margin than all buckets do, if one does."""
        alive = [recent for chain in self._recents for recent in chain.alive]
        said = [(recent.log_share + float(recent.window.log_e(Side.AT_MOST)[own]), recent.window) for recent in alive]
        loudest = max(said, key=lambda pair: pair[0], default=None)
        return loudest[1] if loudest is not None and loudest[0] > max(whole, 0.0) else None

    def _within_reach(self, bound: float | None, estimate: float | None, end: float) -> float | None:
        """A bound that decides nothing, wide enough to hold the estimate; without one the end of what there can be.

        ``end`` is an infinity that tells the direction. None where there is no end.
        """
        if bound is not None and estimate is not None:
            return min(bound, estimate) if end < 0 else max(bound, estimate)
        if bound is not None:
            return bound
        kind = self._guardrail.kind
        if self._contrast.is_relative:
            return float(-self._contrast.sign) if end * self._contrast.sign < 0 else None
        return None if kind in {GuardrailKind.COUNT, GuardrailKind.MEAN} else float(np.sign(end))


def _ever_rarer(buckets: int) -> int:
    return max(int(buckets * _RESTART_RATIO), _SECOND_RESTART)


def first_window(guardrail: Guardrail, control: Tally, treatment: Tally) -> Window:
    """An empty window for a guardrail, with margins that fit its first bucket."""
    if guardrail.kind is GuardrailKind.MEAN:
        return MeanWindow.first(guardrail, control, treatment)
    return EventWindow.first(guardrail, control, treatment)


def _crossing(claims: FloatArray, log_e: FloatArray, threshold: float, estimate: float | None) -> float | None:
    """The claim from which on the evidence reaches a threshold, for ascending claims; None if it never does.

    Evidence against a claim is evidence against every greater one as well, so the running maximum counts. Between two
    claims its square root is taken for a straight line, which it is for a normal mean, that meets zero at the estimate.
    """
    highest = np.maximum.accumulate(log_e)
    above = int(np.searchsorted(highest, threshold))
    if above == len(highest):
        return None
    if above == 0:
        return float(claims[0])
    claim, high = float(claims[above]), sqrt(highest[above])
    other, low = float(claims[above - 1]), sqrt(max(highest[above - 1], 0.0))
    if estimate is not None and other < estimate < claim:
        other, low = estimate, 0.0
    return claim + (high - sqrt(threshold)) / (high - low) * (other - claim)
