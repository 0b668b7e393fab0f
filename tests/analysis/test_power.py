from __future__ import annotations

import pytest

from benchmarks.proofs.sample_sizes import Need, needs
from mlops_tui.analysis.power import Baseline, expected_baseline, samples_needed
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind

RATE = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.01)


@pytest.mark.parametrize("need", needs(), ids=lambda need: f"{need.name} {need.share} {need.per_window}")
def test_without_harm_most_rollouts_are_healthy_by_the_number_it_names_and_few_long_before(need: Need) -> None:
    windows = need.windows
    healthy = [need.healthy_after(windows, seed) for seed in range(12)]
    assert sum(after is not None for after in healthy) >= 6
    assert sum(after is not None and after <= windows / 3 for after in healthy) <= 6


def test_where_observations_come_in_few_windows_more_of_them_are_needed() -> None:
    def total(per_window: float) -> int:
        needed = samples_needed(RATE, Baseline(0.01), 0.2, 0.05, per_window)
        assert needed is not None
        return needed.control + needed.treatment

    assert total(5_000.0) > 2 * total(50.0)
    # An arm that is not in every window is compared over several of them.
    assert total(2.0) == pytest.approx(total(4.0), rel=0.1)


def test_a_margin_next_to_nothing_is_never_told_from_none() -> None:
    narrow = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 1e-12)
    assert samples_needed(narrow, Baseline(0.05), 0.2, 0.05, 100.0) is None


def test_a_smaller_margin_a_rarer_arm_and_a_stricter_level_need_more() -> None:
    def total(guardrail: Guardrail, share: float = 0.5, level: float = 0.05) -> int:
        needed = samples_needed(guardrail, Baseline(0.05), share, level)
        assert needed is not None
        return needed.control + needed.treatment

    half = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.005)
    assert total(half) > 3.5 * total(RATE)
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


@pytest.mark.parametrize(("margin", "mean"), [(1e-170, 1.0), (0.1, -5.0)])
def test_a_margin_of_next_to_nothing_or_a_share_of_less_is_never_told(margin: float, mean: float) -> None:
    kind = MarginKind.ABSOLUTE if mean > 0 else MarginKind.RELATIVE
    rule = Guardrail("score", GuardrailKind.MEAN, Direction.LOWER, margin, kind)
    assert samples_needed(rule, Baseline(mean, 1.0), 0.5, 0.05) is None
