"""Promotion and rollback as rules: which words GitLab is sent, what counts as production, what would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlops_tui.domain.contexts import ContextKind
from mlops_tui.domain.environments import Environment, Tier
from mlops_tui.domain.pipelines import PipelineInput
from mlops_tui.domain.policy import DeployPolicy, DeployWith

VARIABLES = {"model": "MODEL_NAME", "version": "MODEL_VERSION", "environment": "MODEL_ENVIRONMENT"}


@dataclass(frozen=True, slots=True)
class PipelineArguments:
    """What a deployment pipeline is given: inputs where it declares them, else variables."""

    inputs: Mapping[str, str]
    variables: Mapping[str, str]


def is_production(environment: Environment | None, kind: ContextKind, is_policy_production: bool) -> bool:
    """Whether an action there needs the name typed: by its tier, by the policy file, or by the context."""
    by_tier = environment is not None and environment.tier is Tier.PRODUCTION
    return by_tier or is_policy_production or kind is ContextKind.PRODUCTION


def pipeline_arguments(
    deploy: DeployPolicy | None, declared: Sequence[PipelineInput], values: Mapping[str, str]
) -> PipelineArguments:
    """Which arguments carry ``values`` (model, version, environment, intent).

    The policy decides; without one the inputs named alike are used when the pipeline declares the first three of them,
    else the variables MODEL_NAME, MODEL_VERSION and MODEL_ENVIRONMENT. The intent is only sent where it is declared,
    since GitLab refuses an input that it does not know.
    """
    names = {item.name for item in declared}
    spelled = dict(deploy.parameters) if deploy else None
    uses_inputs = deploy.channel is DeployWith.INPUTS if deploy else {"model", "version", "environment"} <= names
    if not uses_inputs:
        spelled = VARIABLES if spelled is None else spelled
        return PipelineArguments({}, {spelled[key]: value for key, value in values.items() if key in spelled})
    spelled = {key: key for key in values} if spelled is None else spelled
    inputs = {spelled[key]: value for key, value in values.items() if key in spelled}
    if names and spelled.get("intent", "") not in names:
        inputs.pop(spelled.get("intent", ""), None)
    return PipelineArguments(inputs, {})
