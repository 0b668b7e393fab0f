"""What a CI configuration becomes: inputs, rules, variables and jobs."""

from __future__ import annotations

from typing import Any

import pytest

from mlops_tui.sandbox import configuration, inputs, rules, scripts
from mlops_tui.sandbox.configuration import ConfigurationError
from mlops_tui.sandbox.pipeline_definitions import EnvironmentDefinition, JobDefinition


def jobs(text: str, given: dict[str, Any] | None = None, **variables: str) -> dict[str, JobDefinition]:
    return {job.name: job for job in configuration.build(text, given or {}, variables).jobs}


def test_a_whole_value_keeps_the_type_of_its_input() -> None:
    text = """
spec:
  inputs:
    list: {type: array, default: [a, b]}
    flag: {type: boolean, default: true}
    name: {default: deploy}
---
"$[[ inputs.name ]] it":
  script: $[[ inputs.list ]]
  allow_failure: $[[ inputs.flag ]]
  tags: ["is-$[[ inputs.flag ]]", 'list $[[ inputs.list ]]']
"""
    job = jobs(text)["deploy it"]
    assert job.script == ("a", "b")
    assert job.allow_failure is True
    assert job.tags == ("is-true", 'list ["a", "b"]')


def test_functions_of_interpolation() -> None:
    text = """
spec:
  inputs: {sha: {default: 0123456789}, who: {default: "it's $ME"}}
---
a:
  script:
    - echo $[[ inputs.sha | truncate(0,4) ]]
    - echo $[[ inputs.who | expand_vars | posix_escape ]]
"""
    text = text.replace("0123456789", "'0123456789'")
    assert jobs(text, ME="mona")["a"].script == ("echo 0123", "echo 'it'\"'\"'s mona'")
    with pytest.raises(ConfigurationError, match="no function matching `shout`"):
        jobs(text.replace("truncate(0,4)", "shout"))
    with pytest.raises(ConfigurationError, match="unknown interpolation key: `other`"):
        jobs(text.replace("inputs.sha", "inputs.other"))


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ('$A == "x"', True),
        ('$A != "x"', False),
        ("$A", True),
        ("$EMPTY", False),
        ("$MISSING == null", True),
        ('$EMPTY == ""', True),
        ("$A =~ /^x$/ && $B", True),
        ("$A =~ /^X$/", False),
        ("$A =~ /^X$/i", True),
        ("$A !~ /y/", True),
        ('$EMPTY || ($A == "x" && $B == "y")', True),
        ('$A == "no" || $B == "no" && $A', False),
        ('"literal" == "literal"', True),
        ("$A == $ALSO", True),
        ("$PATH =~ /^a\\/b/", True),
    ],
)
def test_rules(expression: str, *, holds: bool) -> None:
    variables = {"A": "x", "ALSO": "x", "B": "y", "EMPTY": "", "PATH": "a/b/c"}
    assert rules.matches(expression, variables) is holds


@pytest.mark.parametrize("expression", ["$A ==", "== 1", "($A", '$A == "x" "y"', "$A = 1", "nonsense"])
def test_rules_that_cannot_be_read(expression: str) -> None:
    with pytest.raises(rules.ExpressionError):
        rules.matches(expression, {"A": "x"})


def test_the_first_rule_that_holds_decides() -> None:
    text = """
ship:
  script: [true]
  rules:
    - {if: '$ENVIRONMENT == "production"', when: manual, variables: {SIZE: large}}
    - {if: '$ENVIRONMENT == "never"', when: never}
    - {if: $ENVIRONMENT, allow_failure: true}
"""
    production = jobs(text, ENVIRONMENT="production")["ship"]
    assert (production.when, production.allow_failure, production.variables["SIZE"]) == ("manual", False, "large")
    staging = jobs(text, ENVIRONMENT="staging")["ship"]
    assert (staging.when, staging.allow_failure) == ("on_success", True)
    for environment in ("", "never"):
        with pytest.raises(ConfigurationError, match="would have been empty"):
            jobs(text, ENVIRONMENT=environment)


def test_a_manual_job_may_fail_unless_its_rules_made_it_manual() -> None:
    text = "plain: {script: [true], when: manual}\nruled: {script: [true], rules: [{when: manual}]}"
    found = jobs(text)
    assert found["plain"].allow_failure
    assert not found["ruled"].allow_failure


