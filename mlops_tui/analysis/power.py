"""How many observations a rollout needs before the judge can tell a harm of one margin from none."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt

from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind

POWER = 0.8

# What the average over stakes costs in nats, and how many times the observations are needed since they may hang
# together; measured on simulated rollouts of thirty to a hundred time stamps (docs/judge.md).
_MIXTURE_COST = 2.0
_CARE = {GuardrailKind.RATE: 1.35, GuardrailKind.COUNT: 1.35, GuardrailKind.QUANTILE: 1.6, GuardrailKind.MEAN: 2.0}


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


def samples_needed(
    guardrail: Guardrail, baseline: Baseline, share: float, level: float, power: float = POWER
) -> ArmSamples | None:
    """How many observations show with ``power`` that a treatment as good as the control is within the margin.

    ``share`` is the part of the observations of both arms that the treatment gets, between 0 and 1; ``level`` the
    probability of error. The same number shows a breach where the harm is twice the margin and the level is that of
    breaches. None where no number is enough: a margin of zero can be breached, but nobody can prove its absence.

    Raises:
        ValueError: the baseline lacks the deviation that a mean needs.
    """
    from scipy.special import ndtri

    margin = _absolute_margin(guardrail, baseline)
    if margin <= 0.0:
        return None
    slope = _slope(guardrail)
    variance = _variance(guardrail, baseline)
    distance = sqrt(2.0 * (log(1.0 / level) + _MIXTURE_COST)) + float(ndtri(power))
    both = _CARE[guardrail.kind] * distance**2 * variance * (1.0 / share + slope**2 / (1.0 - share)) / margin**2
    return ArmSamples(ceil(both * (1.0 - share)), ceil(both * share))


def expected_baseline(guardrail: Guardrail) -> Baseline | None:
    """What a plan alone says of the control: a quantile's threshold is exceeded by the rest of the observations."""
    if guardrail.kind is GuardrailKind.QUANTILE and guardrail.quantile is not None:
        return Baseline(1.0 - guardrail.quantile)
    return None


def _absolute_margin(guardrail: Guardrail, baseline: Baseline) -> float:
    is_relative = guardrail.margin_kind is MarginKind.RELATIVE
    return guardrail.margin * abs(baseline.value) if is_relative else guardrail.margin


def _slope(guardrail: Guardrail) -> float:
    if guardrail.margin_kind is MarginKind.ABSOLUTE:
        return 1.0
    sign = 1.0 if guardrail.direction is Direction.LOWER else -1.0
    return max(1.0 + sign * guardrail.margin, 0.0)


def _variance(guardrail: Guardrail, baseline: Baseline) -> float:
    match guardrail.kind:
        case GuardrailKind.RATE | GuardrailKind.QUANTILE:
            # At a rate of nothing or everything an event short of the margin is what has to be seen.
            half = min(_absolute_margin(guardrail, baseline) / 2.0, 0.5)
            rate = min(max(baseline.value, half), 1.0 - half)
            return max(rate * (1.0 - rate), 0.0)
        case GuardrailKind.COUNT:
            return max(baseline.value, _absolute_margin(guardrail, baseline) / 2.0)
        case GuardrailKind.MEAN:
            if baseline.deviation is None:
                raise ValueError("a mean's baseline needs the deviation of its values")
            return baseline.deviation**2
