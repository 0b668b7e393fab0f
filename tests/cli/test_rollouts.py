from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Ended, Program
from tests.cli.schemas import judge as check_schema
from tests.cli.schemas import schema_of

ERRORS = {"name": "errors", "kind": "rate", "direction": "lower", "margin": 0.01, "min_samples": 100}
LATENCY = {"name": "latency", "kind": "mean", "direction": "lower", "margin": 5.0}
SLOW = {"name": "slow", "kind": "quantile", "direction": "lower", "margin": 0.02, "quantile": 0.95, "threshold": 250}
CRASHES = {"name": "crashes", "kind": "count", "direction": "lower", "margin": 0.1}

Line = dict[str, Any]
Judge = Callable[..., Ended]


def events(at: object, arm: str, n: float, count: float, guardrail: str = "errors") -> Line:
    return {"at": at, "arm": arm, "guardrail": guardrail, "n": n, "events": count}


def numbers(at: object, arm: str, values: Iterable[float], guardrail: str = "latency") -> Line:
    kept = list(values)
    return {
        "at": at, "arm": arm, "guardrail": guardrail,
        "n": len(kept), "sum": sum(kept), "sum_sq": sum(value * value for value in kept),
    }  # fmt: skip


def both(at: object, control: float, treatment: float, n: int = 1_000) -> list[Line]:
    return [events(at, "stable", n, control), events(at, "canary", n, treatment)]


