from __future__ import annotations

import json
from typing import Any

import pytest

from mlops_tui.config.rollouts import parse_judge_plan
from mlops_tui.domain.errors import ExitCode, MlopsError
from mlops_tui.domain.judgements import JudgePlan
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind

ERRORS = {"name": "errors", "kind": "rate", "direction": "lower", "margin": 0.01}
POLICY = """\
version: 1
models:
  fraud:
    rollout:
      driver: flag
      alpha: 0.01
      steps: [{weight: 5}, {weight: 100}]
      treatments: [canary, shadow]
      weights: {stable: 0.8, canary: 0.1, shadow: 0.1}
      guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.01, min_samples: 100}]
  churn: {}
"""


def plan(**changes: Any) -> str:
    return json.dumps({"guardrails": [ERRORS]} | changes)


def refused(text: str, model: str | None = None) -> str:
    with pytest.raises(MlopsError) as caught:
        parse_judge_plan(text, "plan", model)
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value)


def test_the_judges_part_of_a_plan_has_defaults() -> None:
    guardrail = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.01)
    assert parse_judge_plan(plan(), "plan") == JudgePlan((guardrail,), 0.05, "stable", ("canary",), {})


def test_everything_can_be_said() -> None:
    slow = {
        "name": "slow", "kind": "quantile", "direction": "higher", "margin": 0.5, "margin_kind": "relative",
        "critical": False, "min_samples": 7, "metric": "latency", "quantile": 0.9, "threshold": 250,
    }  # fmt: skip
    text = plan(alpha=0.1, control="a", treatments=["b", "c"], weights={"a": 8, "b": 1, "c": 1}, guardrails=[slow])
    expected = Guardrail(
        "slow", GuardrailKind.QUANTILE, Direction.HIGHER, 0.5, MarginKind.RELATIVE,
        is_critical=False, min_samples=7, metric="latency", quantile=0.9, threshold=250.0,
    )  # fmt: skip
    assert parse_judge_plan(text, "plan") == JudgePlan((expected,), 0.1, "a", ("b", "c"), {"a": 8, "b": 1, "c": 1})


@pytest.mark.parametrize("text", [plan(), "guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.01}]\n"])
def test_json_and_yaml_say_the_same(text: str) -> None:
    assert parse_judge_plan(text, "plan") == parse_judge_plan(plan(), "plan")
    assert parse_judge_plan(json.dumps(json.loads(plan()), indent="\t"), "plan") == parse_judge_plan(plan(), "plan")


def test_a_policy_file_names_the_only_model_that_has_a_rollout() -> None:
    found = parse_judge_plan(POLICY, ".gitlab/mlops.yml")
    assert found == parse_judge_plan(POLICY, ".gitlab/mlops.yml", "fraud")
    assert (found.alpha, found.treatments, found.comparisons) == (0.01, ("canary", "shadow"), 2)
    # A replay does not tell the step, and the split differs from one to the next.
    assert not found.weights
    assert "fraud" in refused(POLICY, "churn")
    assert "--model" in refused(
        POLICY.replace("  churn: {}", "  churn:" + POLICY.split("  fraud:")[1].split("  churn", maxsplit=1)[0])
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alpha": 0}, ["alpha", "greater than 0"]),
        ({"alpha": 0.6}, ["alpha", "less than or equal to 0.5"]),
        ({"alpha": "low"}, ["alpha"]),
        ({"guardrails": []}, ["no guardrail"]),
        ({"guardrails": [ERRORS, ERRORS]}, ["same name"]),
        ({"guardrails": [{"name": "e", "kind": "rate", "direction": "lower"}]}, ["guardrails[0].margin", "missing"]),
        ({"guardrails": [ERRORS | {"margin": -0.1}]}, ["guardrails[0].margin", "greater than or equal to 0"]),
        ({"guardrails": [ERRORS | {"kind": "speed"}]}, ["guardrails[0].kind", "'rate', 'count', 'mean' or 'quantile'"]),
        ({"guardrails": [ERRORS | {"direction": "up"}]}, ["guardrails[0].direction"]),
        ({"guardrails": [ERRORS | {"marginn": 1}]}, ["guardrails[0].marginn", "Did you mean margin"]),
        ({"guardrails": [ERRORS | {"quantile": 0.9}]}, ["quantile and threshold"]),
        ({"guardrails": {}}, ["guardrails"]),
        ({"treatments": []}, ["treatments"]),
        ({"treatments": ["stable"]}, ["same name"]),
        ({"weights": {"stable": 0.9}}, ["weights leaves out 'canary'"]),
        ({"weights": {"stable": 0.9, "canary": 0}}, ["weights.canary"]),
        ({"weights": {"stable": 1, "canary": 1, "other": 1}}, ["neither control nor treatment"]),
        ({"steps": [{"weight": 20}, {"weight": 10}]}, ["have to rise"]),
        ({"steps": [{"weight": 101}]}, ["steps[0].weight", "100"]),
        ({"step": []}, ["step", "Did you mean steps"]),
    ],
)
def test_a_bad_plan_gets_one_clear_message(changes: dict[str, Any], words: list[str]) -> None:
    message = refused(plan(**changes))
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "[]", "{", '{"alpha": }', "- 1", "nothing"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (plan().replace("{", '{"alpha": 0.1, "alpha": 0.2, ', 1), "plan: alpha: This key stands twice"),
        (plan().replace('{"name"', '{"margin": 0.5, "name"'), "plan: margin: This key stands twice"),
    ],
)
def test_a_key_that_stands_twice_in_json_is_refused(text: str, words: str) -> None:
    assert words in refused(text)


def test_a_mistake_in_a_policy_file_has_its_line() -> None:
    assert ":10:" in refused(POLICY.replace("margin: 0.01", "margin: -1"))
    assert refused(plan(alpha=2).replace("{", "{\n", 1)).startswith("plan:2: alpha")
