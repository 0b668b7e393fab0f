"""The evidence of one guardrail about one treatment, from the beginning and lately, and the bounds it gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log, sqrt
from typing import Protocol, Self

import numpy as np

from mlops_tui.analysis.contrasts import Contrast, FloatArray, Side, Tally
from mlops_tui.analysis.event_evidence import EventWindow
from mlops_tui.analysis.mean_evidence import MeanWindow
from mlops_tui.analysis.paired_series import PairedSeries
from mlops_tui.domain.policy import Guardrail, GuardrailKind

_WHOLE, _RECENT = 0.75, 0.25
_FIRST_RESTART, _SECOND_RESTART, _RESTART_RATIO = 4, 8, 1.5
_DOUBT = log(3.0)


class Window(Protocol):
    """The evidence of a stretch of buckets, at fixed margins."""

    @property
    def margins(self) -> FloatArray:
        """The margins, ascending; the plan's own is one of them."""
        ...

    @property
    def series(self) -> PairedSeries:
        """The buckets."""
        ...

    def add(self, control: Tally, treatment: Tally) -> None:
        """Take in a bucket in which both arms have observations."""
        ...

    def log_e(self, side: Side) -> FloatArray:
        """The natural logarithm of the e-value against a harm on that side of each margin."""
        ...

    def fresh(self) -> Self:
        """An empty window at the same margins."""
        ...


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

    Beside the evidence from the beginning there is that of a recent stretch, which starts again ever less often: a
    fault that comes late is not thinned by the good time before it. Both are e-processes and so is their average.
    """

    def __init__(self, guardrail: Guardrail) -> None:
        self._guardrail = guardrail
        self._contrast = Contrast.of(guardrail)
        self._waiting = (Tally(), Tally())
        self._whole: Window | None = None
        self._recent: Window | None = None
        self._restarts = 0
        self._next_restart = _FIRST_RESTART

    def add(self, control: Tally, treatment: Tally) -> None:
        """Take in what one time stamp brought; a bucket ends as soon as both arms have observations."""
        control, treatment = self._waiting[0] + control, self._waiting[1] + treatment
        if not (control.n and treatment.n):
            self._waiting = (control, treatment)
            return
        self._waiting = (Tally(), Tally())
        if self._whole is None:
            self._whole = first_window(self._guardrail, control, treatment)
        elif self._whole.series.buckets == self._next_restart:
            self._restarts += 1
            self._next_restart = max(int(self._next_restart * _RESTART_RATIO), _SECOND_RESTART)
            self._recent = self._whole.fresh()
        self._whole.add(control, treatment)
        if self._recent is not None:
            self._recent.add(control, treatment)

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
        recent = self._recent.log_e(Side.AT_MOST) if self._recent is not None else None
        against = self._average(whole, recent)
        is_late = recent is not None and recent[own] + self._log_share > max(whole[own], 0.0)
        shown = self._recent if is_late and self._recent is not None else self._whole
        safe = shown.log_e(Side.AT_LEAST)
        is_breached = bool(against[own:].max() >= -log(breach_level))
        is_safe = not is_late and bool(safe[: own + 1].max() >= -log(safety_level))
        harm = self._contrast.harm(*shown.series.means())
        lower = _crossing(-margins[::-1], against[::-1], -log(breach_level), None if harm is None else -harm)
        upper = _crossing(margins, safe, -log(safety_level), harm)
        return Assessment(
            difference=harm,
            lower=self._within_reach(None if lower is None else -lower, harm if not is_breached else None, -inf),
            upper=self._within_reach(upper, harm if not is_safe else None, inf),
            log_e=float(against[own:].max()),
            is_breached=is_breached,
            is_safe=is_safe and (recent is None or bool(recent[own] < _DOUBT)),
            buckets=buckets,
            recent=Stretch.of(shown.series) if shown is self._recent else None,
        )

    @property
    def _log_share(self) -> float:
        """What the newest recent stretch was given of all evidence; the shares of all that will ever be add up."""
        return log(_RECENT / (self._restarts * (self._restarts + 1)))

    def _average(self, whole: FloatArray, recent: FloatArray | None) -> FloatArray:
        """The evidence against each margin, with what no stretch was given yet held in cash."""
        cash = log(_RECENT / (self._restarts + 1))
        rest = cash if recent is None else np.logaddexp(cash, self._log_share + recent)
        return np.asarray(np.logaddexp(whole, rest), np.float64)

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
