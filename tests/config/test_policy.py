from __future__ import annotations

import copy
import json
from datetime import timedelta
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.config.policy import parse_policy, policy_json_schema
from mlops_tui.domain.errors import ConfigError, ExitCode
from mlops_tui.domain.policy import (
    AlertRule,
    ApprovalMode,
    ApprovalPolicy,
    DeployPolicy,
    Direction,
    Evidence,
    FeatureType,
    Guardrail,
    GuardrailKind,
    Handover,
    MarginKind,
    ModelPolicy,
    OnBreach,
    Policy,
    RetrainPolicy,
    RolloutDriver,
    RolloutStep,
    Severity,
)
from mlops_tui.domain.projects import Role

WHOLE = """\
version: 1
models:
  fraud:
    environments: {production: {production: true}, staging: {}}
    deploy:
      ref: main
      with: variables
      parameters: {version: V, intent: INTENT}
      job: deploy
      play: true
    approval: {mode: issue, votes: 2, minimum_role: developer, evidence: [card, drift]}
    rollout:
      driver: flag
      flag: fraud-canary
      alpha: 0.01
      steps:
        - {weight: 5, soak: 10m, min_samples: 500}
        - {weight: 100, soak: 1h30m}
      guardrails:
        - {name: errors, kind: rate, direction: lower, margin: 0.01, margin_kind: relative}
        - name: p95
          kind: quantile
          direction: lower
          margin: 0.02
          quantile: 0.95
          threshold: 250
          critical: false
      on_breach: hold
    monitoring:
      features: {amount: {type: numeric}, country: {type: categorical}}
      window: 10s
      alerts:
        - {name: drifting, metric: drift.amount, above: 0.2, for: 15m, clear_below: 0.1, severity: high}
      retrain: {job: train, cooldown: 2d, budget_per_month: 3}
"""
JUDGE = jsonschema.Draft202012Validator(json.loads(policy_json_schema()))


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_policy(text)
    assert caught.value.exit_code is ExitCode.USAGE
    return caught.value


def test_a_whole_file_becomes_records() -> None:
    policy = parse_policy(WHOLE, commit="abc")
    fraud = policy.for_model("fraud")
    assert policy.commit == "abc"
    assert [item.is_production for item in fraud.environments.values()] == [True, None]
    assert fraud.deploy == DeployPolicy(
        ref="main",
        handover=Handover.VARIABLES,
        parameters={"model": "MODEL_NAME", "version": "V", "environment": "MODEL_ENVIRONMENT", "intent": "INTENT"},
        job="deploy",
        play=True,
    )
    assert fraud.approval == ApprovalPolicy(ApprovalMode.ISSUE, 2, Role.DEVELOPER, (Evidence.CARD, Evidence.DRIFT))
    assert fraud.monitoring.features == {"amount": FeatureType.NUMERIC, "country": FeatureType.CATEGORICAL}
    assert fraud.monitoring.window == timedelta(seconds=10)
    assert fraud.monitoring.retrain == RetrainPolicy("train", timedelta(days=2), 3)
    assert fraud.monitoring.alerts == (
        AlertRule("drifting", "drift.amount", 0.2, None, timedelta(minutes=15), 0.1, None, Severity.HIGH),
    )


def test_the_rollout_is_typed() -> None:
    rollout = parse_policy(WHOLE).models["fraud"].rollout
    assert rollout is not None
    assert (rollout.driver, rollout.flag, rollout.alpha) == (RolloutDriver.FLAG, "fraud-canary", 0.01)
    assert rollout.on_breach is OnBreach.HOLD
    assert rollout.steps == (RolloutStep(5, timedelta(minutes=10), 500), RolloutStep(100, timedelta(minutes=90)))
    assert rollout.guardrails == (
        Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.01, MarginKind.RELATIVE),
        Guardrail(
            "p95", GuardrailKind.QUANTILE, Direction.LOWER, 0.02, is_critical=False, quantile=0.95, threshold=250.0
        ),
    )


