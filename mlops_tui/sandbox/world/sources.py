"""The files of the sample projects' repositories."""

from __future__ import annotations

from string import Template

from mlops_tui.sandbox.world import rollout_jobs

_README = Template(
    """# $title

$description

* `train.py` trains one model and logs the run to the project's experiment.
* `params.yml` holds the parameters of the next training.
* `features.py` says which columns the model reads.
* A model version goes out by a pipeline with the inputs or variables that `.gitlab-ci.yml` declares.
"""
)

_TRAIN = Template(
    '''"""Train the $name model and log the run."""

import os

import mlflow
import yaml

from features import FEATURES, load

with open("params.yml") as stream:
    params = yaml.safe_load(stream)

mlflow.set_experiment("$name-training")
with mlflow.start_run(run_name=os.environ.get("CI_COMMIT_SHORT_SHA", "local")):
    mlflow.log_params(params | {"features": len(FEATURES)})
    train, validation = load("data/$name.parquet", seed=params["seed"])
    model = build(params)
    for epoch in range(params["epochs"]):
        loss = model.fit_epoch(train)
        mlflow.log_metric("train_loss", loss, step=epoch)
        for metric, value in model.score(validation).items():
            mlflow.log_metric(metric, value, step=epoch)
    mlflow.log_artifact(model.save("model.onnx"))
'''
)

_FEATURES = Template(
    '''"""The columns that the $name model reads."""

FEATURES = [
$columns]
'''
)

_PIPELINE_WITH_INPUTS = Template(
    """spec:
  inputs:
    model:
      default: $name
    version:
      default: ""
      description: The version to deploy; empty trains a new one.
    environment:
      default: staging
      options: [staging, production]
    intent:
      default: ""
      description: What the caller recognises its own pipeline by.
    fault:
      default: none
      options: [none, health-check]
      description: Lets the deployment fail, to try out what happens then.
---
stages: [test, train, deploy]

workflow:
  name: $$PIPELINE_TITLE
  rules:
    - if: '"$$[[ inputs.version ]]" != "" && "$$[[ inputs.intent ]]" != ""'
      variables:
        PIPELINE_TITLE: >-
          $$[[ inputs.model ]] $$[[ inputs.version ]] -> $$[[ inputs.environment ]]
          [intent $$[[ inputs.intent | truncate(0,8) ]]]
    - if: '"$$[[ inputs.version ]]" != ""'
      variables:
        PIPELINE_TITLE: "$$[[ inputs.model ]] $$[[ inputs.version ]] -> $$[[ inputs.environment ]]"
    - when: always

.training:
  rules:
    - if: '"$$[[ inputs.version ]]" == ""'

unit tests:
  extends: .training
  stage: test
  script:
    - pip install -r requirements.txt
    - echo "42 passed"

train:
  extends: .training
  stage: train
  tags: [gpu, nvidia-a100]
  script:
    - python train.py
    - echo "run logged"

deploy:
  stage: deploy
  rules:
    - if: '"$$[[ inputs.version ]]" != ""'
  environment:
    name: $$[[ inputs.environment ]]
    deployment_tier: $$[[ inputs.environment ]]
    url: https://$$[[ inputs.environment ]].$name.acme.example
  resource_group: $$[[ inputs.environment ]]
  script:
    - echo "Fetching $$[[ inputs.model ]] $$[[ inputs.version ]]"
    - echo "Rolling out to $$[[ inputs.environment ]]"
    - sleep 8
    - test "$$[[ inputs.fault ]]" != health-check || echo "Health check failed - p99 latency 840 ms, limit 250 ms"
    - test "$$[[ inputs.fault ]]" != health-check
    - echo "Health check passed"
"""
)

