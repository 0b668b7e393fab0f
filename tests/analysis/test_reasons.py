"""The sentences of verdicts, as the judge gives them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlops_tui.analysis.guardrails import Assessment
from mlops_tui.analysis.judge import judge_of
from mlops_tui.analysis.reasons import guardrail_reason
from mlops_tui.domain.judgements import EventSample, Judgement, JudgePlan, Measurement, Sample, ValueSample, Verdict
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind

START = datetime(2026, 1, 1, tzinfo=UTC)
ERRORS = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.01)
LATENCY = Guardrail("latency", GuardrailKind.MEAN, Direction.LOWER, 100.0)
SCORE = Guardrail("score", GuardrailKind.MEAN, Direction.LOWER, 1.0)


def judged(plan: JudgePlan, looks: Sequence[dict[str, tuple[Sample, Sample]]]) -> Judgement:
    judge = judge_of(plan)
    for number, look in enumerate(looks):
        at = START + timedelta(minutes=number)
        last = judge.observe(
            at,
            [
                Measurement(at, arm, name, sample)
                for name, pair in look.items()
                for arm, sample in zip(("stable", "canary"), pair, strict=True)
            ],
        )
    return last


def values(random: np.random.Generator, mean: float, deviation: float) -> ValueSample:
    drawn = random.normal(mean, deviation, 500)
    return ValueSample(500, float(drawn.sum()), float(np.square(drawn).sum()))


def test_the_closest_comparison_is_told_whatever_the_units_are() -> None:
    random = np.random.default_rng(11)
    looks: list[dict[str, tuple[Sample, Sample]]] = [
        {
            "errors": (EventSample(2_000, 20), EventSample(2_000, 20)),
            "latency": (values(random, 200.0, 20.0), values(random, 280.0, 20.0)),
        }
        for _ in range(40)
    ]
    found = judged(JudgePlan((ERRORS, LATENCY)), looks)
    assert found.verdict is Verdict.HEALTHY
    assert found.reason.startswith("latency of canary is 80")
    assert found.reason.endswith(", the closest of 2 comparisons, all within their margins")


@pytest.mark.parametrize(
    ("verdict", "lower", "upper", "words"),
    [
        (Verdict.HEALTHY, None, 0.9996, "at most 0.9996 worse, within its margin of 1;"),
        (Verdict.HEALTHY, None, 0.52, "at most 0.52 worse, within its margin of 1;"),
        (Verdict.HEALTHY, None, -0.25, "at least 0.25 better, within its margin of 1;"),
        (Verdict.BREACH, 1.0004, None, "at least 1.0004, beyond its margin of 1;"),
        (Verdict.CONTINUE, None, None, "without a bound yet, undecided at its margin of 1;"),
        (Verdict.CONTINUE, None, 1.5, "at most 1.5, undecided at its margin of 1;"),
        (Verdict.CONTINUE, -2.0, None, "at least -2, undecided at its margin of 1;"),
        (Verdict.CONTINUE, -2.0, 1.0001, "between -2 and 1.0001, undecided at its margin of 1;"),
    ],
)
def test_bounds_show_on_which_side_of_the_margin_they_are(
    verdict: Verdict, lower: float | None, upper: float | None, words: str
) -> None:
    found = Assessment(1.001, lower, upper, 0.0, is_breached=False, is_safe=False, buckets=3)
    assert words in guardrail_reason(SCORE, "canary", verdict, found, {"stable": 5, "canary": 5})


def test_a_margin_is_told_with_all_its_digits() -> None:
    found = Assessment(0.0, -1.0, 2.0, 0.0, is_breached=False, is_safe=False, buckets=3)
    fine = Guardrail("score", GuardrailKind.MEAN, Direction.LOWER, 1.0004)
    assert "margin of 1.0004;" in guardrail_reason(fine, "canary", Verdict.CONTINUE, found, {"stable": 5, "canary": 5})


def test_one_observation_and_a_chance_too_small_to_write_are_told_as_such() -> None:
    alone = judged(JudgePlan((ERRORS,)), [{"errors": (EventSample(5, 0), EventSample(0, 0))}])
    assert "needs at least 1 observation in every arm" in alone.reason
    plan = JudgePlan((ERRORS,), weights={"stable": 1.0, "canary": 1.0})
    split = judged(plan, [{"errors": (EventSample(90_000, 0), EventSample(10_000, 0))}])
    assert split.verdict is Verdict.INVALID
    assert "(p < 1e-99 of 100,000)" in split.reason