def test_the_documented_defaults_are_those_without_a_file() -> None:
    said_nothing = parse_policy("version: 1\nmodels: {fraud: {}}\n")
    assert said_nothing.for_model("fraud") == Policy().for_model("fraud") == ModelPolicy("fraud")
    minimal = parse_policy("version: 1\nmodels: {m: {monitoring: {retrain: {job: t}}, deploy: {}}}\n").models["m"]
    assert minimal.monitoring.retrain == RetrainPolicy("t")
    assert minimal.deploy == DeployPolicy()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("version: 1", "version: 1.0", 1, "Write version: 1"),
        ("version: 1", "version: true", 1, "valid integer"),
        ("version: 1", "version: 2", 1, "less than or equal to 1"),
        ("environments:", "enviroments:", 4, "Did you mean environments"),
        ("with: variables", "with: files", 7, "'inputs' or 'variables'"),
        ("with: variables", "handover: inputs", 7, "Unknown key"),
        ("soak: 10m", "soak: 10", 17, "has a unit"),
        ("soak: 10m", "soak: 10 minutes", 17, "no length of time"),
        ("weight: 100", "weight: 5", 18, "rise: 5 % comes after 5 %"),
        ("weight: 100", "weight: 101", 18, "less than or equal to 100"),
        ("weight: 5,", "weight: 5.5,", 17, "valid integer"),
        ("alpha: 0.01", "alpha: 0", 15, "greater than 0"),
        ("margin: 0.02", "margin: -1", 24, "greater than or equal to 0"),
        ("          threshold: 250\n", "", 21, "needs both"),
        ("name: p95", "name: errors", 21, "same name 'errors'"),
        ("clear_below: 0.1", "clear_below: 0.3", 33, "above the limit"),
        ("above: 0.2, ", "", 33, "either above or below"),
        ("driver: flag", "driver: flags", 13, "'flag', 'jobs' or 'ingress'"),
        ("margin: 0.01, ", "", 20, "missing"),
        ("flag: fraud-canary", "stickiness: cookie", 14, "no stickiness 'cookie'"),
        ("name: p95", "name: score", 21, "score is unknown"),
        ("driver: flag\n      flag: fraud-canary", "driver: jobs\n      jobs: [five, all]", 14, "such as 'shift 5%'"),
        (
            "driver: flag\n      flag: fraud-canary",
            "driver: jobs\n      treatments: [a, b]",
            14,
            "several need driver: flag",
        ),
        ("flag: fraud-canary", "treatments: [a, b, c, d, e, f, g, h, i, j, k]", 14, "at most 10 items"),
        ("weight: 5, soak", "weight: 0, soak", 17, "greater than or equal to 1"),
        ("production: true", "production: yes", 4, "valid boolean"),
        ("votes: 2", "votes: two", 11, "valid integer"),
        ("ref: main", "ref: 1.10", 6, "valid string"),
        ("staging: {}", "1: {}", 4, "A key has to be text"),
        ("job: deploy", "job: deploy\n      job: again", 10, "stands twice"),
        ("environments: {", "environments: &x {", None, ""),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, line: int | None, words: str) -> None:
    assert old in WHOLE
    text = WHOLE.replace(old, new, 1)
    if line is None:
        assert "fraud" in parse_policy(text).models
        return
    error = refused(text)
    assert words in str(error)
    assert error.line == line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "version"),
        ("- 1", "keys and values"),
        ("a: &x 1\nb: *x", "Aliases"),
        ("a: &x {b: *x}", "Aliases"),
        ("a: &x {}\n<<: *x", "Merge keys"),
        ("a: !!python/object:os.system {}", "tag"),
        ("a: !!binary aaaa", "tag"),
        ("a: [", "no valid YAML"),
        ("a: b: c", "no valid YAML"),
        ("a: 1\n---\nb: 2", "no valid YAML"),
        ("\x00", "no valid YAML"),
        ("[" * 5_000, "nested too deeply"),
        ("# " + "x" * 262_144, "too large"),
    ],
    ids=lambda value: value[:20],
)
def test_surprises_of_yaml_are_refused(text: str, words: str) -> None:
    assert words in str(refused(text))


def test_words_stay_words() -> None:
    text = "version: 1\nmodels: {no: {environments: {on: {}, 2026-01-01: {}}, deploy: {ref: off, job: 1e5x}}}"
    model = parse_policy(text).models["no"]
    assert list(model.environments) == ["on", "2026-01-01"]
    assert (model.deploy.ref, model.deploy.job) == ("off", "1e5x")


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published = (files("mlops_tui.config") / "policy.schema.json").read_text("utf-8")
    assert published == policy_json_schema(), "write policy_json_schema() to mlops_tui/config/policy.schema.json"


def test_the_schema_is_a_schema_and_takes_the_whole_file() -> None:
    jsonschema.Draft202012Validator.check_schema(JUDGE.schema)
    JUDGE.validate(yaml.safe_load(WHOLE))


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """The whole file with one value replaced by something else."""
    document: dict[str, Any] = copy.deepcopy(yaml.safe_load(WHOLE))
    parent: Any = document
    key = draw(st.sampled_from(list(document)))
    while isinstance(parent[key], dict | list) and parent[key] and draw(st.booleans()):
        parent = parent[key]
        key = draw(st.sampled_from(list(parent) if isinstance(parent, dict) else range(len(parent))))
    parent[key] = draw(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-5, 105),
            st.floats(-2, 2, allow_nan=False),
            st.sampled_from(["10m", "x", ""]),
            st.lists(st.integers(), max_size=2),
            st.dictionaries(st.sampled_from(["name", "weight", "zzz"]), st.integers(0, 3), max_size=2),
        )
    )
    return document


@given(damaged())
def test_what_the_published_schema_refuses_is_refused_here_too(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document)
    try:
        parse_policy(text)
    except ConfigError as error:
        assert error.line is not None  # noqa: PT017 - both endings are right, this is about the error's shape
    else:
        JUDGE.validate(yaml.safe_load(text))


@given(st.text(max_size=200) | st.text("ab:-{}[]&*!|>'\"\n #1.,?%@`~<", max_size=60))
def test_no_text_ends_in_anything_but_a_policy_or_a_clear_error(text: str) -> None:
    try:
        assert isinstance(parse_policy(text), Policy)
    except ConfigError as error:
        assert error.what  # noqa: PT017 - both endings are right, only the kind of error matters
