from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.proofs.failure_cases import CASES, FailureCase
from benchmarks.proofs.judge import judged
from benchmarks.proofs.judge_scenarios import AT_MARGIN, CORRELATED, HARM, NULL, SAFE, STAMP_LEVELS
from benchmarks.proofs.rollout_streams import Scenario
from mlops_tui.analysis.judge import SequentialJudge
from mlops_tui.domain.judgements import (
    EventSample,
    Judgement,
    JudgePlan,
    Measurement,
    Method,
    Sample,
    ValueSample,
    Verdict,
)
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind

START = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = 30


def guardrail(kind: str = "rate", margin: float = 0.01, *, name: str = "errors", **more: object) -> Guardrail:
    return replace(Guardrail(name, GuardrailKind(kind), Direction.LOWER, margin), **more)  # type: ignore[arg-type] # by name


def values(numbers: Iterable[float]) -> ValueSample:
    array = np.array(list(numbers), np.float64)
    return ValueSample(len(array), float(array.sum()), float(np.square(array).sum()))


def judge(plan: JudgePlan, pairs: Sequence[tuple[Sample, Sample]], name: str = "errors") -> list[Judgement]:
    """The verdicts on pairs of (control, treatment), one per time stamp."""
    judged_by = SequentialJudge(plan)
    found = []
    for number, pair in enumerate(pairs):
        at = START + timedelta(minutes=number)
        arms = zip(("stable", "canary"), pair, strict=True)
        found.append(judged_by.observe(at, [Measurement(at, arm, name, sample) for arm, sample in arms]))
    return found


def last(rule: Guardrail, pairs: Sequence[tuple[Sample, Sample]], alpha: float = 0.05) -> Judgement:
    return judge(JudgePlan((rule,), alpha), pairs)[-1]


# How often a BREACH is called without cause. A rule that is broken by looking a hundred times calls a third of these.


@pytest.mark.parametrize("scenario", NULL, ids=lambda scenario: scenario.name)
def test_a_hundred_looks_raise_no_more_false_alarms_than_alpha(scenario: Scenario) -> None:
    alarms = sum(judged(scenario, scenario.stream(seed)).breach is not None for seed in range(RUNS))
    assert alarms <= 3


@pytest.mark.parametrize("scenario", [CORRELATED[place] for place in (1, 3, 6, 8)], ids=lambda scenario: scenario.name)
def test_values_that_hang_together_raise_no_flood_of_false_alarms(scenario: Scenario) -> None:
    alarms = sum(judged(scenario, scenario.stream(seed)).breach is not None for seed in range(RUNS))
    assert alarms <= 5


@pytest.mark.parametrize("scenario", [STAMP_LEVELS[place] for place in (0, 1, 2, 6, 7)], ids=lambda one: one.name)
def test_levels_of_single_time_stamps_raise_no_flood_of_false_alarms(scenario: Scenario) -> None:
    alarms = sum(judged(scenario, scenario.stream(seed)).breach is not None for seed in range(RUNS))
    assert alarms <= 4


@pytest.mark.parametrize(
    "scenario", [HARM[place] for place in (0, 3, 4, 5, 8, 10, 11, 12)], ids=lambda scenario: scenario.name
)
def test_harm_is_found(scenario: Scenario) -> None:
    decisions = [judged(scenario, scenario.stream(seed)) for seed in range(15)]
    assert sum(decision.breach is not None for decision in decisions) >= 14


@pytest.mark.parametrize("scenario", SAFE, ids=lambda scenario: scenario.name)
def test_a_good_version_is_called_healthy(scenario: Scenario) -> None:
    decisions = [judged(scenario, scenario.stream(seed)) for seed in range(15)]
    assert sum(decision.healthy is not None for decision in decisions) >= 9
    assert all(decision.breach is None for decision in decisions)


@pytest.mark.parametrize("scenario", AT_MARGIN[:5], ids=lambda scenario: scenario.name)
def test_harm_at_the_margin_is_seldom_called_healthy(scenario: Scenario) -> None:
    healthy = sum(judged(scenario, scenario.stream(seed)).healthy is not None for seed in range(RUNS))
    assert healthy <= 3


