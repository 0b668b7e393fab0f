"""What makes a rollout's plan impossible, or doubtful, told before anything is begun."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from mlops_tui.domain.deployments import rollout_share
from mlops_tui.domain.feature_flags import STICKINESS
from mlops_tui.domain.guardrail_metrics import ColumnValues, metric_of
from mlops_tui.domain.inferences import PREDICTION_COLUMN
from mlops_tui.domain.policy import Guardrail, RolloutDriver, RolloutPolicy
from mlops_tui.domain.rollout_weights import arm_weights, flag_percentages

_FLAG_NAME = re.compile(r"[a-z](?:[a-z0-9_-]{0,61}[a-z0-9])")
_BUILT_IN = ("errors", "latency")


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """What is wrong with a plan: the ``keys`` it is said under, and sentences without their full stops."""

    keys: tuple[str | int, ...]
    what: str
    why: str = ""
    remedy: str = ""


class PlanError(ValueError):
    """Parts of a plan contradict each other; each problem stands for itself."""

    def __init__(self, problems: tuple[PlanProblem, ...]) -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = problems


def problems_of(plan: RolloutPolicy) -> Iterator[PlanProblem]:
    """What is wrong with a plan although nothing in it contradicts anything else in it.

    What is wrong with a single key, weights that do not rise and the like are found before.
    """
    for number, guardrail in enumerate(plan.guardrails):
        try:
            metric_of(guardrail)
        except ValueError as error:
            yield PlanProblem(("guardrails", number, _named_by(guardrail)), str(error))
    match plan.driver:
        case RolloutDriver.FLAG:
            yield from _flag_problems(plan)
        case RolloutDriver.JOBS | RolloutDriver.INGRESS:
            yield from _pipeline_problems(plan)


def undeclared_columns(plan: RolloutPolicy, features: Collection[str]) -> Iterator[PlanProblem]:
    """The guardrails over a column that is neither built in nor declared among the ``features``.

    Whether a prediction or an attribute of spans is there, only the traffic can tell.
    """
    for number, guardrail in enumerate(plan.guardrails):
        column = _column(guardrail)
        if column and column not in features:
            near = difflib.get_close_matches(column, (*features, *_BUILT_IN), n=1)
            remedy = "declare the feature under monitoring.features, or write prediction.NAME or attribute.NAME"
            yield PlanProblem(
                ("guardrails", number, _named_by(guardrail)),
                f"The guardrail {guardrail.name} is unknown",
                f"{column!r} is neither errors nor latency nor a declared feature",
                f"Did you mean {near[0]}? Else {remedy}" if near else f"{remedy[0].upper()}{remedy[1:]}",
            )


def doubts_of(plan: RolloutPolicy) -> Iterator[PlanProblem]:
    """What a plan may say, and hardly anybody means."""
    if not plan.guardrails:
        yield PlanProblem((), "The plan has no guardrail", "nothing judges the new version", "Add one")
    elif not any(guardrail.is_critical for guardrail in plan.guardrails):
        why = "nothing can breach, and nothing passes"
        yield PlanProblem(("guardrails",), "No guardrail is critical", why, "Leave critical: false out of one")


def _column(guardrail: Guardrail) -> str:
    """The feature that a guardrail measures, empty where it measures something else or nothing."""
    try:
        metric = metric_of(guardrail)
    except ValueError:
        return ""
    is_feature = isinstance(metric, ColumnValues) and not metric.column.startswith(PREDICTION_COLUMN)
    return metric.column if isinstance(metric, ColumnValues) and is_feature and not metric.is_attribute else ""


def _named_by(guardrail: Guardrail) -> str:
    """The key that says what a guardrail measures."""
    return "metric" if guardrail.metric is not None else "name"


def _flag_problems(plan: RolloutPolicy) -> Iterator[PlanProblem]:
    if plan.stickiness not in STICKINESS:
        known = ", ".join(STICKINESS)
        what = f"GitLab's flags know no stickiness {plan.stickiness!r}"
        yield PlanProblem(("stickiness",), what, remedy=f"Write one of {known}")
    # With several new versions the names of the flags are made from this one.
    if plan.flag is not None and len(plan.treatments) == 1 and not _FLAG_NAME.fullmatch(plan.flag):
        why = "it takes 2 to 63 small letters, digits, '_' and '-', with a letter first and no '_' or '-' last"
        yield PlanProblem(("flag",), f"GitLab takes no feature flag named {plan.flag!r}", why, "Such as fraud-canary")
    for number, step in enumerate(plan.steps):
        if 0 in flag_percentages(list(arm_weights(plan, step.weight).values())):
            what = f"{step.weight} % divided among {len(plan.treatments)} arms rounds to 0 % for one of them"
            yield PlanProblem(("steps", number, "weight"), what, remedy="Give the step a greater weight")


def _pipeline_problems(plan: RolloutPolicy) -> Iterator[PlanProblem]:
    if len(plan.treatments) > 1:
        what = f"The driver {plan.driver.value} moves one new version"
        why = f"treatments names {len(plan.treatments)}"
        yield PlanProblem(("treatments",), what, why, "Name one; several need driver: flag")
    for number, (job, step) in enumerate(zip(plan.jobs, plan.steps, strict=False)):
        if step.weight != (rollout_share(job) or 100.0):
            what = f"The job {job!r} has to end in the share of its step"
            why = "whoever reads the deployments knows it by that"
            yield PlanProblem(("jobs", number), what, why, f"Name it such as 'shift {step.weight}%'")
