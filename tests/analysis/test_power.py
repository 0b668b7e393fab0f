from __future__ import annotations

import pytest

from benchmarks.proofs.judge import judged
from benchmarks.proofs.judge_scenarios import SAFE
from benchmarks.proofs.rollout_streams import Scenario
from mlops_tui.analysis.power import Baseline, expected_baseline, samples_needed
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind

RATE = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.01)


@pytest.mark.parametrize(
    ("scenario", "baseline"),
    [(SAFE[0], Baseline(0.01)), (SAFE[2], Baseline(0.0, 1.0)), (SAFE[3], Baseline(0.05))],
    ids=lambda value: str(value)[:40],
)
def test_the_samples_it_names_are_enough(scenario: Scenario, baseline: Baseline) -> None:
    needed = samples_needed(scenario.guardrail, baseline, 0.5, 0.05)
    assert needed is not None
    healthy = [judged(scenario, scenario.stream(seed)).healthy for seed in range(15)]
    assert sum(samples is not None and samples <= needed.treatment for samples in healthy) >= 10


def test_a_smaller_margin_a_rarer_arm_and_a_stricter_level_need_more() -> None:
    def total(guardrail: Guardrail, share: float = 0.5, level: float = 0.05) -> int:
        needed = samples_needed(guardrail, Baseline(0.05), share, level)
        assert needed is not None
        return needed.control + needed.treatment

    half = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.005)
    assert total(half) == pytest.approx(4 * total(RATE), rel=0.01)
    assert total(RATE, share=0.05) > 4 * total(RATE)
    assert total(RATE, level=0.01) > total(RATE)


def test_shares_of_traffic_set_the_arms_shares_of_samples() -> None:
    needed = samples_needed(RATE, Baseline(0.05), 0.1, 0.05)
    assert needed is not None
    assert needed.control == pytest.approx(9 * needed.treatment, rel=0.01)


def test_no_number_of_samples_proves_that_there_is_no_harm_at_all() -> None:
    assert samples_needed(Guardrail("e", GuardrailKind.RATE, Direction.LOWER, 0.0), Baseline(0.1), 0.5, 0.05) is None
    relative = Guardrail("e", GuardrailKind.RATE, Direction.LOWER, 0.1, MarginKind.RELATIVE)
    assert samples_needed(relative, Baseline(0.0), 0.5, 0.05) is None


def test_a_mean_needs_the_deviation_of_its_values() -> None:
    mean = Guardrail("latency", GuardrailKind.MEAN, Direction.LOWER, 5.0)
    assert samples_needed(mean, Baseline(100.0, 20.0), 0.5, 0.05) is not None
    with pytest.raises(ValueError, match="deviation"):
        samples_needed(mean, Baseline(100.0), 0.5, 0.05)


def test_a_quantile_tells_how_often_it_is_exceeded() -> None:
    p95 = Guardrail("latency", GuardrailKind.QUANTILE, Direction.LOWER, 0.02, quantile=0.95, threshold=250.0)
    assert expected_baseline(p95) == Baseline(1.0 - 0.95)
    assert expected_baseline(RATE) is None
