"""How many samples and how long until a verdict, from the evidence so far and the pace of the step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mlops_tui.analysis.judge import SequentialJudge
from mlops_tui.analysis.power import Baseline, samples_needed
from mlops_tui.domain.judgements import EventSample, Judgement, Measurement, Verdict
from mlops_tui.domain.policy import (
    Direction,
    Guardrail,
    GuardrailKind,
    MarginKind,
    RolloutDriver,
    RolloutPolicy,
    RolloutStep,
)
from mlops_tui.domain.rollouts import VerdictEstimate
from mlops_tui.operations.measurements import MeasuredWindow
from mlops_tui.operations.rollouts.estimates import verdict_estimate
from mlops_tui.operations.rollouts.judging import judge_plan_of

BEGUN = datetime(2026, 3, 14, 14, tzinfo=UTC)
WIDTH = timedelta(seconds=10)
LOOKS = 6
NOW = BEGUN + LOOKS * WIDTH
ERRORS = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.02)


def plan(*rails: Guardrail) -> RolloutPolicy:
    return RolloutPolicy(RolloutDriver.FLAG, steps=(RolloutStep(20),), guardrails=rails)


def windows(judged: RolloutPolicy, *, control: int = 80, treatment: int = 20) -> list[MeasuredWindow]:
    """The same traffic in each window, of which five in a hundred answers are errors."""
    made = []
    for number in range(LOOKS):
        start = BEGUN + number * WIDTH
        samples = {"stable": EventSample(control, control / 20), "canary": EventSample(treatment, treatment / 20)}
        measurements = tuple(
            Measurement(start + WIDTH, arm, rail.name, sample)
            for rail in judged.guardrails
            for arm, sample in samples.items()
            if sample.n
        )
        made.append(MeasuredWindow(start, WIDTH, {}, measurements))
    return made


def judgement(judged: RolloutPolicy, seen: list[MeasuredWindow]) -> Judgement:
    judge_plan = judge_plan_of(judged)
    assert judge_plan is not None
    judge = SequentialJudge(judge_plan)
    return [judge.observe(window.end, window.measurements) for window in seen][-1]


def estimate(judged: RolloutPolicy, seen: list[MeasuredWindow]) -> VerdictEstimate | None:
    kept = [item for window in seen for item in window.measurements]
    return verdict_estimate(judged, judgement(judged, seen), kept, seen, NOW)


def test_what_the_power_takes_less_what_there_is_at_the_pace_of_the_step() -> None:
    judged = plan(ERRORS)
    needed = samples_needed(ERRORS, Baseline(0.05), 0.2, judged.alpha, per_window=100.0)
    assert needed is not None
    left = needed.treatment - 20 * LOOKS
    expected = VerdictEstimate("errors", "canary", left, NOW + timedelta(seconds=left / 2))
    assert estimate(judged, windows(judged)) == expected


def test_the_comparison_that_is_decided_last_is_told() -> None:
    strict = Guardrail("strict", GuardrailKind.RATE, Direction.LOWER, 0.01, metric="errors")
    judged = plan(ERRORS, strict)
    found = estimate(judged, windows(judged))
    assert found is not None
    assert found.guardrail == "strict"
    advisory = plan(ERRORS, Guardrail("strict", GuardrailKind.RATE, Direction.LOWER, 0.01, is_critical=False))
    found = estimate(advisory, windows(advisory))
    assert found is not None
    assert found.guardrail == "errors"


def test_a_guardrails_own_samples_are_waited_for() -> None:
    judged = plan(Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.5, min_samples=10_000))
    found = estimate(judged, windows(judged))
    assert found == VerdictEstimate("errors", "canary", 9_880, NOW + timedelta(seconds=4_940))


def test_a_margin_of_zero_is_never_passed() -> None:
    found = estimate(plan(Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.0)), windows(plan(ERRORS)))
    assert found is not None
    assert (found.samples_left, found.eta) == (None, None)
    assert "nobody can prove" in found.why


def test_nothing_is_expected_where_nothing_is_open_or_nothing_is_compared() -> None:
    judged = plan(ERRORS)
    assert verdict_estimate(judged, None, (), (), NOW) is None
    open_yet = judgement(judged, windows(judged))
    assert open_yet.verdict is Verdict.CONTINUE
    alone = windows(judged, control=0, treatment=100)
    kept = [item for window in windows(judged) for item in window.measurements]
    assert verdict_estimate(judged, open_yet, kept, alone, NOW) is None
    wide = plan(Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.9))
    seen = windows(wide, control=8000, treatment=2000)
    assert judgement(wide, seen).verdict is Verdict.HEALTHY
    assert estimate(wide, seen) is None


def test_an_estimate_that_has_passed_leaves_nothing_to_wait_for() -> None:
    judged = plan(ERRORS)
    open_yet = judgement(judged, windows(judged))
    many = {"stable": 480_000.0, "canary": 120_000.0}
    late = replace(open_yet, guardrails=tuple(replace(item, n=many) for item in open_yet.guardrails))
    kept = [item for window in windows(judged) for item in window.measurements]
    assert verdict_estimate(judged, late, kept, windows(judged), NOW) == VerdictEstimate("errors", "canary", 0, None)


def test_a_verdict_that_nobody_lives_to_see_has_no_time() -> None:
    judged = plan(replace(ERRORS, margin=0.001))
    rare = [replace(window, width=timedelta(days=100)) for window in windows(judged)]
    found = estimate(judged, rare)
    assert found is not None
    assert found.samples_left
    assert found.eta is None


def test_a_margin_next_to_nothing_is_told_as_the_reason() -> None:
    judged = plan(replace(ERRORS, margin=1e-12))
    found = estimate(judged, windows(judged))
    assert found is not None
    assert found.samples_left is None
    assert found.why == "a margin this narrow is never told from none, however many samples there are"


def test_a_share_of_no_errors_is_told_as_the_reason() -> None:
    judged = plan(replace(ERRORS, margin=0.5, margin_kind=MarginKind.RELATIVE))
    clean = [
        replace(
            window,
            measurements=tuple(replace(item, sample=EventSample(item.sample.n, 0)) for item in window.measurements),
        )
        for window in windows(judged)
    ]
    found = estimate(judged, clean)
    assert found is not None
    assert found.why == "the control has had none yet, and a share of nothing is no margin"
