"""The cases in which other judges of canaries were reported to be wrong, judged by ours and by Kayenta's rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from mlops_tui.analysis.judge import judge_of
from mlops_tui.domain.judgements import EventSample, JudgePlan, Measurement, Method, Sample, ValueSample, Verdict
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind

_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FailureCase:
    """A stream of (control, treatment) by time stamp, and the verdict that is right for it."""

    name: str
    guardrail: Guardrail
    pairs: Sequence[tuple[Sample, Sample]]
    right: Verdict

    def verdict(self, method: Method) -> Verdict:
        """What a method says at the end."""
        judge = judge_of(JudgePlan((self.guardrail,)), method)
        last = Verdict.INSUFFICIENT
        for number, pair in enumerate(self.pairs):
            at = _START + timedelta(minutes=number)
            arms = zip(("stable", "canary"), pair, strict=True)
            last = judge.observe(at, [Measurement(at, arm, "x", sample) for arm, sample in arms]).verdict
        return last


def _guardrail(kind: str, margin: float, min_samples: int = 0) -> Guardrail:
    return Guardrail("x", GuardrailKind(kind), Direction.LOWER, margin, min_samples=min_samples)


def _values(numbers: Sequence[float]) -> ValueSample:
    array = np.asarray(numbers, np.float64)
    return ValueSample(len(array), float(array.sum()), float(np.square(array).sum()))


def _spreading() -> list[tuple[Sequence[float], Sequence[float]]]:
    random = np.random.default_rng(5)
    return [(list(random.normal(1.0, 0.1, 50)), list(random.normal(1.0, 0.4, 50))) for _ in range(60)]


def _beyond(numbers: Sequence[float]) -> EventSample:
    return EventSample(len(numbers), float((np.asarray(numbers) > 1.3).sum()))


_POINTS = [100.0] * 7 + [1.0] * 3


def _noisy(size: int) -> list[tuple[Sample, Sample]]:
    random = np.random.default_rng(7)
    return [
        (_values(random.normal(1.0, 0.2, size).tolist()), _values(random.normal(point, 0.2 * point, size).tolist()))
        for point in _POINTS
    ]


CASES = (
    FailureCase(
        "7 of 10 points 100 times worse, the mean of one value a point",
        _guardrail("mean", 0.5),
        [(_values([1.0]), _values([point])) for point in _POINTS],
        Verdict.BREACH,
    ),
    FailureCase(
        "the same with noise of 20 % of the mean",
        _guardrail("mean", 0.5),
        _noisy(1),
        Verdict.BREACH,
    ),
    FailureCase(
        "the same with ten values a point",
        _guardrail("mean", 0.5),
        _noisy(10),
        Verdict.BREACH,
    ),
    FailureCase(
        "7 of 10 points 100 times worse, as a rate of 1 %",
        _guardrail("rate", 0.01),
        [(EventSample(100, 1), EventSample(100, point)) for point in _POINTS],
        Verdict.BREACH,
    ),
    FailureCase(
        "sparse errors: 4 in 6 points against none",
        _guardrail("count", 0.1),
        [(EventSample(1, 0), EventSample(1, count)) for count in (0, 1, 2, 1, 0, 0)],
        Verdict.CONTINUE,
    ),
    FailureCase(
        "the same, where the plan asks for 50 samples",
        _guardrail("count", 0.1, min_samples=50),
        [(EventSample(1, 0), EventSample(1, count)) for count in (0, 1, 2, 1, 0, 0)],
        Verdict.INSUFFICIENT,
    ),
    FailureCase(
        "no error in the baseline, 3 % in the canary",
        _guardrail("rate", 0.005),
        [(EventSample(1_000, 0), EventSample(1_000, 30))] * 2,
        Verdict.BREACH,
    ),
    FailureCase(
        "no error in either",
        _guardrail("rate", 0.005),
        [(EventSample(1_000, 0), EventSample(1_000, 0))] * 10,
        Verdict.HEALTHY,
    ),
    FailureCase(
        "only the variance changes (4 times the deviation), by the mean",
        _guardrail("mean", 0.1),
        [(_values(control), _values(canary)) for control, canary in _spreading()],
        Verdict.HEALTHY,
    ),
    FailureCase(
        "only the variance changes, by the share beyond a threshold",
        _guardrail("quantile", 0.02),
        [(_beyond(control), _beyond(canary)) for control, canary in _spreading()],
        Verdict.BREACH,
    ),
    FailureCase(
        "near-zero traffic: 1 error in 1 against 0 in 3",
        _guardrail("rate", 0.01),
        [(EventSample(3, 0), EventSample(1, 1))],
        Verdict.CONTINUE,
    ),
    FailureCase(
        "no traffic in the canary at all",
        _guardrail("rate", 0.01),
        [(EventSample(300, 3), EventSample(0, 0))] * 10,
        Verdict.INSUFFICIENT,
    ),
    FailureCase(
        "the mix of traffic changes between steps (Simpson), no harm within either",
        _guardrail("rate", 0.03),
        [
            *[(EventSample(100, 10), EventSample(900, 90))] * 10,
            *[(EventSample(900, 9), EventSample(100, 1))] * 10,
        ],
        Verdict.HEALTHY,
    ),
)

TEXT = """\
Streams of which it was reported that a judge of canaries got them wrong, and what is said of them here and by Kayenta's
rule."""


def rows() -> list[tuple[str, str, str, str]]:
    """Name, what is right, what our judge says and what Kayenta's rule says."""
    return [
        (case.name, case.right.value, case.verdict(Method.SEQUENTIAL).value, case.verdict(Method.KAYENTA).value)
        for case in CASES
    ]
