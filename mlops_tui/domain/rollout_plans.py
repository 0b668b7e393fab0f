"""What makes a rollout's plan impossible, told before anything is begun."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from mlops_tui.domain.deployments import rollout_share
from mlops_tui.domain.feature_flags import STICKINESS
from mlops_tui.domain.guardrail_metrics import metric_of
from mlops_tui.domain.policy import Guardrail, RolloutDriver, RolloutPolicy
from mlops_tui.domain.rollout_weights import arm_weights, flag_percentages

Problem: TypeAlias = "tuple[tuple[str | int, ...], str]"


def problems_of(plan: RolloutPolicy) -> Iterator[Problem]:
    """What is wrong with a plan, as the keys it is said under and a sentence without its full stop.

    What is wrong with a single key, weights that do not rise and the like are found before.
    """
    for number, guardrail in enumerate(plan.guardrails):
        yield from _unmeasurable(number, guardrail)
    yield from _driver_problems(plan)


def _unmeasurable(number: int, guardrail: Guardrail) -> Iterator[Problem]:
    try:
        metric_of(guardrail)
    except ValueError as error:
        yield ("guardrails", number), str(error)


def _driver_problems(plan: RolloutPolicy) -> Iterator[Problem]:
    match plan.driver:
        case RolloutDriver.FLAG:
            if plan.stickiness not in STICKINESS:
                known = ", ".join(STICKINESS)
                yield ("stickiness",), f"GitLab's flags know no stickiness {plan.stickiness!r}, but {known}"
            for number, step in enumerate(plan.steps):
                if 0 in flag_percentages(list(arm_weights(plan, step.weight).values())):
                    what = f"{step.weight} % divided among {len(plan.treatments)} arms rounds to 0 % for one of them"
                    yield ("steps", number, "weight"), what
        case RolloutDriver.JOBS | RolloutDriver.INGRESS:
            if len(plan.treatments) > 1:
                yield (
                    ("treatments",),
                    f"The driver {plan.driver.value} moves one new version; several need driver: flag",
                )
            for number, (job, step) in enumerate(zip(plan.jobs, plan.steps, strict=False)):
                if step.weight != (rollout_share(job) or 100.0):
                    what = f"The job {job!r} has to end in its share, such as 'shift {step.weight}%'"
                    yield ("jobs", number), f"{what}: whoever reads the deployments knows it by that"
