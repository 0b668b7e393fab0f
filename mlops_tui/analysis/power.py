"""How many observations a rollout needs before the judge can tell that there is no harm of one margin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, expm1, log

from mlops_tui.analysis.foreseen import ArmSizes, ObservationLaw, is_healthy_by
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind

POWER = 0.8
# Less is none: its inverse still has a square.
_LEAST_MARGIN = 1e-100

# Where the pace is unknown the observations are taken to come in so many windows, or in more if these cannot be enough.
_USUAL_WINDOWS = (30, 300, 3_000)
# Three to four times what a bound without any doubt would take is where the search meets the answer soonest.
_FIRST_GUESS = 3.5
_MOST_TIMES = 1000
_PRECISION = 25


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is known of the control: its rate, count per unit of exposure, or mean with the ``deviation`` of values."""

    value: float
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class ArmSamples:
    """Observations needed in the control and in one treatment."""

    control: int
    treatment: int


# A rollout is looked at more often than its windows close, and its estimate is the same until then.
@lru_cache(maxsize=256)
def samples_needed(
    guardrail: Guardrail,
    baseline: Baseline,
    share: float,
    level: float,
    per_window: float | None = None,
    power: float = POWER,
) -> ArmSamples | None:
    """How many observations show with ``power`` that a treatment as good as the control is within the margin.

    ``share`` is the part of the observations of both arms that the treatment gets, between 0 and 1; ``level`` the
    probability of error; ``per_window`` the observations of both arms that the judge gets at once: in few windows it
    needs more of them. Whole windows are counted. None where no number is enough: a margin of zero can be breached, but
    nobody can prove its absence, and the judge stakes too much for a margin that is next to nothing.

    Raises:
        ValueError: the baseline lacks the deviation that a mean needs.
    """
    if _absolute_margin(guardrail, baseline) < _LEAST_MARGIN:
        return None
    law = _law(guardrail, baseline)
    least = _least(guardrail, baseline, share, level)

    def is_enough(windows: int, at_once: float) -> bool:
        rarer = at_once * min(share, 1.0 - share)
        if windows * rarer < 1.0:
            return False
        buckets = max(round(windows * _part_with_both(rarer)), 1)
        return is_healthy_by(guardrail, law, _sizes(at_once * windows / buckets, share), buckets, level, power)

    def both_in(windows: int) -> int | None:
        return _search(lambda n: is_enough(windows, n / windows), least)

    if per_window is None:
        both = next((n for n in map(both_in, _USUAL_WINDOWS) if n is not None), None)
        return None if both is None else _samples(_sizes(both, share))
    found = _search(lambda windows: is_enough(windows, per_window), least / per_window)
    return None if found is None else _samples(_sizes(found * per_window, share))


def expected_baseline(guardrail: Guardrail) -> Baseline | None:
    """What a plan alone says of the control: a quantile's threshold is exceeded by the rest of the observations."""
    if guardrail.kind is GuardrailKind.QUANTILE and guardrail.quantile is not None:
        return Baseline(1.0 - guardrail.quantile)
    return None


def _search(is_enough: Callable[[int], bool], least: float) -> int | None:
    """The smallest number that is enough, to a few percent; None where none within reason is."""
    low, high = 0, max(ceil(_FIRST_GUESS * least), 1)
    most = _MOST_TIMES * high
    while not is_enough(high):
        low, high = high, 2 * high
        if high > most:
            return None
    while high - low > max(high // _PRECISION, 1):
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _part_with_both(rarer: float) -> float:
    """The part of the windows in which the arm with fewer observations has any, where so many come per window."""
    return -expm1(-rarer)


def _sizes(both: float, share: float) -> ArmSizes:
    return ArmSizes(both * (1.0 - share), both * share)


def _samples(sizes: ArmSizes) -> ArmSamples:
    return ArmSamples(ceil(sizes.control), ceil(sizes.treatment))


def _law(guardrail: Guardrail, baseline: Baseline) -> ObservationLaw:
    match guardrail.kind:
        case GuardrailKind.RATE | GuardrailKind.QUANTILE:
            return ObservationLaw.of_events(min(max(baseline.value, 0.0), 1.0))
        case GuardrailKind.COUNT:
            return ObservationLaw.of_counts(baseline.value)
        case GuardrailKind.MEAN:
            if baseline.deviation is None:
                raise ValueError("a mean's baseline needs the deviation of its values")
            return ObservationLaw(baseline.value, baseline.deviation**2)


def _least(guardrail: Guardrail, baseline: Baseline, share: float, level: float) -> float:
    """About how many observations of both arms it took if the margin were the only doubt."""
    margin = _absolute_margin(guardrail, baseline)
    variance = _law(guardrail, baseline).variance
    if guardrail.kind is not GuardrailKind.MEAN:
        # At a rate of nothing an event short of the margin is what has to be seen.
        variance = max(variance, margin / 2.0 if guardrail.kind is GuardrailKind.COUNT else min(margin, 0.5) / 2.0)
    slope = _slope(guardrail)
    return 2.0 * log(1.0 / level) * variance * (1.0 / share + slope**2 / (1.0 - share)) / margin**2


def _absolute_margin(guardrail: Guardrail, baseline: Baseline) -> float:
    is_relative = guardrail.margin_kind is MarginKind.RELATIVE
    return guardrail.margin * max(baseline.value, 0.0) if is_relative else guardrail.margin


def _slope(guardrail: Guardrail) -> float:
    if guardrail.margin_kind is MarginKind.ABSOLUTE:
        return 1.0
    sign = 1.0 if guardrail.direction is Direction.LOWER else -1.0
    return max(1.0 + sign * guardrail.margin, 0.0)
