"""What the policy file may say of a rollout, and which parts of it contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from mlops_tui.config.policy_values import STRICT, Count, Duration, Margin, Name, Number, Share, Weight
from mlops_tui.domain.rollout_plans import PlanError, PlanProblem


class _Table(BaseModel):
    model_config = STRICT


class StepTable(_Table):
    """One step of a rollout."""

    weight: Annotated[int, Field(ge=1, le=100, examples=[25])]
    """Percent of the traffic for the new version."""
    soak: Duration = timedelta(0)
    """The least time on this step."""
    min_samples: Annotated[Count, Field(examples=[500])] = 0
    """The least number of observations per arm on this step."""


class GuardrailTable(_Table):
    """A measure that the new version may not make worse by more than a margin."""

    name: Name
    """The name it is shown under."""
    kind: Annotated[Literal["rate", "count", "mean", "quantile"], Field(examples=["rate"])]
    """What is compared: events per observation, events, a mean, or a quantile of a value."""
    direction: Annotated[Literal["lower", "higher"], Field(examples=["lower"])]
    """Which way is better."""
    margin: Annotated[Margin, Field(examples=[0.01])]
    """How much worse is still accepted."""
    margin_kind: Literal["absolute", "relative"] = "absolute"
    """Whether the margin is a difference or a share of the control's value."""
    critical: bool = True
    """Whether a breach counts; an advisory guardrail is only shown."""
    min_samples: Annotated[Count, Field(examples=[500])] = 0
    """The least number of observations per arm before this guardrail can pass."""
    metric: Name | None = None
    """What is measured; without it the guardrail's name."""
    quantile: Annotated[Share | None, Field(examples=[0.95])] = None
    """Which quantile, for kind "quantile": 0.95."""
    threshold: Annotated[Number | None, Field(examples=[250])] = None
    """The latency the quantile is held against, in milliseconds."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        _refuse(*self._quantile_problems(), *_margin_problems(self))
        return self

    def _quantile_problems(self) -> Iterator[PlanProblem]:
        """A quantile says which one and of what; a plan whose observations are counted already need not."""
        yield from stray_quantile(self)
        if self.kind == "quantile":
            for key, value, example in (("quantile", self.quantile, "0.95"), ("threshold", self.threshold, "250")):
                if value is None:
                    what = f"A quantile guardrail needs both quantile and threshold, and {key} is missing"
                    yield PlanProblem((), what, remedy=f"Add it, such as {key}: {example}")
            if self.threshold is not None and self.threshold <= 0:
                what = f"The threshold {self.threshold:g} is not above 0"
                yield PlanProblem(("threshold",), what, "it is a latency in milliseconds", "Write it such as 250")


class RolloutTable(_Table):
    """How a version gets a growing share of the traffic."""

    driver: Annotated[Literal["flag", "jobs", "ingress"], Field(examples=["flag"])]
    """What moves the traffic: a feature flag, jobs of a pipeline, or a canary ingress."""
    steps: Annotated[list[StepTable], Field(min_length=1, max_length=50)]
    """The steps, with rising weights."""
    guardrails: list[GuardrailTable] = []
    """What is compared between the arms."""
    flag: Name | None = None
    """The feature flag; without it one is named after the model."""
    jobs: list[Name] = []
    """One job per step for the driver "jobs"; without them Auto DevOps' names."""
    stickiness: Name = "random"
    """What keeps a caller on one arm: "random", "userId", "sessionId" or a field of the context."""
    alpha: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False, examples=[0.05])] = 0.05
    """The probability of a false alarm over the whole rollout."""
    control: Name = "stable"
    """The arm that serves the version in use."""
    treatments: Annotated[list[Name], Field(min_length=1, max_length=10, examples=[["canary"]])] = ["canary"]
    """The arms that serve new versions."""
    weights: dict[str, Weight] = {}
    """How the shares of the arms relate, such as 9 and 1 or 0.9 and 0.1; a mismatch makes the comparison invalid."""
    on_breach: Literal["rollback", "hold", "tell"] = "rollback"
    """What happens when a critical guardrail is breached."""
    on_insufficient: Literal["hold", "tell"] = "hold"
    """What happens when a step ends without enough data."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems = (_step_problems, _guardrail_problems, _arm_problems, _weight_problems, _driver_problems)
        _refuse(*(problem for found in problems for problem in found(self)))
        return self


def _refuse(*problems: PlanProblem) -> None:
    if problems:
        raise PlanError(problems)


def stray_quantile(table: GuardrailTable) -> Iterator[PlanProblem]:
    """The keys of a quantile where none is asked for."""
    for key in ("quantile", "threshold") if table.kind != "quantile" else ():
        if getattr(table, key) is not None:
            what = f"quantile and threshold belong to guardrails of kind quantile, and this one is a {table.kind}"
            yield PlanProblem((key,), what, remedy="Leave it out, or write kind: quantile")


def _margin_problems(table: GuardrailTable) -> Iterator[PlanProblem]:
    if table.kind in {"rate", "quantile"} and table.margin_kind == "absolute" and table.margin >= 1:
        what = f"No harm can exceed the margin {table.margin:g}"
        why = "it is compared with a share of the observations, between 0 and 1"
        yield PlanProblem(("margin",), what, why, f"Write {table.margin / 100:g} for {table.margin:g} %")
    if table.direction == "higher" and table.margin_kind == "relative" and table.margin >= 1:
        what = f"No harm can exceed the margin {table.margin:g}"
        why = "where higher is better, nothing falls by more than all of it"
        yield PlanProblem(("margin",), what, why, "Write it below 1, such as 0.1 for a tenth of the control's value")


def _step_problems(table: RolloutTable) -> Iterator[PlanProblem]:
    for number, (before, step) in enumerate(pairwise(table.steps), 1):
        if step.weight <= before.weight:
            why = f"{step.weight} % comes after {before.weight} %"
            remedy = "Give each step more than the one before"
            yield PlanProblem(("steps", number, "weight"), "The weights of the steps have to rise", why, remedy)


def _guardrail_problems(table: RolloutTable) -> Iterator[PlanProblem]:
    names: set[str] = set()
    for number, guardrail in enumerate(table.guardrails):
        if guardrail.name in names:
            what = f"Two guardrails have the same name {guardrail.name!r}"
            yield PlanProblem(("guardrails", number, "name"), what, remedy="Give each a name of its own")
        names.add(guardrail.name)


def _arm_problems(table: RolloutTable) -> Iterator[PlanProblem]:
    names = {table.control}
    for number, arm in enumerate(table.treatments):
        if arm in names:
            # Where the treatments are not written down, the control is what has to change.
            keys = ("treatments", number) if "treatments" in table.model_fields_set else ("control",)
            yield PlanProblem(keys, f"Two arms have the same name {arm!r}", remedy="Give each a name of its own")
        names.add(arm)


def _weight_problems(table: RolloutTable) -> Iterator[PlanProblem]:
    arms = (table.control, *table.treatments)
    for name in table.weights:
        if name not in arms:
            what = f"weights names {name!r}, which is neither control nor treatment"
            yield PlanProblem(("weights", name), what, remedy=f"The arms are {', '.join(arms)}")
    for arm in arms if table.weights else ():
        if arm not in table.weights:
            yield PlanProblem(("weights",), f"weights leaves out {arm!r}", remedy="Give every arm its share, or none")


def _driver_problems(table: RolloutTable) -> Iterator[PlanProblem]:
    if table.jobs and len(table.jobs) != len(table.steps) and table.driver == "jobs":
        why = f"there are {len(table.jobs)} for {len(table.steps)} steps"
        yield PlanProblem(("jobs",), "jobs names one job per step", why, "Name one for each, in the order of the steps")
    if "driver" not in table.model_fields_set:
        return
    for key, driver in (("flag", "flag"), ("stickiness", "flag"), ("jobs", "jobs")):
        if key in table.model_fields_set and table.driver != driver:
            what = f"{key} belongs to driver: {driver}, and this plan has driver: {table.driver}"
            yield PlanProblem((key,), what, remedy=f"Leave it out, or write driver: {driver}")
