"""What a deployment pipeline is handed, and when an action counts as one on production."""

from __future__ import annotations

import pytest

from mlops_tui.domain.contexts import ContextKind
from mlops_tui.domain.environments import Environment, EnvironmentState, Tier
from mlops_tui.domain.pipelines import PipelineInput
from mlops_tui.domain.policy import VARIABLE_NAMES, DeployPolicy, EnvironmentPolicy, Handover, ModelPolicy
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.promotions import PipelineArguments, is_production, pipeline_arguments

VALUES = {"model": "fraud", "version": "1.2.0", "environment": "staging", "intent": "3f2a"}
WITHOUT_INTENT = {key: value for key, value in VALUES.items() if key != "intent"}


def declared(*names: str) -> list[PipelineInput]:
    return [PipelineInput(name, "string", is_required=False) for name in names]


def test_without_a_policy_declared_inputs_are_used_and_the_intent_goes_along_where_it_is_declared() -> None:
    names = ("model", "version", "environment")
    assert pipeline_arguments(DeployPolicy(), False, declared(*names), VALUES) == PipelineArguments(WITHOUT_INTENT, {})
    assert pipeline_arguments(DeployPolicy(), False, declared(*names, "intent"), VALUES).inputs == VALUES


def test_without_a_policy_and_without_inputs_variables_are_used() -> None:
    expected = {"MODEL_NAME": "fraud", "MODEL_VERSION": "1.2.0", "MODEL_ENVIRONMENT": "staging"}
    for inputs in (declared(), declared("model", "percent")):
        assert pipeline_arguments(DeployPolicy(), False, inputs, VALUES) == PipelineArguments({}, expected)


def test_the_policy_names_the_inputs_even_when_they_cannot_be_asked_for() -> None:
    policy = DeployPolicy(parameters={"model": "m", "version": "v", "intent": "id"})
    assert pipeline_arguments(policy, True, [], VALUES).inputs == {"m": "fraud", "v": "1.2.0", "id": "3f2a"}
    assert pipeline_arguments(policy, True, declared("m", "v"), VALUES).inputs == {"m": "fraud", "v": "1.2.0"}


def test_the_policy_names_the_variables() -> None:
    policy = DeployPolicy(handover=Handover.VARIABLES, parameters={**VARIABLE_NAMES, "intent": "MARK"})
    variables = pipeline_arguments(policy, True, declared("model", "version", "environment"), VALUES).variables
    assert variables["MARK"] == "3f2a"
    assert variables["MODEL_VERSION"] == "1.2.0"


@pytest.mark.parametrize(
    ("tier", "kind", "said", "expected"),
    [
        (Tier.PRODUCTION, ContextKind.OTHER, None, True),
        (Tier.STAGING, ContextKind.OTHER, None, False),
        (Tier.STAGING, ContextKind.OTHER, True, True),
        (Tier.STAGING, ContextKind.PRODUCTION, None, True),
        (Tier.PRODUCTION, ContextKind.OTHER, False, True),
        (None, ContextKind.OTHER, None, False),
        (None, ContextKind.OTHER, True, True),
    ],
)
def test_production_is_what_the_tier_the_policy_or_the_context_says(
    tier: Tier | None, kind: ContextKind, said: bool | None, expected: bool
) -> None:
    place = Environment(1, ProjectRef(7, "acme/fraud"), "live", tier, EnvironmentState.AVAILABLE) if tier else None
    policy = ModelPolicy("fraud", environments={"live": EnvironmentPolicy("live", said)})
    assert is_production(place, "live", kind, policy) is expected
