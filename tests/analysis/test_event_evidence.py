"""The bets on events gain nothing on average where the harm is within the margin: summed over every outcome."""

from __future__ import annotations

from itertools import product
from math import comb, exp, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.contrasts import Side, Tally
from mlops_tui.analysis.event_evidence import EventWindow
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind


def guardrail(kind: str, margin: float, direction: str = "lower", margin_kind: str = "absolute") -> Guardrail:
    return Guardrail("g", GuardrailKind(kind), Direction(direction), margin, MarginKind(margin_kind))


def events(n: int, count: int) -> Tally:
    return Tally(n, count, count)


def e_value(rule: Guardrail, buckets: list[tuple[Tally, Tally]], side: Side) -> float:
    window = EventWindow.first(rule, *buckets[0])
    for control, treatment in buckets:
        window.add(control, treatment)
    return exp(window.log_e(side)[int(np.searchsorted(window.margins, rule.margin))])


def binomial(n: int, count: int, rate: float) -> float:
    return comb(n, count) * rate**count * (1 - rate) ** (n - count)


def poisson(count: int, mean: float) -> float:
    return exp(-mean) * mean**count / factorial(count)


RATES = [
    ("absolute", "lower", 0.0, 0.3, 0.3, Side.AT_MOST),
    ("absolute", "lower", 0.0, 0.02, 0.02, Side.AT_MOST),
    ("absolute", "lower", 0.1, 0.4, 0.5, Side.AT_MOST),
    ("absolute", "lower", 0.1, 0.0, 0.1, Side.AT_MOST),
    ("absolute", "lower", 0.1, 0.9, 1.0, Side.AT_MOST),
    ("absolute", "lower", 0.1, 0.5, 0.2, Side.AT_MOST),
    ("absolute", "higher", 0.2, 0.9, 0.7, Side.AT_MOST),
    ("relative", "lower", 0.5, 0.2, 0.3, Side.AT_MOST),
    ("relative", "higher", 0.5, 0.8, 0.4, Side.AT_MOST),
    ("absolute", "lower", 0.1, 0.05, 0.15, Side.AT_LEAST),
    ("absolute", "lower", 0.1, 0.5, 0.6, Side.AT_LEAST),
    ("absolute", "higher", 0.1, 0.95, 0.85, Side.AT_LEAST),
    ("relative", "lower", 0.5, 0.4, 0.6, Side.AT_LEAST),
]


@pytest.mark.parametrize("kind", ["rate", "quantile"])
@pytest.mark.parametrize(("margin_kind", "direction", "margin", "control", "treatment", "side"), RATES)
def test_on_average_an_e_value_of_rates_is_at_most_one(
    kind: str, margin_kind: str, direction: str, margin: float, control: float, treatment: float, side: Side
) -> None:
    rule = guardrail(kind, margin, direction, margin_kind)
    sizes = [(2, 3), (4, 1)]
    outcomes = product(*(range(n + 1) for pair in sizes for n in pair))
    mean = 0.0
    for first, second, third, fourth in outcomes:
        buckets = [(events(2, first), events(3, second)), (events(4, third), events(1, fourth))]
        chance = binomial(2, first, control) * binomial(3, second, treatment)
        chance *= binomial(4, third, control) * binomial(1, fourth, treatment)
        mean += chance * e_value(rule, buckets, side)
    assert mean <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("margin_kind", "margin", "control", "treatment", "side"),
    [
        ("absolute", 0.0, 0.5, 0.5, Side.AT_MOST),
        ("absolute", 0.5, 1.0, 1.5, Side.AT_MOST),
        ("relative", 1.0, 0.5, 1.0, Side.AT_MOST),
        ("absolute", 0.5, 0.5, 1.0, Side.AT_LEAST),
    ],
)
def test_on_average_an_e_value_of_counts_is_at_most_one(
    margin_kind: str, margin: float, control: float, treatment: float, side: Side
) -> None:
    rule = guardrail("count", margin, margin_kind=margin_kind)
    mean = sum(
        poisson(first, 2 * control)
        * poisson(second, treatment)
        * e_value(rule, [(events(2, first), events(1, second))], side)
        for first, second in product(range(25), range(25))
    )
    assert mean <= 1.0 + 1e-9


def test_bets_are_worth_making_where_there_is_harm() -> None:
    mean = sum(
        binomial(20, first, 0.1)
        * binomial(20, second, 0.9)
        * e_value(guardrail("rate", 0.0), [(events(20, first), events(20, second))], Side.AT_MOST)
        for first, second in product(range(21), range(21))
    )
    assert mean > 3.0


@given(st.integers(0, 40), st.integers(0, 39), st.sampled_from(["rate", "quantile", "count"]))
def test_one_more_bad_event_is_more_evidence(control: int, treatment: int, kind: str) -> None:
    few, more = (
        e_value(guardrail(kind, 0.05), [(events(40, control), events(40, count))], Side.AT_MOST)
        for count in (treatment, treatment + 1)
    )
    assert more >= few


def test_evidence_is_made_within_buckets_and_never_of_pooled_counts() -> None:
    busy = (events(900, 90), events(100, 10))
    quiet = (events(100, 1), events(900, 9))
    window = EventWindow.first(guardrail("rate", 0.005), *busy)
    for control, treatment in [busy, quiet] * 20:
        window.add(control, treatment)
    treatment_mean, control_mean = window.series.means()
    assert treatment_mean == pytest.approx(control_mean)
    against = e_value(guardrail("rate", 0.005), [busy, quiet] * 20, Side.AT_MOST)
    assert against < 1.0


def test_events_that_come_in_clumps_count_for_less() -> None:
    def window(control: list[int], treatment: list[int]) -> EventWindow:
        made = EventWindow.first(guardrail("rate", 0.0), events(100, 5), events(100, 5))
        for one, other in zip(control, treatment, strict=True):
            made.add(events(100, one), events(100, other))
        return made

    random = np.random.default_rng(3)
    even = window(random.binomial(100, 0.1, 60).tolist(), random.binomial(100, 0.1, 60).tolist())
    clumped = window((10 * random.binomial(10, 0.1, 60)).tolist(), (10 * random.binomial(10, 0.1, 60)).tolist())
    assert even.discount().per_one.max() < 2.5
    assert clumped.discount().per_one.min() > 5.0