@pytest.fixture
def replayed(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Judge lines by a plan from standard input."""

    def call(lines: Iterable[Line | str], *arguments: str, output: str = "ndjson", **plan: Any) -> Ended:
        file = tmp_path / "measurements.ndjson"
        file.write_text(
            "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8"
        )
        text = json.dumps({"guardrails": [ERRORS]} | plan)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return program("rollouts", "judge", "--plan", "-", "--replay", str(file), "--output", output, *arguments)

    return call


def verdicts(ended: Ended) -> list[dict[str, Any]]:
    """What was written, checked against the published schema."""
    schema = schema_of("rollout-verdicts")
    found = [json.loads(line) for line in ended.out.splitlines()]
    for item in found:
        jsonschema.validate(item, {"$ref": "#/$defs/judgement", "$defs": schema["$defs"]})
    return found


@pytest.mark.parametrize(
    ("lines", "verdict", "status"),
    [
        ([line for at in range(12) for line in both(at, 10, 10)], "HEALTHY", 0),
        ([line for at in range(12) for line in both(at, 10, 80)], "BREACH", 1),
        (both(0, 10, 12), "CONTINUE", 3),
        (both(0, 1, 1, n=50), "INSUFFICIENT", 3),
        ([events(0, "stable", 1_000, 10)], "INSUFFICIENT", 3),
    ],
)
def test_the_exit_status_is_that_of_the_last_verdict(
    replayed: Judge, lines: list[Line], verdict: str, status: int
) -> None:
    ended = replayed(lines)
    assert verdicts(ended)[-1]["verdict"] == verdict
    assert ended.status == status


def test_a_split_that_is_not_the_planned_one_is_invalid(replayed: Judge) -> None:
    lines = [events(0, "stable", 1_000, 10), events(0, "canary", 1_000, 10)]
    ended = replayed(lines, weights={"stable": 0.6, "canary": 0.4})
    assert (verdicts(ended)[-1]["verdict"], ended.status) == ("INVALID", 1)


def test_without_measurements_nothing_is_written_and_nothing_passes(replayed: Judge) -> None:
    ended = replayed([])
    assert (ended.status, ended.out) == (3, "")


def test_there_is_a_verdict_after_each_time_stamp_written_as_it_came(replayed: Judge) -> None:
    times = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:30+01:00", "2026-01-01T00:01:00"]
    ended = replayed([line for at in times for line in both(at, 10, 11)])
    assert [item["at"] for item in verdicts(ended)] == times
    ended = replayed([line for at in (0, 0.5, 1e9) for line in both(at, 10, 11)])
    assert [item["at"] for item in verdicts(ended)] == [0, 0.5, 1e9]


def test_increments_of_one_time_stamp_add_up_in_any_order(replayed: Judge) -> None:
    whole = [events(5, "stable", 300, 3), events(5, "canary", 200, 9)]
    parts = [events(5, "canary", 150, 4), events(5, "stable", 300, 3), events(5, "canary", 50, 5)]
    assert verdicts(replayed(whole)) == verdicts(replayed(parts))
    assert verdicts(replayed(parts))[0]["guardrails"][0]["n"] == {"stable": 300, "canary": 200}


def test_one_moment_may_be_written_in_two_ways(replayed: Judge) -> None:
    lines = [events("1970-01-01T00:00:01Z", "stable", 500, 3), events(1, "canary", 500, 4)]
    assert [item["at"] for item in verdicts(replayed(lines))] == ["1970-01-01T00:00:01Z"]


def test_all_kinds_of_guardrails_are_judged_together(replayed: Judge) -> None:
    lines: list[Line] = []
    for at in range(30):
        lines += both(at, 10, 11)
        for arm, slower in (("stable", 0.0), ("canary", 40.0)):
            lines.append(numbers(at, arm, (100.0 + slower + (at * place) % 7 for place in range(50))))
            lines.append(events(at, arm, 200, 10, "slow"))
            lines.append(events(at, arm, 12.5, 1, "crashes"))
    ended = replayed(lines, guardrails=[ERRORS, LATENCY, SLOW, CRASHES])
    last = verdicts(ended)[-1]
    assert last["verdict"] == "BREACH"
    assert {item["name"]: item["verdict"] for item in last["guardrails"]} == {
        "errors": "HEALTHY", "latency": "BREACH", "slow": "HEALTHY", "crashes": "HEALTHY",
    }  # fmt: skip
    assert last["reason"].startswith("latency of canary is 40 worse")
    assert last["guardrails"][3]["n"] == {"stable": 375, "canary": 375}


def test_every_treatment_is_compared_with_the_control(replayed: Judge) -> None:
    lines = []
    for at in range(12):
        lines += [*both(at, 10, 10), events(at, "second", 1_000, 90)]
    last = verdicts(replayed(lines, treatments=["canary", "second"]))[-1]
    assert [(item["treatment"], item["verdict"]) for item in last["guardrails"]] == [
        ("canary", "HEALTHY"), ("second", "BREACH"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "no measurement"),
        ("[1]", "no JSON object"),
        (events(7, "blue", 1, 0), "'blue' is not in the plan, which has stable, canary"),
        (events(7, "canary", 1, 0, "speed"), "'speed' is not in the plan, which has errors"),
        (events(7, "canary", 1, 2), "more events than observations"),
        (events(7, "canary", -1, 0), "n is negative"),
        (events(7, "canary", 1.5, 0), "n is no whole number"),
        ({"at": 7, "arm": "canary", "guardrail": "errors", "n": 5}, "events is missing"),
        ({"at": 7, "arm": "canary", "guardrail": "errors", "n": "5", "events": 1}, "n is no number"),
        ({"at": 7, "arm": "canary", "guardrail": "errors", "n": True, "events": 1}, "n is no number"),
        (events("yesterday", "canary", 1, 0), "no time in ISO 8601"),
        (events(None, "canary", 1, 0), "at has to be a time"),
        (events(True, "canary", 1, 0), "at has to be a time"),
        (events(1e20, "canary", 1, 0), "out of range"),
        (events(3, "canary", 1, 0), "goes back in time"),
        (events(7, "canary", 1e17, 0), "n is too large"),
        ({"at": 7, "arm": ["canary"], "guardrail": "errors", "n": 1, "events": 0}, "is not in the plan"),
        ('{"at": 7, "arm": "canary", "guardrail": "errors", "n": NaN, "events": 0}', "no measurement"),
        ('{"at": 7, "arm": "canary", "guardrail": "errors", "n": 5, "events": 0, "n": 9}', "the key 'n' stands twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"at": 7, "arm": "canary", "guardrail": "errors", "n": 1e999, "events": 0}', "no measurement"),
    ],
)
def test_a_line_that_does_not_fit_ends_with_its_number(replayed: Judge, line: Line | str, words: str) -> None:
    ended = replayed([*both(5, 1, 1), "", line])
    assert ended.status == 2
    assert "measurements.ndjson:4:" in ended.err
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("n", "total", "squares", "words"),
    [
        (2, 10.0, 1.0, "no values have"),
        (1, 1.0, 3.0, "no values have"),
        (0, 0.0, 3.0, "no values have"),
        (0, 1.0, 1.0, "no values have"),
        (2, 1e200, 1e300, "sum is too large"),
        (2, 1.0, 1e300, "sum_sq is too large"),
    ],
)
def test_impossible_means_are_refused(replayed: Judge, n: int, total: float, squares: float, words: str) -> None:
    wrong = {"at": 1, "arm": "canary", "guardrail": "latency", "n": n, "sum": total, "sum_sq": squares}
    ended = replayed([wrong], guardrails=[LATENCY])
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err


def test_no_values_and_one_value_are_means_too(replayed: Judge) -> None:
    lines = [numbers(0, "stable", []), numbers(1, "stable", [0.1]), numbers(1, "canary", [1e-9])]
    assert [item["verdict"] for item in verdicts(replayed(lines, guardrails=[LATENCY]))] == ["INSUFFICIENT", "CONTINUE"]


def test_events_without_exposure_are_refused(replayed: Judge) -> None:
    assert "exposure" in replayed([events(1, "canary", 0, 1, "crashes")], guardrails=[CRASHES]).err


def test_verdicts_before_a_wrong_line_are_written(replayed: Judge) -> None:
    ended = replayed([*both(1, 1, 1), *both(2, 1, 1), "oops"])
    assert [item["at"] for item in verdicts(ended)] == [1]
    assert ended.status == 2


def test_the_verdicts_are_one_document_as_json_and_lines_as_a_table(replayed: Judge) -> None:
    lines = [line for at in range(3) for line in both(at, 10, 80)]
    ended = replayed(lines, output="json")
    check_schema(ended.document)
    assert [item["at"] for item in ended.document["items"]] == [0, 1, 2]
    table = replayed(lines, output="table").out.splitlines()
    assert table[0].split() == ["AT", "VERDICT", "REASON"]
    assert len(table) == 4


def test_the_kayenta_mode_passes_what_the_judge_does_not(replayed: Judge) -> None:
    rule = LATENCY | {"margin": 0.5}
    points = [100.0] * 7 + [1.0] * 3
    lines = [
        line
        for at, point in enumerate(points)
        for line in (numbers(at, "stable", [1.0]), numbers(at, "canary", [point]))
    ]
    assert verdicts(replayed(lines, guardrails=[rule]))[-1]["verdict"] == "BREACH"
    kayenta = replayed(lines, "--method", "kayenta", guardrails=[rule])
    assert (verdicts(kayenta)[-1]["verdict"], kayenta.status) == ("HEALTHY", 0)


def test_a_plan_may_be_a_policy_file_and_measurements_standard_input(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "mlops.yml"
    policy.write_text(
        "version: 1\nmodels:\n  fraud:\n    rollout:\n      driver: flag\n      steps: [{weight: 5}]\n"
        "      guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.01}]\n",
        "utf-8",
    )
    text = "\ufeff" + "\n".join(json.dumps(line) for line in both(0, 10, 100))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    arguments = ("rollouts", "judge", "--plan", str(policy), "--replay", "-", "--output", "ndjson")
    ended = program(*arguments, "--model", "fraud")
    assert (ended.status, verdicts(ended)[-1]["verdict"]) == (1, "BREACH")
    missing = program(*arguments, "--model", "churn")
    assert missing.status == 2
    assert "fraud" in missing.err


def test_a_replay_of_a_policy_file_does_not_test_the_split_of_steps_it_knows_nothing_of(
    program: Program, tmp_path: Path
) -> None:
    policy, replay = tmp_path / "mlops.yml", tmp_path / "measurements.ndjson"
    policy.write_text(
        "version: 1\nmodels:\n  fraud:\n    rollout:\n      driver: flag\n      steps: [{weight: 5}, {weight: 50}]\n"
        "      weights: {stable: 95, canary: 5}\n"
        "      guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.01}]\n",
        "utf-8",
    )
    shares = [50] * 20 + [500] * 20
    lines = [events(at, "stable", 1_000 - n, 0) for at, n in enumerate(shares)]
    lines += [events(at, "canary", n, 0) for at, n in enumerate(shares)]
    lines.sort(key=lambda line: line["at"])
    replay.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    ended = program("rollouts", "judge", "--plan", str(policy), "--replay", str(replay), "--output", "ndjson")
    assert "INVALID" not in {item["verdict"] for item in verdicts(ended)}
    assert ended.status == 0


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"alpha": 2}, "alpha"),
        ({"guardrails": [{"name": "e", "kind": "rate", "direction": "lower"}]}, "margin"),
        ({"guardrails": []}, "no guardrail"),
        ({"steps": [{"weight": 10}, {"weight": 5}]}, "rise"),
        ({"steps": [{"weight": 300}]}, "100"),
        ({"unknown": 1}, "Unknown key"),
        ({"guardrails": [ERRORS | {"direction": "higher", "margin": 1, "margin_kind": "relative"}]}, "below 1"),
    ],
)
def test_a_bad_plan_is_refused_in_one_line(replayed: Judge, plan: dict[str, Any], words: str) -> None:
    ended = replayed(both(0, 1, 1), **plan)
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1


def test_files_that_cannot_be_read_are_named(program: Program, tmp_path: Path) -> None:
    missing = program("rollouts", "judge", "--plan", str(tmp_path / "none"), "--replay", "-")
    assert missing.status == 2
    assert "none" in missing.err
    assert program("rollouts", "judge", "--plan", "-", "--replay", "-").status == 2
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in program("rollouts", "judge", "--plan", str(tmp_path / "binary"), "--replay", "-").err
