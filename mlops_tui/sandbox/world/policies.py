"""The policy files of the sample projects, `.gitlab/mlops.yml`: how each model is delivered and watched."""

from __future__ import annotations

_FRAUD = """# How the fraud model is delivered and watched. Changed by merge request only.
version: 1
models:
  fraud:
    environments:
      staging: {}
      production: {production: true}
    deploy:
      ref: main
      with: inputs
      parameters: {model: model, version: version, environment: environment, intent: intent}
      job: deploy
      play: false
    approval:
      mode: auto
      votes: 1
      minimum_role: maintainer
      evidence: [card, metrics]
    # Short steps, so that a rollout can be watched; a team with real traffic would soak for hours.
    rollout:
      driver: flag
      flag: fraud-canary
      stickiness: random
      alpha: 0.05
      control: stable
      treatments: [canary]
      steps:
        - {weight: 20, soak: 30s, min_samples: 100}
        - {weight: 50, soak: 40s, min_samples: 250}
        - {weight: 100}
      guardrails:
        - {name: errors, kind: rate, direction: lower, margin: 0.05}
        - {name: slow answers, metric: latency, kind: quantile, quantile: 0.95, threshold: 60,
           direction: lower, margin: 0.08}
        - {name: mean score, metric: prediction.score, kind: mean, direction: lower, margin: 0.1, critical: false}
      on_breach: rollback
      on_insufficient: hold
    monitoring:
      window: 10s
      features:
        amount: {type: numeric}
        merchant_category: {type: categorical}
        hours_since_last_payment: {type: numeric}
        country_mismatch: {type: categorical}
        card_age_days: {type: numeric}
      alerts:
        - {name: amounts have shifted, metric: drift.amount, above: 1, for: 20s, clear_below: 0.8, severity: high}
        - {name: unknown kinds of merchants, metric: drift.merchant_category, above: 1, for: 20s, clear_below: 0.8,
           severity: high}
        - {name: a sensor is missing, metric: missing.hours_since_last_payment, above: 0.05, for: 20s,
           clear_below: 0.02, severity: high}
        - {name: errors, metric: error_rate, above: 0.05, for: 20s, clear_below: 0.03, severity: critical}
        - {name: answers are slow, metric: latency_p95, above: 60, for: 20s, clear_below: 40, severity: medium}
        - {name: the model is wrong, metric: quality.auc, below: 0.6, for: 20s, clear_above: 0.7, severity: critical}
      retrain: {job: train, cooldown: 1d, budget_per_month: 4}
"""

_CHURN = """# How the churn model is delivered. Its rollouts are jobs of a pipeline, named as Auto DevOps names them.
version: 1
models:
  churn:
    environments:
      staging: {}
      production: {production: true}
    deploy:
      ref: main
      with: variables
      parameters: {model: MODEL_NAME, version: MODEL_VERSION, environment: MODEL_ENVIRONMENT, intent: MODEL_INTENT}
      job: deploy
      play: false
    # Nothing serves this model in the sandbox, so nothing is measured and people decide.
    rollout:
      driver: jobs
      steps:
        - {weight: 10, soak: 20s}
        - {weight: 25, soak: 20s}
        - {weight: 50, soak: 20s}
        - {weight: 100}
      guardrails:
        - {name: errors, kind: rate, direction: lower, margin: 0.02}
      on_breach: rollback
      on_insufficient: tell
"""

_DEMAND = """# How the demand forecast is delivered: a person starts what goes to production.
version: 1
models:
  demand:
    environments:
      staging: {}
      production: {production: true}
    deploy:
      ref: main
      with: variables
      parameters: {model: MODEL_NAME, version: MODEL_VERSION, environment: MODEL_ENVIRONMENT}
      job: deploy
      play: false
    approval:
      mode: auto
      evidence: [card, metrics]
    monitoring:
      window: 1h
      features:
        store: {type: categorical}
        article: {type: categorical}
        price: {type: numeric}
        week_of_year: {type: numeric}
      retrain: {job: train, cooldown: 2d, budget_per_month: 2}
"""

POLICIES = {"fraud": _FRAUD, "churn": _CHURN, "demand": _DEMAND}
