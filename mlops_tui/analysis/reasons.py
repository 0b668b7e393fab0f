"""The sentence that goes with a verdict: the metric, its value, the bound that decides and the samples behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlops_tui.analysis.guardrails import Assessment
from mlops_tui.domain.judgements import GuardrailResult, Verdict
from mlops_tui.domain.policy import Guardrail, MarginKind

_DIGITS, _MARGIN_DIGITS, _MOST_DIGITS = 3, 10, 16
# The chance that a float cannot hold is none that anybody reads.
_LEAST_P = 1e-99


def guardrail_reason(
    guardrail: Guardrail, treatment: str, verdict: Verdict, found: Assessment, n: Mapping[str, float]
) -> str:
    """Why a guardrail has its verdict."""
    who = f"{guardrail.name} of {treatment}"
    kind = guardrail.margin_kind
    # As the plan writes it, however many digits that takes.
    margin, samples = amount(guardrail.margin, kind, _MARGIN_DIGITS), _samples(n, found.buckets)
    match verdict:
        case Verdict.BREACH if _is_over(found):
            was = f"was at least {_beside(found.lower or 0.0, guardrail)} worse"
            return f"{who} {was}, beyond its margin of {margin}, and is {_worse(found, kind)} now; {samples}"
        case Verdict.BREACH:
            least = f"at least {_beside(found.lower, guardrail)}" if found.lower is not None else "surely more"
            return f"{who} is {_worse(found, kind)}, {least}, beyond its margin of {margin}; {samples}"
        case Verdict.HEALTHY:
            most = _at_most(found.upper or 0.0, guardrail)
            return f"{who} is {_worse(found, kind)}, {most}, within its margin of {margin}; {samples}"
        case Verdict.INSUFFICIENT:
            fewest = max(guardrail.min_samples, 1)
            unit = "observation" if fewest == 1 else "observations"
            return f"{who} needs at least {fewest:,} {unit} in every arm; {samples}"
        case Verdict.CONTINUE if found.difference is None:
            return f"{who} cannot be judged by a share of its control, which is not above zero; {samples}"
        case Verdict.CONTINUE:
            bounds = _bounds(found, guardrail)
            return f"{who} is {_worse(found, kind)}, {bounds}, undecided at its margin of {margin}; {samples}"
        case Verdict.INVALID:
            return f"{who} cannot be judged while the traffic is not split as planned; {samples}"


def overall_reason(verdict: Verdict, results: Sequence[GuardrailResult]) -> str:
    """Why the rollout has its verdict: the reason of the guardrail that decides it."""
    critical = [result for result in results if result.is_critical]
    deciding = [result for result in critical if result.verdict is verdict]
    if verdict is Verdict.HEALTHY:
        closest = max(critical, key=_closeness)
        others = f", the closest of {len(critical)} comparisons, all within their margins" if len(critical) > 1 else ""
        return f"{closest.reason}{others}"
    return deciding[0].reason if deciding else "No guardrail of the plan is critical, so none decides"


def mismatch_reason(observed: Mapping[str, float], weights: Mapping[str, float], p: float) -> str:
    """Why arms whose sizes do not fit the plan cannot be compared."""
    chance = f"p = {p:.2g}" if p >= _LEAST_P else f"p < {_LEAST_P:.0e}"
    total, whole = sum(observed.values()), sum(weights.values())
    shares = ", ".join(
        f"{arm} has {observed[arm] / total:.2%} of the observations instead of {weight / whole:.2%}"
        for arm, weight in weights.items()
    )
    return f"The traffic is not split as planned, so the arms cannot be compared: {shares} ({chance} of {total:,.0f})"


def amount(value: float, kind: MarginKind, digits: int = _DIGITS) -> str:
    """A harm or a margin as people read it: a number, or a percentage of the control."""
    return f"{value:.{digits}g}" if kind is MarginKind.ABSOLUTE else f"{100.0 * value:.{digits}g}%"


def _closeness(result: GuardrailResult) -> float:
    """How much of its margin the bound takes, whatever the unit of either."""
    return (result.upper or 0.0) / result.margin if result.margin else 0.0


def _beside(bound: float, guardrail: Guardrail) -> str:
    """A bound with the digits that show on which side of the margin it lies."""
    margin, kind = guardrail.margin, guardrail.margin_kind
    texts = (amount(bound, kind, digits) for digits in range(_DIGITS, _MOST_DIGITS))
    rounded = amount(margin, kind, _DIGITS), amount(margin, kind, _MARGIN_DIGITS)
    return next((text for text in texts if text not in rounded), rounded[1])


def _at_most(upper: float, guardrail: Guardrail) -> str:
    if upper < 0.0:
        return f"at least {amount(-upper, guardrail.margin_kind)} better"
    return f"at most {_beside(upper, guardrail)} worse"


def _bounds(found: Assessment, guardrail: Guardrail) -> str:
    """Where the harm lies for sure, as far as that is known."""
    lower, upper = (None if bound is None else _beside(bound, guardrail) for bound in (found.lower, found.upper))
    if lower is None and upper is None:
        return "without a bound yet"
    if lower is None:
        return f"at most {upper}"
    return f"at least {lower}" if upper is None else f"between {lower} and {upper}"


def _samples(n: Mapping[str, float], buckets: int) -> str:
    counts = " and ".join(f"{count:,.10g} of {arm}" for arm, count in n.items())
    return f"observed were {counts} at {buckets:,} {'time' if buckets == 1 else 'times'}"


def _is_over(found: Assessment) -> bool:
    """Whether the treatment looks better now than it was for sure when the margin was breached."""
    return found.lower is not None and found.difference is not None and found.difference < found.lower


def _worse(found: Assessment, kind: MarginKind) -> str:
    """How much worse it is, and in what part of all that was observed where it is not all."""
    if found.difference is None:
        return "worse than a control of nothing"
    said = f"{amount(abs(found.difference), kind)} {'better' if found.difference < 0 else 'worse'}"
    if found.recent is None:
        return said
    times, control, treatment = found.recent.buckets, found.recent.control, found.recent.treatment
    lately = "at the last time" if times == 1 else f"over the last {times:,} times"
    return f"{said} {lately} ({control:,.10g} and {treatment:,.10g} observations)"