_PIPELINE_WITH_VARIABLES = Template(
    """stages: [$stages]

variables:
  MODEL_NAME: $name
  MODEL_VERSION: ""
  MODEL_ENVIRONMENT: staging
  FAULT:
    value: none
    description: health-check lets the deployment fail, to try out what happens then.

workflow:
  name: $$PIPELINE_TITLE
  rules:
$workflow_rules    - if: $$MODEL_VERSION != ""
      variables:
        PIPELINE_TITLE: "$$MODEL_NAME $$MODEL_VERSION -> $$MODEL_ENVIRONMENT"
    - when: always

unit tests:
  stage: test
  rules:
    - if: $$MODEL_VERSION == ""
  script:
    - pip install -r requirements.txt
    - echo "31 passed"

train:
  stage: train
  rules:
    - if: $$MODEL_VERSION == ""
  tags: [gpu, nvidia-t4]
  script:
    - python train.py
    - echo "run logged"

deploy:
  stage: deploy
  rules:
$deploy_rules
  manual_confirmation: Send $$MODEL_NAME $$MODEL_VERSION to $$MODEL_ENVIRONMENT?
  environment:
    name: $$MODEL_ENVIRONMENT
    deployment_tier: $$MODEL_ENVIRONMENT
    url: https://$$MODEL_ENVIRONMENT.$name.acme.example
  resource_group: $$MODEL_ENVIRONMENT
  script:
    - echo "Fetching $$MODEL_NAME $$MODEL_VERSION"
    - echo "Rolling out to $$MODEL_ENVIRONMENT"
    - sleep 8
    - test "$$FAULT" != health-check || echo "Health check failed - p99 latency 840 ms, limit 250 ms"
    - test "$$FAULT" != health-check
    - echo "Health check passed"
$more_jobs"""
)
_STAGES = ("test", "train", "deploy")
_ALWAYS = '    - if: $MODEL_VERSION != ""'
_MANUAL_IN_PRODUCTION = """    - if: $MODEL_VERSION != "" && $MODEL_ENVIRONMENT == "production"
      when: manual
    - if: $MODEL_VERSION != \"\""""

TITLES = {
    "fraud": ("Card fraud", "Scores every card payment before it is authorised."),
    "churn": ("Subscriber churn", "Ranks subscribers by how likely they are to leave within sixty days."),
    "demand": ("Demand forecast", "Forecasts weekly demand per store and article."),
}
COLUMNS = {
    "fraud": ("amount", "merchant_category", "hours_since_last_payment", "country_mismatch"),
    "churn": ("tenure_months", "support_calls", "monthly_fee", "plan"),
    "demand": ("store", "article", "price", "week_of_year"),
}
MORE_COLUMNS = {
    "fraud": ("card_age_days", "device_seen_before", "payments_last_hour", "night_time"),
    "churn": ("contract_kind", "days_since_login", "discount", "region"),
    "demand": ("promotion", "school_holiday", "temperature", "stock_out_last_week"),
}
FIRST_PARAMS: dict[str, float | int | str] = {
    "learning_rate": 0.1,
    "max_depth": 6,
    "epochs": 20,
    "batch_size": 512,
    "dropout": 0.1,
    "seed": 7,
}


def readme(name: str) -> str:
    """Return the README of a project."""
    title, description = TITLES[name]
    return _README.substitute(title=title, description=description)


def train(name: str) -> str:
    """Return the training script of a project."""
    return _TRAIN.substitute(name=name)


def features(name: str, columns: list[str]) -> str:
    """Return the module that lists a project's columns."""
    return _FEATURES.substitute(name=name, columns="".join(f'    "{column}",\n' for column in columns))


def params(values: dict[str, float | int | str]) -> str:
    """Return the parameters of the next training."""
    return "".join(f"{name}: {value}\n" for name, value in values.items())


def pipeline(name: str) -> str:
    """Return the CI configuration.

    Fraud takes inputs, churn variables and may go out in steps, demand variables and a person's consent.
    """
    if name == "fraud":
        return _PIPELINE_WITH_INPUTS.substitute(name=name)
    parts = {"stages": ", ".join(_STAGES), "workflow_rules": "", "more_jobs": "", "deploy_rules": _ALWAYS}
    if name == "demand":
        parts["deploy_rules"] = _MANUAL_IN_PRODUCTION
    if name == "churn":
        parts["stages"] = ", ".join((*_STAGES, *rollout_jobs.STAGES))
        parts["workflow_rules"] = rollout_jobs.WORKFLOW_RULE
        parts["deploy_rules"] = rollout_jobs.NO_STEPS_RULE + _ALWAYS
        parts["more_jobs"] = rollout_jobs.rollout_jobs()
    return _PIPELINE_WITH_VARIABLES.substitute(name=name, **parts)
