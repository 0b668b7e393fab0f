from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlops_tui.analysis.judge import judge_of
from mlops_tui.analysis.kayenta import Class, classify, location_shift
from mlops_tui.domain.judgements import EventSample, JudgePlan, Measurement, Method, Verdict
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind

NAN = float("nan")


def test_the_interval_is_kayentas() -> None:
    """The figures printed in https://github.com/spinnaker/spinnaker/issues/6278, and those of R for ranks apart."""
    shift = location_shift(np.array([10.0, 20.0, 30.0, 40.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert (shift.lower, shift.upper, shift.estimate) == pytest.approx((6.0, 39.0, 22.5), abs=1e-4)
    shift = location_shift(np.array([100.0] * 7 + [1.0] * 3), np.ones(10))
    assert shift.lower == pytest.approx(6.825022991538781e-05, rel=1e-12)
    assert (shift.upper, shift.estimate) == pytest.approx((99.0, 98.99992904170193), abs=1e-4)


@pytest.mark.parametrize(
    ("experiment", "control", "expected"),
    [
        ([100.0] * 7 + [1.0] * 3, [1.0] * 10, Class.ALIKE),
        ([100.0] * 8 + [1.0] * 2, [1.0] * 10, Class.HIGH),
        ([0.0, 1.0, 2.0, 1.0, 0.0, 0.0], [0.0] * 6, Class.ALIKE),
        ([10.0, 20.0, 30.0, 40.0], [1.0, 2.0, 3.0, 4.0], Class.HIGH),
        ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0], Class.LOW),
        ([1.0, 2.0], [2.0, 1.0], Class.ALIKE),
        ([5.0, 5.0], [5.0], Class.ALIKE),
        ([5.0, NAN], [NAN], Class.NO_DATA),
        ([7.0] * 5, [5.0] * 5, Class.HIGH),
    ],
)
def test_metrics_are_classified_as_there(experiment: list[float], control: list[float], expected: Class) -> None:
    assert classify(experiment, control) is expected


def test_an_increase_that_is_allowed_passes() -> None:
    experiment, control = [value * 1.2 for value in range(50, 90)], list(map(float, range(50, 90)))
    assert classify(experiment, control) is Class.HIGH
    assert classify(experiment, control, allowed=1.3) is Class.ALIKE


@pytest.mark.parametrize(
    ("direction", "rate", "verdict"),
    [
        ("lower", 0.5, Verdict.BREACH),
        ("lower", 0.01, Verdict.HEALTHY),
        ("higher", 0.5, Verdict.HEALTHY),
        ("higher", 0.01, Verdict.BREACH),
    ],
)
def test_a_plan_is_judged_by_score(direction: str, rate: float, verdict: Verdict) -> None:
    rule = Guardrail("errors", GuardrailKind.RATE, Direction(direction), 0.0)
    judge = judge_of(JudgePlan((rule,)), Method.KAYENTA)
    random = np.random.default_rng(1)
    for minute in range(20):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        found = judge.observe(
            at,
            [
                Measurement(at, "stable", "errors", EventSample(1_000, float(random.binomial(1_000, 0.2)))),
                Measurement(at, "canary", "errors", EventSample(1_000, float(random.binomial(1_000, rate)))),
            ],
        )
    assert found.verdict is verdict
    assert found.guardrails[0].log_e is None


def test_without_data_nothing_passes() -> None:
    rule = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.0)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    judge = judge_of(JudgePlan((rule,)), Method.KAYENTA)
    assert judge.observe(at, [Measurement(at, "stable", "errors", EventSample(10, 1))]).verdict is Verdict.INSUFFICIENT
