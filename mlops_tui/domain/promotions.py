"""Promotion and rollback as rules: what GitLab is handed, and what counts as production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlops_tui.domain.contexts import ContextKind
from mlops_tui.domain.environments import Environment, Tier
from mlops_tui.domain.pipelines import PipelineInput
from mlops_tui.domain.policy import VARIABLE_NAMES, DeployPolicy, Handover, ModelPolicy


@dataclass(frozen=True, slots=True)
class PipelineArguments:
    """What a deployment pipeline is given: inputs or variables, the other one empty."""

    inputs: Mapping[str, str]
    variables: Mapping[str, str]


def is_production(environment: Environment | None, name: str, kind: ContextKind, policy: ModelPolicy) -> bool:
    """Whether an action there needs the model's name typed: by the policy, the tier, or the context."""
    said = policy.environments.get(name)
    if said is not None and said.is_production:
        return True
    return (environment is not None and environment.tier is Tier.PRODUCTION) or kind is ContextKind.PRODUCTION


def pipeline_arguments(
    deploy: DeployPolicy, has_policy: bool, declared: Sequence[PipelineInput], values: Mapping[str, str]
) -> PipelineArguments:
    """Which arguments carry ``values`` (model, version, environment, intent).

    A policy file decides between inputs and variables; without one, inputs are used when the pipeline declares the
    three of them, else variables. The intent is only handed over where it is declared, since GitLab refuses an input
    that it does not know.
    """
    names = {item.name for item in declared}
    has_inputs = {deploy.parameters.get(key, key) for key in ("model", "version", "environment")} <= names
    uses_inputs = deploy.handover is Handover.INPUTS and (has_policy or has_inputs)
    if not uses_inputs:
        spelled = deploy.parameters if has_policy else VARIABLE_NAMES
        return PipelineArguments({}, {spelled[key]: value for key, value in values.items() if key in spelled})
    spelled = {"intent": "intent", **deploy.parameters}
    is_told = spelled["intent"] in names if names else "intent" in deploy.parameters
    if not is_told:
        del spelled["intent"]
    return PipelineArguments({spelled[key]: value for key, value in values.items() if key in spelled}, {})
