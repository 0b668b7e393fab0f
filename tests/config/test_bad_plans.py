"""Plans of rollouts that cannot work: what is said of each, and at which line."""

from __future__ import annotations

import json

import pytest
import yaml

from mlops_tui.config.policy import find_policy_doubts, find_policy_problems
from mlops_tui.config.rollouts import parse_judge_plan
from mlops_tui.config.yaml_document import read_yaml
from mlops_tui.domain.errors import MlopsError

PLAN = """\
version: 1
models:
  fraud:
    rollout:
      driver: flag
      flag: fraud-canary
      alpha: 0.05
      steps:
        - {weight: 5, soak: 10m, min_samples: 500}
        - {weight: 25, soak: 30m}
        - {weight: 100}
      guardrails:
        - {name: errors, kind: rate, direction: lower, margin: 0.01}
        - {name: slow, metric: latency, kind: quantile, direction: lower, margin: 0.02, quantile: 0.95, threshold: 250}
      on_breach: rollback
    monitoring:
      features: {amount: {type: numeric}}
"""
BY_FLAG = "driver: flag\n      flag: fraud-canary"

# What a policy file and the judge's part of a plan refuse alike: old text, new text, line of the policy file, sentence.
REFUSED_BY_BOTH = [
    ("weight: 25,", "weight: 5,", 10, "have to rise: 5 % comes after 5 %. Give each step more than the one before."),
    ("weight: 25,", "weight: 101,", 10, "should be less than or equal to 100. Write it such as weight: 25."),
    ("weight: 5,", "weight: 0.05,", 9, "should be a valid integer. Write it such as weight: 25."),
    ("alpha: 0.05", "alpha: 5", 7, "should be less than or equal to 0.5. Write it such as alpha: 0.05."),
    ("alpha: 0.05", "alpha: 0", 7, "should be greater than 0. Write it such as alpha: 0.05."),
    (", margin: 0.01", "", 13, "This key is missing. Add it, such as margin: 0.01."),
    ("margin: 0.01", "margin: 5", 13, "No harm can exceed the margin 5: it is compared with a share"),
    ("margin: 0.02", "margin: 2", 14, "Write 0.02 for 2 %."),
    ("quantile: 0.95", "quantile: 95", 14, "should be less than 1. Write it such as quantile: 0.95."),
    ("kind: rate", "kind: rate, quantile: 0.5", 13, "and this one is a rate. Leave it out, or write kind: quantile."),
    ("name: slow,", "name: errors,", 14, "Two guardrails have the same name 'errors'. Give each a name of its own."),
    ("alpha: 0.05", "treatments: []", 7, "should hold at least 1 item, and holds none. Write it such as treatments:"),
    ("alpha: 0.05", 'treatments: [""]', 7, "it should be a text, and is empty."),
    ("alpha: 0.05", "treatments: [canary, canary]", 7, "Two arms have the same name 'canary'."),
    ("alpha: 0.05", "control: canary", 7, "Two arms have the same name 'canary'."),
    ("alpha: 0.05", "weights: {stable: 0.9}", 7, "weights leaves out 'canary'. Give every arm its share, or none."),
    ("alpha: 0.05", "weights: {stable: 9, canary: 1, x: 1}", 7, "weights names 'x', which is neither control nor"),
    ("driver: flag", "driver: jobs", 6, "flag belongs to driver: flag, and this plan has driver: jobs."),
    (BY_FLAG, "driver: ingress\n      stickiness: userId", 6, "stickiness belongs to driver: flag, and this plan has"),
    ("flag: fraud-canary", "jobs: [a 5%, b 25%, c 100%]", 6, "Leave it out, or write driver: jobs."),
    (BY_FLAG, "driver: jobs\n      jobs: [a 5%, b 25%]", 6, "jobs names one job per step: there are 2 for 3 steps."),
]
# What only a rollout needs: the judge is handed observations that were counted elsewhere.
REFUSED_IN_A_POLICY = [
    (", threshold: 250", "", 14, "and threshold is missing. Add it, such as threshold: 250."),
    ("threshold: 250", "threshold: -1", 14, "is not above 0: it is a latency in milliseconds. Write it such as 250."),
    ("metric: latency", "metric: amount", 14, "a quantile is measured of latency, and not of 'amount'; a column is"),
    ("name: errors, kind: rate", "name: latency, kind: rate", 13, "latency is measured by kind quantile."),
    ("name: errors, kind: rate", "name: errors, kind: mean", 13, "errors are measured by kind rate or count."),
    ("flag: fraud-canary", "flag: Fraud Canary!", 6, "GitLab takes no feature flag named 'Fraud Canary!'"),
    (BY_FLAG, "driver: jobs\n      jobs: [a, b 25%, c 100%]", 6, "Name it such as 'shift 5%'."),
]