def test_templates_defaults_and_variables() -> None:
    text = """
default: {tags: [linux], before_script: [echo before]}
variables: {WHERE: staging, WHO: {value: you, description: whom to greet}}
.base:
  script: [echo base]
  variables: {LEVEL: one, WHERE: base}
  environment: {name: $WHERE, deployment_tier: staging, url: https://$WHERE.example}
child:
  extends: .base
  variables: {LEVEL: two}
other: {script: [[echo a, echo b], echo c], before_script: [], tags: [gpu], environment: review/$WHO}
"""
    found = jobs(text, WHO="me")
    child = found["child"]
    assert child.script == ("echo before", "echo base")
    assert child.tags == ("linux",)
    assert (child.variables["LEVEL"], child.variables["WHERE"]) == ("two", "base")
    assert child.environment == EnvironmentDefinition("base", "https://base.example", "start", "staging", None)
    assert found["other"].script == ("echo a", "echo b", "echo c")
    assert found["other"].environment is not None
    assert found["other"].environment.name == "review/me"


def test_workflow_rules_choose_the_title() -> None:
    text = """
workflow:
  name: $TITLE
  rules:
    - {if: '$VERSION', variables: {TITLE: fraud $VERSION}}
    - when: always
a: {script: [true]}
"""
    assert configuration.build(text, {}, {"VERSION": "1.2.0"}).name == "fraud 1.2.0"
    assert configuration.build(text, {}, {}).name is None
    with pytest.raises(ConfigurationError, match="filtered out by workflow rules"):
        configuration.build(text.replace("always", "never"), {}, {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("just text", "Invalid configuration format"),
        ("a: [1", "(<unknown>): "),
        ("stages: [a]", "jobs config should contain at least one visible job"),
        ("a: {stage: test}", "jobs a config should implement the script:, run:, or trigger: keyword"),
        ("a: 5", "jobs a config should implement the script:, run:, or trigger: keyword"),
        ("a: {script: [x], when: sometimes}", "jobs:a when should be one of: "),
        ("a: {script: [x], needs: [b]}", "a job: undefined need: b"),
        (
            "a: {script: [x], needs: [b]}\nb: {script: [x], rules: [{if: $NO}]}",
            "'a' job needs 'b' job, but 'b' does not",
        ),
        ("a: {script: [x], rules: [{if: '$A =='}]}", "rules:rule if invalid expression syntax"),
        ("a: {extends: .none, script: [x]}", "a: unknown keys in `extends` (.none)"),
    ],
)
def test_files_that_make_no_pipeline(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configuration.build(text, {}, {})
    assert str(caught.value).startswith(complaint)


def test_declarations_that_make_no_sense() -> None:
    with pytest.raises(inputs.InputError, match="unknown value: colour"):
        inputs.read_specifications({"spec": {"inputs": {"a": {"type": "colour"}}}})


@pytest.mark.parametrize(
    ("script", "output", "seconds", "exit_code"),
    [
        (["echo one $X", "sleep 3"], ["one x"], 3.2, 0),
        (["false", "echo never"], [], 0.0, 1),
        (["exit 7", "echo never"], [], 0.0, 7),
        (["exit 0", "echo never"], [], 0.0, 0),
        (['test "$X" = x && echo yes'], ["yes"], 0.2, 0),
        (['[ "$X" = y ] || exit 4'], [], 0.0, 4),
        (['test -n "$NONE" || echo empty'], ["empty"], 0.2, 0),
        (["echo a\nsleep 2\nexit 3\necho b"], ["a"], 2.2, 3),
        (["echo it's"], ["it's"], 0.2, 0),
    ],
)
def test_what_a_script_does(script: list[str], output: list[str], seconds: float, exit_code: int) -> None:
    done = scripts.rehearse(script, {"X": "x"}, "seed")
    assert [line for step in done.steps for line in step.output] == output
    assert done.seconds == pytest.approx(seconds)
    assert done.exit_code == exit_code


def test_unknown_commands_take_their_time_by_the_seed() -> None:
    first = scripts.rehearse(["python train.py"], {}, "a")
    assert first == scripts.rehearse(["python train.py"], {}, "a")
    assert first != scripts.rehearse(["python train.py"], {}, "b")
    assert 1 <= first.seconds <= 4
    faster = scripts.rehearse(["python train.py"], {}, "a", speed=10)
    assert faster.seconds == pytest.approx(first.seconds / 10)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10 minutes", 600), ("1 week", 604_800), ("2h20min", 8400), ("90", 0), ("1 day 2 hours", 93_600)],
)
def test_durations(text: str, seconds: float) -> None:
    assert configuration.duration(text) == seconds