def test_a_late_fault_is_found_within_some_time_stamps() -> None:
    scenario = HARM[5]
    stamps = [(judged(scenario, scenario.stream(seed)).breach or 0) / scenario.size - 50 for seed in range(10)]
    assert median(stamps) <= 8
    assert all(0 < late <= 20 for late in stamps)


# Cases that other judges let pass.


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name[:40])
def test_cases_that_went_wrong_elsewhere_get_the_right_verdict(case: FailureCase) -> None:
    assert case.verdict(Method.SEQUENTIAL) is case.right


def test_seven_of_ten_points_a_hundred_times_worse() -> None:
    points = [100.0] * 7 + [1.0] * 3
    as_means = [(values([1.0]), values([point])) for point in points]
    assert last(guardrail("mean", 0.5), as_means).verdict is Verdict.BREACH
    beyond = [(EventSample(1, 0), EventSample(1, point > 2)) for point in points]
    assert last(guardrail("quantile", 0.05), beyond).verdict is Verdict.BREACH
    as_rates = [(EventSample(100, 1), EventSample(100, point)) for point in points]
    assert last(guardrail("rate"), as_rates).verdict is Verdict.BREACH


@pytest.mark.parametrize("margin_kind", list(MarginKind))
def test_no_errors_in_the_baseline(margin_kind: MarginKind) -> None:
    rule = guardrail("rate", 0.005, margin_kind=margin_kind)
    assert last(rule, [(EventSample(1_000, 0), EventSample(1_000, 30))] * 2).verdict is Verdict.BREACH
    none = last(rule, [(EventSample(1_000, 0), EventSample(1_000, 0))] * 10)
    assert none.verdict is (Verdict.HEALTHY if margin_kind is MarginKind.ABSOLUTE else Verdict.CONTINUE)


def test_only_the_variance_changes() -> None:
    random = np.random.default_rng(5)
    draws = [(random.normal(1.0, 0.1, 50), random.normal(1.0, 0.4, 50)) for _ in range(60)]
    means = [(values(control), values(treatment)) for control, treatment in draws]
    assert last(guardrail("mean", 0.1), means).verdict is Verdict.HEALTHY
    slow = [tuple(EventSample(50, float((arm > 1.3).sum())) for arm in pair) for pair in draws]
    tail = last(guardrail("quantile", 0.02), [(control, treatment) for control, treatment in slow])
    assert tail.verdict is Verdict.BREACH


def test_a_change_of_the_mix_is_no_harm() -> None:
    busy, quiet = (EventSample(100, 10), EventSample(900, 90)), (EventSample(900, 9), EventSample(100, 1))
    found = last(guardrail("rate", 0.03), [busy] * 10 + [quiet] * 10)
    assert found.verdict is Verdict.HEALTHY
    assert found.guardrails[0].difference == pytest.approx(0.0, abs=1e-12)


# The rules of the verdict.


def test_a_breach_stays_a_breach_and_keeps_its_bound() -> None:
    bad, good = (EventSample(500, 5), EventSample(500, 100)), (EventSample(500, 5), EventSample(500, 5))
    found = judge(JudgePlan((guardrail(),)), [bad] + [good] * 40)
    assert {judgement.verdict for judgement in found} == {Verdict.BREACH}
    for judgement in found:
        result = judgement.guardrails[0]
        assert result.lower is not None
        assert result.lower > result.margin
        assert result.log_e is not None
        assert result.log_e >= -np.log(0.05)


def test_a_breach_is_allowed_before_there_are_enough_samples() -> None:
    pairs = [(EventSample(500, 5), EventSample(500, 200))]
    assert last(guardrail(min_samples=10_000), pairs).verdict is Verdict.BREACH


def test_bounds_enclose_the_difference_and_agree_with_the_verdict() -> None:
    for control, treatment, verdict in ((20, 22, Verdict.HEALTHY), (20, 200, Verdict.BREACH)):
        found = last(guardrail(margin=0.02), [(EventSample(1_000, control), EventSample(1_000, treatment))] * 10)
        result = found.guardrails[0]
        assert found.verdict is verdict
        assert result.lower is not None
        assert result.difference is not None
        assert result.upper is not None
        assert result.lower < result.difference < result.upper
        assert (result.lower > result.margin) is (verdict is Verdict.BREACH)
        assert (result.upper < result.margin) is (verdict is Verdict.HEALTHY)
        assert result.n == {"stable": 10_000, "canary": 10_000}