def changed(old: str, new: str) -> str:
    assert old in PLAN
    return PLAN.replace(old, new, 1)


@pytest.mark.parametrize(("old", "new", "line", "sentence"), [*REFUSED_BY_BOTH, *REFUSED_IN_A_POLICY])
def test_a_bad_plan_gets_one_message_at_its_own_line(old: str, new: str, line: int, sentence: str) -> None:
    found = find_policy_problems(read_yaml(changed(old, new), "mlops.yml"), "mlops.yml")
    assert [problem.line for problem in found] == [line]
    assert sentence in str(found[0])
    assert "\n" not in str(found[0])


@pytest.mark.parametrize(("old", "new", "sentence"), [(old, new, said) for old, new, _, said in REFUSED_BY_BOTH])
def test_the_judges_part_of_a_plan_is_refused_in_the_same_words(old: str, new: str, sentence: str) -> None:
    plan = yaml.safe_load(changed(old, new))["models"]["fraud"]["rollout"]
    with pytest.raises(MlopsError) as caught:
        parse_judge_plan(json.dumps(plan, indent=1), "standard input")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("weights", ["{stable: 95, canary: 5}", "{stable: 0.95, canary: 0.05}"])
def test_shares_of_arms_are_on_whatever_scale_in_both_files(weights: str) -> None:
    text = changed("alpha: 0.05", f"weights: {weights}")
    assert not find_policy_problems(read_yaml(text, "mlops.yml"), "mlops.yml")
    plan = yaml.safe_load(text)["models"]["fraud"]["rollout"]
    assert parse_judge_plan(json.dumps(plan), "plan").weights == plan["weights"]


def test_every_mistake_of_a_plan_is_told_at_once() -> None:
    text = changed("weight: 25,", "weight: 4,").replace("name: slow,", "name: errors,")
    found = find_policy_problems(read_yaml(text, "mlops.yml"), "mlops.yml")
    assert [problem.line for problem in found] == [10, 14]


@pytest.mark.parametrize(
    ("guardrail", "words"),
    [
        ("name: happiness", "The guardrail happiness is unknown: 'happiness' is neither errors nor latency nor"),
        ("name: h, metric: amont", "Did you mean amount?"),
        ("name: h, metric: eror", "Did you mean errors?"),
    ],
)
def test_a_column_that_no_feature_is_declared_for_is_a_mistake(guardrail: str, words: str) -> None:
    text = changed("name: errors", guardrail)
    document = read_yaml(text, "mlops.yml")
    assert not find_policy_problems(document, "mlops.yml"), "a promotion or a rollback need not wait for it"
    mistakes, doubts = find_policy_doubts(document, "mlops.yml")
    assert not doubts
    assert [mistake.line for mistake in mistakes] == [13]
    assert words in str(mistakes[0])


def test_where_no_feature_is_declared_an_unknown_column_is_a_doubt() -> None:
    text = changed("name: errors", "name: happiness").split("    monitoring")[0]
    mistakes, doubts = find_policy_doubts(read_yaml(text, "mlops.yml"), "mlops.yml")
    assert not mistakes
    assert [(doubt.line, "happiness is unknown" in str(doubt)) for doubt in doubts] == [(13, True)]


@pytest.mark.parametrize("name", ["errors", "amount", "prediction.score", "attribute.tokens", "gen_ai.usage.tokens"])
def test_what_is_known_or_only_the_traffic_can_tell_is_no_mistake(name: str) -> None:
    assert find_policy_doubts(read_yaml(changed("name: errors", f"name: {name}"), "p"), "p") == ([], [])


def test_a_plan_that_judges_nothing_is_doubted() -> None:
    without = PLAN.split("      guardrails:", maxsplit=1)[0]
    advisory = PLAN.replace("margin: 0.01}", "margin: 0.01, critical: false}").replace("250}", "250, critical: false}")
    found = [find_policy_doubts(read_yaml(text, "p"), "p")[1] for text in (without, advisory)]
    assert [[(doubt.line, doubt.what) for doubt in doubts] for doubts in found] == [
        [(4, "The plan has no guardrail")],
        [(12, "No guardrail is critical")],
    ]
