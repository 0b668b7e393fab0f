"""What makes a rollout's plan impossible, told before anything is begun."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mlops_tui.domain.deployments import rollout_share
from mlops_tui.domain.feature_flags import STICKINESS
from mlops_tui.domain.policy import GuardrailKind, RolloutDriver, RolloutPolicy
from mlops_tui.domain.rollout_weights import arm_weights, flag_percentages


def problems_of(plan: RolloutPolicy) -> Iterator[tuple[str, str]]:
    """What is wrong with a plan, as the key it is said under and a sentence without its full stop."""
    weights = [step.weight for step in plan.steps]
    if not weights:
        yield "steps", "A rollout has at least one step"
    for number, (before, after) in enumerate(pairwise(weights), 2):
        if after <= before:
            yield f"steps.{number - 1}.weight", f"The weights have to rise: {after} comes after {before}"
    if any(not 1 <= weight <= 100 for weight in weights):
        yield "steps", "The weight of a step lies between 1 and 100 percent"
    if len(plan.treatments) > 1 and weights and weights[-1] == 100:
        yield "steps", "Several new versions leave nothing to the control at 100 %, and none of them wins"
    if not 0.0 < plan.alpha <= 0.5:
        yield "alpha", f"alpha lies above 0 and at most at 0.5, not at {plan.alpha:g}"
    for number, guardrail in enumerate(plan.guardrails):
        if guardrail.kind is GuardrailKind.QUANTILE and (guardrail.quantile is None or guardrail.threshold is None):
            yield f"guardrails.{number}", f"The guardrail {guardrail.name} needs both quantile and threshold"
        if guardrail.margin < 0:
            yield f"guardrails.{number}.margin", f"The margin of {guardrail.name} is negative"
    yield from _driver_problems(plan)


def _driver_problems(plan: RolloutPolicy) -> Iterator[tuple[str, str]]:
    match plan.driver:
        case RolloutDriver.FLAG:
            if plan.stickiness not in STICKINESS:
                known = ", ".join(STICKINESS)
                yield "stickiness", f"GitLab's flags know no stickiness {plan.stickiness!r}, but {known}"
            for number, step in enumerate(plan.steps):
                if 0 in flag_percentages(list(arm_weights(plan, step.weight).values())):
                    what = f"{step.weight} % divided among {len(plan.treatments)} arms rounds to 0 % for one of them"
                    yield f"steps.{number}.weight", what
        case RolloutDriver.JOBS | RolloutDriver.INGRESS:
            if len(plan.treatments) > 1:
                yield "treatments", f"The driver {plan.driver.value} moves one new version; several need driver: flag"
            for number, (job, step) in enumerate(zip(plan.jobs, plan.steps, strict=False)):
                if step.weight != (rollout_share(job) or 100.0):
                    what = f"The job {job!r} has to end in its share, such as 'shift {step.weight}%'"
                    yield f"jobs.{number}", f"{what}: whoever reads the deployments knows it by that"
