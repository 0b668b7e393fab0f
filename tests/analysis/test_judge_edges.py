"""What a judge is fed when something is odd: extreme numbers, baselines below zero, single events, many guardrails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite

import numpy as np
import pytest

from mlops_tui.analysis.contrasts import Tally
from mlops_tui.analysis.event_evidence import EventWindow
from mlops_tui.analysis.judge import SequentialJudge
from mlops_tui.domain.judgements import EventSample, Judgement, JudgePlan, Measurement, Sample, ValueSample, Verdict
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind

START = datetime(2026, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.filterwarnings("error")


def guardrail(kind: str, margin: float, *, name: str = "x", **more: object) -> Guardrail:
    return replace(Guardrail(name, GuardrailKind(kind), Direction.LOWER, margin), **more)  # type: ignore[arg-type] # by name


def values(numbers: Iterable[float]) -> ValueSample:
    array = np.array(list(numbers), np.float64)
    return ValueSample(len(array), float(array.sum()), float(np.square(array).sum()))


def last(plan: JudgePlan, moments: Sequence[dict[str, tuple[Sample, Sample]]]) -> Judgement:
    """The verdict after the last of pairs of (control, treatment) by guardrail."""
    judge = SequentialJudge(plan)
    for number, pairs in enumerate(moments):
        at = START + timedelta(seconds=number)
        found = judge.observe(
            at,
            [
                Measurement(at, arm, name, sample)
                for name, pair in pairs.items()
                for arm, sample in zip(("stable", "canary"), pair, strict=True)
            ],
        )
    return found


def of_one(rule: Guardrail, pairs: Sequence[tuple[Sample, Sample]]) -> Judgement:
    found = last(JudgePlan((rule,)), [{rule.name: pair} for pair in pairs])
    result = found.guardrails[0]
    told = (result.difference, result.lower, result.upper, result.log_e)
    assert all(number is None or isfinite(number) for number in told)
    return found


def means(size: int, stamps: int, control: float, treatment: float, noise: float) -> list[tuple[Sample, Sample]]:
    random = np.random.default_rng([size, stamps])
    return [
        (values(random.normal(control, noise, size)), values(random.normal(treatment, noise, size)))
        for _ in range(stamps)
    ]


@pytest.mark.parametrize("size", [1, 2, 10, 1_000])
@pytest.mark.parametrize("noise", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("margin_kind", list(MarginKind))
def test_a_mean_a_hundred_times_worse_at_seven_noisy_points_of_ten(
    size: int, noise: float, margin_kind: MarginKind
) -> None:
    rule = guardrail("mean", 0.1 if margin_kind is MarginKind.RELATIVE else 10.0, margin_kind=margin_kind)
    found = []
    for seed in range(4):
        random = np.random.default_rng([seed, size])
        points = random.permutation([1e4] * 7 + [100.0] * 3)
        pairs = [
            (values(random.normal(100.0, 100.0 * noise, size)), values(random.normal(point, point * noise, size)))
            for point in points
        ]
        found.append(of_one(rule, pairs).verdict)
    # One noisy value a point is worth just enough, and in a few streams of a hundred not quite.
    assert found.count(Verdict.BREACH) >= (3 if size == 1 and noise == 0.3 else 4)


@pytest.mark.parametrize("margin", [1e4, 1e9, 1e30])
@pytest.mark.parametrize("size", [1, 9])
def test_a_margin_far_beyond_the_scatter_is_not_breached_by_rounding(margin: float, size: int) -> None:
    assert of_one(guardrail("mean", margin), means(size, 30, 5.0, 5.0, 1.0)).verdict is Verdict.HEALTHY


def test_values_that_never_change_have_no_variance_but_that_of_rounding() -> None:
    same = [(values([7.3] * 3), values([7.3] * 3))] * 30
    assert of_one(guardrail("mean", 1e6), same).verdict is Verdict.HEALTHY
    worse = [(values([7.3] * 3), values([7.3 * 1.1] * 3))] * 30
    at_margin = guardrail("mean", 0.1, margin_kind=MarginKind.RELATIVE)
    assert of_one(at_margin, worse).verdict is Verdict.CONTINUE


@pytest.mark.parametrize("kind", list(MarginKind))
@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_zeros_only(kind: MarginKind, margin: float) -> None:
    found = of_one(guardrail("mean", margin, margin_kind=kind), [(values([0.0, 0.0]), values([0.0, 0.0]))] * 30)
    is_safe = margin > 0.0 and kind is MarginKind.ABSOLUTE
    assert found.verdict is (Verdict.HEALTHY if is_safe else Verdict.CONTINUE)


@pytest.mark.parametrize("unit", [1e-170, 1e-70, 1e60, 1e90])
def test_extreme_units_are_no_evidence(unit: float) -> None:
    for margin in (0.0, 1e-60):
        assert of_one(guardrail("mean", margin), means(5, 30, 0.0, 0.0, unit)).verdict is not Verdict.BREACH


@pytest.mark.parametrize("direction", list(Direction))
def test_a_share_of_a_control_below_zero_is_no_harm_and_no_pass(direction: Direction) -> None:
    rule = guardrail("mean", 0.1, margin_kind=MarginKind.RELATIVE, direction=direction)
    for treatment in (-5.0, -3.0, -8.0):
        found = of_one(rule, means(9, 30, -5.0, treatment, 1.0))
        assert found.verdict is Verdict.CONTINUE
        assert "a share of its control, which is not above zero" in found.reason


@pytest.mark.parametrize("n", [1e9, 1e12, 1e15])
def test_huge_counts(n: float) -> None:
    for kind in ("rate", "count", "quantile"):
        same, worse = ([(EventSample(n, n // 100), EventSample(n, times * (n // 100)))] * 10 for times in (1, 5))
        assert of_one(guardrail(kind, 0.01), same).verdict is Verdict.HEALTHY
        assert of_one(guardrail(kind, 0.01), worse).verdict is Verdict.BREACH


def test_one_of_twenty_guardrails_is_breached_and_the_others_pass() -> None:
    names = [f"g{number}" for number in range(20)]
    good, bad = (EventSample(100, 1), EventSample(100, 1)), (EventSample(100, 1), EventSample(100, 20))
    plan = JudgePlan(tuple(guardrail("rate", 0.02, name=name) for name in names))
    found = last(plan, [{name: bad if name == "g7" else good for name in names}] * 30)
    assert found.verdict is Verdict.BREACH
    assert found.reason.startswith("g7 of canary")
    assert [item.verdict for item in found.guardrails].count(Verdict.HEALTHY) == 19


def test_the_exposure_of_a_count_says_nothing_of_the_split() -> None:
    plan = JudgePlan(
        (guardrail("count", 1.0, name="crashes"), guardrail("rate", 0.1, name="errors")),
        weights={"stable": 0.9, "canary": 0.1},
    )
    hours = EventSample(3_600.0, 1), EventSample(3_600.0, 1)
    requests = EventSample(900, 9), EventSample(100, 1)
    assert last(plan, [{"crashes": hours, "errors": requests}] * 5).verdict is not Verdict.INVALID
    assert last(plan, [{"crashes": hours, "errors": requests[:1] * 2}] * 5).verdict is Verdict.INVALID


# How many observations count as one, while there are hardly any events.


def per_one(buckets: Sequence[tuple[int, int]]) -> float:
    """After buckets of ten observations an arm with so many events in the control and the treatment."""
    window = EventWindow.first(guardrail("rate", 0.0), Tally(10, 0, 0), Tally(10, 0, 0))
    for control, treatment in buckets:
        window.add(Tally(10, control, control), Tally(10, treatment, treatment))
    return float(window.discount().per_one.max())


@pytest.mark.parametrize("stamps", [4, 10, 30])
@pytest.mark.parametrize("first", [(1, 0), (0, 1)])
def test_one_event_shows_nothing_of_how_events_clump(stamps: int, first: tuple[int, int]) -> None:
    rest = [(0, 0)] * (stamps - 1)
    assert per_one([first, *rest]) == per_one([(0, 0), *rest])


def test_no_clump_makes_fewer_of_its_events_than_one() -> None:
    assert 2.5 < per_one([(0, 0), (0, 6), (0, 0), (0, 0)]) <= 6.0


def test_an_early_error_of_the_control_does_not_put_off_a_pass() -> None:
    stamps = [(EventSample(10, 1), EventSample(10, 0)), *[(EventSample(10, 0), EventSample(10, 0))] * 11]
    found = of_one(guardrail("rate", 0.05), stamps)
    assert found.verdict is Verdict.HEALTHY
    fourth = of_one(guardrail("rate", 0.05), stamps[:4]).guardrails[0]
    assert fourth.upper is not None
    assert fourth.upper < 0.2


@pytest.mark.parametrize("size", [2, 50])
def test_means_that_are_alike_stay_harmless_however_long_one_looks(size: int) -> None:
    rule = guardrail("mean", 0.5)
    judge = SequentialJudge(JudgePlan((rule,)))
    seen = set()
    for number, pair in enumerate(means(size, 600, 0.0, 0.0, 1.0)):
        at = START + timedelta(seconds=number)
        arms = zip(("stable", "canary"), pair, strict=True)
        seen.add(judge.observe(at, [Measurement(at, arm, rule.name, sample) for arm, sample in arms]).verdict)
    assert Verdict.BREACH not in seen


def test_one_skewed_value_beside_the_mean_of_many_is_no_harm() -> None:
    random = np.random.default_rng(5)
    rule, breaches = guardrail("mean", 0.1), 0
    for _ in range(20):
        judge = SequentialJudge(JudgePlan((rule,)))
        for number in range(150):
            at = START + timedelta(seconds=number)
            samples = {"stable": random.lognormal(size=19), "canary": random.lognormal(size=1)}
            found = judge.observe(
                at, [Measurement(at, arm, rule.name, values(numbers)) for arm, numbers in samples.items()]
            )
            if found.verdict is Verdict.BREACH:
                breaches += 1
                break
    assert breaches <= 1