def test_an_advisory_guardrail_is_shown_and_decides_nothing() -> None:
    plan = JudgePlan((guardrail(), guardrail(name="advice", is_critical=False)))
    judged_by = SequentialJudge(plan)
    for minute in range(10):
        at = START + timedelta(minutes=minute)
        found = judged_by.observe(
            at,
            [
                Measurement(at, arm, name, EventSample(1_000, 300 if (arm, name) == ("canary", "advice") else 10))
                for arm in ("stable", "canary")
                for name in ("errors", "advice")
            ],
        )
    assert [result.verdict for result in found.guardrails] == [Verdict.HEALTHY, Verdict.BREACH]
    assert found.verdict is Verdict.HEALTHY
    assert (
        last(guardrail(is_critical=False), [(EventSample(9_000, 0), EventSample(9_000, 0))]).verdict is Verdict.CONTINUE
    )


def test_alpha_is_shared_by_guardrails_and_treatments() -> None:
    pairs = [(EventSample(1_000, 10), EventSample(1_000, 55))]
    alone = judge(JudgePlan((guardrail(),)), pairs)[-1]
    names = [f"other-{number}" for number in range(30)]
    crowd = judge(JudgePlan((guardrail(), *(guardrail(name=name) for name in names))), pairs)[-1]
    assert alone.guardrails[0].log_e == crowd.guardrails[0].log_e
    assert alone.guardrails[0].lower is not None
    assert crowd.guardrails[0].lower is not None
    assert crowd.guardrails[0].lower < alone.guardrails[0].lower


def test_arms_that_report_at_different_times_are_compared_once_both_have() -> None:
    nothing = EventSample(0, 0)
    pairs = [(EventSample(1_000, 10), nothing), (nothing, EventSample(1_000, 300))]
    found = judge(JudgePlan((guardrail(),)), pairs)
    assert [judgement.verdict for judgement in found] == [Verdict.INSUFFICIENT, Verdict.BREACH]


def test_arms_of_the_wrong_size_cannot_be_compared() -> None:
    plan = JudgePlan((guardrail(),), weights={"stable": 0.9, "canary": 0.1})
    fine = judge(plan, [(EventSample(9_000, 9), EventSample(1_000, 1))])
    wrong = judge(plan, [(EventSample(9_000, 9), EventSample(1_300, 1))])
    assert fine[-1].verdict is not Verdict.INVALID
    assert wrong[-1].verdict is Verdict.INVALID
    assert wrong[-1].guardrails[0].verdict is Verdict.INVALID
    assert "12.62%" in wrong[-1].reason
    assert (
        judge(JudgePlan((guardrail(),)), [(EventSample(9_000, 9), EventSample(1_300, 1))])[-1].verdict
        is not Verdict.INVALID
    )


def test_what_was_breached_stays_so_when_the_split_goes_wrong_later() -> None:
    plan = JudgePlan((guardrail(),), weights={"stable": 0.5, "canary": 0.5})
    found = judge(plan, [(EventSample(500, 5), EventSample(500, 200)), (EventSample(500, 5), EventSample(0, 0))])
    assert [judgement.verdict for judgement in found] == [Verdict.BREACH, Verdict.BREACH]


def test_relative_harm_is_a_share_of_the_control() -> None:
    found = last(
        guardrail("rate", 0.5, margin_kind=MarginKind.RELATIVE), [(EventSample(1_000, 50), EventSample(1_000, 150))] * 6
    )
    assert found.verdict is Verdict.BREACH
    assert found.guardrails[0].difference == pytest.approx(2.0)


def test_reasons_name_metric_value_bound_and_samples() -> None:
    breach = last(guardrail(), [(EventSample(1_000, 10), EventSample(1_000, 200))])
    for part in ("errors of canary", "0.19 worse", "margin of 0.01", "1,000 of stable"):
        assert part in breach.reason
    waiting = last(guardrail(min_samples=5_000), [(EventSample(1_000, 10), EventSample(1_000, 10))])
    assert "at least 5,000" in waiting.reason


# What must not matter.

