"""The jobs of a gradual rollout in a CI configuration, with the names and rules of Auto DevOps.

GitLab: lib/gitlab/ci/templates/Jobs/Deploy.gitlab-ci.yml.
"""

from __future__ import annotations

_WEIGHTS = (10, 25, 50, 100)
_IN_PRODUCTION = '$MODEL_VERSION != "" && $MODEL_ENVIRONMENT == "production"'
_NOT_WHILE_FROZEN = "    - if: $CI_DEPLOY_FREEZE\n      when: never\n"
STAGES = ("production", *(f"incremental rollout {weight}%" for weight in _WEIGHTS))
# A rollout's number has eight digits; whoever promotes at once hands over none, or a longer one.
WORKFLOW_RULE = """    - if: >-
        $MODEL_INTENT =~ /^[0-9a-f]{8}$/ && $MODEL_ENVIRONMENT == "production" && $INCREMENTAL_ROLLOUT_MODE == null
      variables:
        INCREMENTAL_ROLLOUT_MODE: manual
        PIPELINE_TITLE: "$MODEL_NAME $MODEL_VERSION -> $MODEL_ENVIRONMENT"
"""
# Keeps the job that deploys in full out of a pipeline with steps.
NO_STEPS_RULE = """    - if: $MODEL_ENVIRONMENT == "production" && $INCREMENTAL_ROLLOUT_MODE =~ /^(manual|timed)$/
      when: never
"""
_HEAD = f"""
.rollout:
  environment:
    name: production
    deployment_tier: production
    url: https://production.churn.acme.example
  resource_group: production
  script:
    - echo "Fetching $MODEL_NAME $MODEL_VERSION"
    - echo "$ROLLOUT_PERCENTAGE % of the traffic go to the new version"
    - sleep 4
    - echo "Health check passed"

canary:
  extends: .rollout
  stage: production
  variables: {{ROLLOUT_PERCENTAGE: "50"}}
  rules:
{_NOT_WHILE_FROZEN}    - if: {_IN_PRODUCTION} && $INCREMENTAL_ROLLOUT_MODE == "manual"
      when: manual
      allow_failure: true
"""


def rollout_jobs() -> str:
    """Return the manual steps, and the timed ones that start by themselves one after the other."""
    manual = [_step(f"rollout {weight}%", "production", weight, "manual", "when: manual") for weight in _WEIGHTS]
    timed = [
        _step(f"timed rollout {weight}%", f"incremental rollout {weight}%", weight, "timed", _TIMED)
        for weight in _WEIGHTS
    ]
    return _HEAD + "".join([*manual, *timed])


_TIMED = "when: delayed\n      start_in: 30 seconds"


def _step(name: str, stage: str, weight: int, mode: str, when: str) -> str:
    may_fail = "true" if mode == "manual" and weight < 100 else "false"
    return (
        f"\n{name}:\n  extends: .rollout\n  stage: {stage}\n"
        f'  variables: {{ROLLOUT_PERCENTAGE: "{weight}"}}\n'
        f'  rules:\n{_NOT_WHILE_FROZEN}    - if: {_IN_PRODUCTION} && $INCREMENTAL_ROLLOUT_MODE == "{mode}"\n'
        f"      {when}\n      allow_failure: {may_fail}\n"
    )
