"""The judge's part of a rollout plan: out of a policy file, or as JSON of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, ValidationError

from mlops_tui.config.policy import parse_policy
from mlops_tui.config.rollout_schema import GuardrailTable, RolloutTable, StepTable, stray_quantile
from mlops_tui.config.validation import Lines, Location, problems
from mlops_tui.config.yaml_document import read_yaml
from mlops_tui.domain.errors import ConfigError, UsageError
from mlops_tui.domain.json_objects import RepeatedKeyError, unique_keys
from mlops_tui.domain.judgements import JudgePlan
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind
from mlops_tui.domain.rollout_plans import PlanProblem


class JudgedGuardrailTable(GuardrailTable):
    """A guardrail whose observations are counted already, so that a quantile needs no threshold."""

    def _quantile_problems(self) -> Iterator[PlanProblem]:
        return stray_quantile(self)


class JudgePlanTable(RolloutTable):
    """The judge's part of a plan; the other parts of a rollout may stand in it and are checked, but not used."""

    driver: Literal["flag", "jobs", "ingress"] = "flag"
    steps: list[StepTable] = Field(default_factory=list, max_length=50)
    guardrails: list[JudgedGuardrailTable] = Field(default_factory=list)  # type: ignore[assignment] # a narrower list


def parse_judge_plan(text: str, source: str, model: str | None = None) -> JudgePlan:
    """Read what to judge by: a policy file (of which one ``model`` counts), or the judge's part of a plan.

    Raises ConfigError, with the line where one is known, and UsageError for a model that is not there.
    """
    data, lines = _read(text, source)
    if isinstance(data, dict) and not data.keys().isdisjoint({"models", "version"}):
        return _of_policy(text, source, model)
    if not isinstance(data, dict):
        raise ConfigError("A plan holds keys and values", remedy='Start with {"guardrails": [...]}', source=source)
    try:
        table = JudgePlanTable.model_validate(data)
    except ValidationError as error:
        raise problems(error, JudgePlanTable, source, lines)[0] from None
    return JudgePlan(
        tuple(_guardrail(guardrail) for guardrail in table.guardrails),
        table.alpha,
        table.control,
        tuple(table.treatments),
        dict(table.weights),
    )


def _of_policy(text: str, source: str, model: str | None) -> JudgePlan:
    rollouts = {name: item.rollout for name, item in parse_policy(text, source).models.items() if item.rollout}
    if model is None and len(rollouts) == 1:
        model = next(iter(rollouts))
    if model is None or model not in rollouts:
        what = "Say which model is judged" if model is None else f"The model {model!r} has no rollout"
        known = ", ".join(rollouts) or "none"
        raise UsageError(what, why=f"with a rollout in {source} are: {known}", remedy="Name one with --model")
    return JudgePlan.of_policy(rollouts[model])


def _read(text: str, source: str) -> tuple[Any, Lines]:
    if not text.lstrip().startswith("{"):
        document = read_yaml(text, source)
        return document.data, document.line_of
    try:
        data = json.loads(text, object_pairs_hook=unique_keys)
    except RepeatedKeyError as error:
        raise ConfigError("This key stands twice", remedy="Keep one of the two", source=source, key=error.key) from None
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise ConfigError("The plan is no valid JSON", why=str(error), source=source, line=line) from None
    try:
        return data, read_yaml(text, source).line_of
    except ConfigError:
        return data, _unknown_line


def _unknown_line(_: Location) -> None:
    """No line is known in JSON that YAML cannot read, such as one indented by tabs."""


def _guardrail(table: GuardrailTable) -> Guardrail:
    return Guardrail(
        name=table.name,
        kind=GuardrailKind(table.kind),
        direction=Direction(table.direction),
        margin=table.margin,
        margin_kind=MarginKind(table.margin_kind),
        is_critical=table.critical,
        min_samples=table.min_samples,
        metric=table.metric,
        quantile=table.quantile,
        threshold=table.threshold,
    )