COUNTS = st.tuples(st.integers(1, 300), st.floats(0, 1)).map(lambda pair: EventSample(pair[0], int(pair[0] * pair[1])))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=4), st.integers(0, 20), st.randoms(use_true_random=False)
)
def test_order_and_grouping_within_a_time_stamp_do_not_matter(
    pairs: list[tuple[EventSample, EventSample]], cut: int, random: object
) -> None:
    whole, split = SequentialJudge(JudgePlan((guardrail(),))), SequentialJudge(JudgePlan((guardrail(),)))
    for minute, pair in enumerate(pairs):
        at = START + timedelta(minutes=minute)
        parts = []
        for arm, sample in zip(("stable", "canary"), pair, strict=True):
            events = min(cut, sample.events)
            first = EventSample(events, events)
            parts += [
                Measurement(at, arm, "errors", first),
                Measurement(at, arm, "errors", EventSample(sample.n - first.n, sample.events - events)),
            ]
        expected = whole.observe(
            at,
            [Measurement(at, arm, "errors", one) for arm, one in zip(("stable", "canary"), pair, strict=True)],
        )
        assert split.observe(at, parts[::-1]) == expected


@settings(max_examples=30)
@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=5), st.floats(0, 0.2))
def test_harm_is_the_same_with_the_roles_and_the_direction_exchanged(
    pairs: list[tuple[EventSample, EventSample]], margin: float
) -> None:
    lower = last(guardrail(margin=margin), pairs)
    higher = last(guardrail(margin=margin, direction=Direction.HIGHER), [(other, one) for one, other in pairs])
    assert lower.verdict is higher.verdict
    for one, other in zip(lower.guardrails, higher.guardrails, strict=True):
        assert one.difference == pytest.approx(other.difference, abs=1e-9)
        assert one.lower == pytest.approx(other.lower, abs=1e-6)
        assert one.upper == pytest.approx(other.upper, abs=1e-6)
        assert one.log_e == pytest.approx(other.log_e, abs=1e-6)


@settings(max_examples=30)
@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=12), st.sampled_from(list(MarginKind)))
def test_bounds_hold_the_estimate_and_agree_with_the_verdict_whatever_comes(
    pairs: list[tuple[EventSample, EventSample]], margin_kind: MarginKind
) -> None:
    is_breached = False
    for judgement in judge(JudgePlan((guardrail(margin=0.1, margin_kind=margin_kind),)), pairs):
        result = judgement.guardrails[0]
        least = -np.inf if result.lower is None else result.lower
        most = np.inf if result.upper is None else result.upper
        assert least <= most
        assert (least > result.margin) is (result.verdict is Verdict.BREACH)
        if result.verdict is Verdict.HEALTHY:
            assert most < result.margin
        if result.difference is not None and result.verdict is not Verdict.BREACH:
            assert least <= result.difference <= most
        assert not is_breached or result.verdict is Verdict.BREACH
        is_breached = result.verdict is Verdict.BREACH


@settings(max_examples=30)
@given(st.lists(st.floats(0, 100), min_size=4, max_size=12), st.floats(0.01, 1_000), st.floats(-1e4, 1e4))
def test_means_do_not_depend_on_unit_or_origin(numbers: list[float], unit: float, origin: float) -> None:
    pairs = [([number, number + 1.0], [2 * number, 2 * number + 1.5]) for number in numbers]

    def judged_in(scale: float, shift: float) -> Judgement:
        return last(
            guardrail("mean", 3.0 * scale),
            [
                (values(scale * x + shift for x in one), values(scale * x + shift for x in other))
                for one, other in pairs
            ],
        )

    plain, changed = judged_in(1.0, 0.0), judged_in(unit, origin * unit)
    assert plain.verdict is changed.verdict
    assert plain.guardrails[0].log_e == pytest.approx(changed.guardrails[0].log_e, rel=1e-3, abs=1e-3)


def test_a_difference_of_the_recent_stretch_tells_its_own_samples() -> None:
    good, bad = (EventSample(200, 2), EventSample(100, 1)), (EventSample(200, 2), EventSample(100, 9))
    found = judge(JudgePlan((guardrail(margin=0.005),)), [good] * 40 + [bad] * 8)
    early, late = found[39], found[-1]
    assert "over the last" not in early.reason
    result = late.guardrails[0]
    assert result.difference == pytest.approx(0.08)
    assert result.n == {"stable": 9_600, "canary": 4_800}
    assert "0.08 worse over the last 8 times (1,600 and 800 observations)" in late.reason
    assert "observed were 9,600 of stable and 4,800 of canary at 48 times" in late.reason
