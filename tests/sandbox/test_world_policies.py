"""The policy files and the steps of rollouts in the sample projects."""

from __future__ import annotations

import pytest

from mlops_tui.config.policy import parse_policy
from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.sandbox import configuration
from mlops_tui.sandbox.world import policies, sources

PRODUCTION = {"MODEL_VERSION": "2.0.0", "MODEL_ENVIRONMENT": "production"}


@pytest.mark.parametrize("name", policies.POLICIES)
def test_the_policies_are_valid(name: str) -> None:
    policy = parse_policy(policies.POLICIES[name], f"{name}/.gitlab/mlops.yml").models[name]
    assert set(policy.environments) == {"staging", "production"}
    assert set(policy.monitoring.features) <= {*sources.COLUMNS[name], *sources.MORE_COLUMNS[name]}


def test_every_driver_that_the_sandbox_serves_has_a_plan() -> None:
    parsed = {name: parse_policy(text, name).models[name].rollout for name, text in policies.POLICIES.items()}
    fraud, churn = parsed["fraud"], parsed["churn"]
    assert fraud is not None
    assert churn is not None
    assert (fraud.driver, fraud.flag, churn.driver) == (RolloutDriver.FLAG, "fraud-canary", RolloutDriver.JOBS)


def jobs(**variables: str) -> dict[str, str]:
    """The jobs of a churn pipeline and when they run."""
    definition = configuration.build(sources.pipeline("churn"), {}, {**PRODUCTION, **variables})
    return {job.name: job.when for job in definition.jobs}


def test_a_rollouts_pipeline_offers_steps_and_a_promotions_deploys_at_once() -> None:
    steps = {"canary", "rollout 10%", "rollout 25%", "rollout 50%", "rollout 100%"}
    assert jobs(MODEL_INTENT="0a1b2c3d") == dict.fromkeys(steps, "manual")
    assert jobs(INCREMENTAL_ROLLOUT_MODE="manual") == dict.fromkeys(steps, "manual")
    timed = {f"timed rollout {weight}%" for weight in (10, 25, 50, 100)}
    assert jobs(INCREMENTAL_ROLLOUT_MODE="timed") == dict.fromkeys(timed, "delayed")
    assert jobs() == jobs(MODEL_INTENT="0a1b2c3d-0000-4000-8000-000000000000") == {"deploy": "on_success"}
    assert jobs(MODEL_INTENT="0a1b2c3d", MODEL_ENVIRONMENT="staging").keys() == {"deploy"}
    with pytest.raises(configuration.ConfigurationError, match="would have been empty"):
        jobs(MODEL_INTENT="0a1b2c3d", CI_DEPLOY_FREEZE="true")
