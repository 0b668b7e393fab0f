import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.comparison import Comparison, Direction, Judgement, MetricCell, compare_runs, direction_of


@dataclass(frozen=True)
class Logged:
    id: str
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)


def cells(comparison: Comparison, metric: str) -> tuple[MetricCell, ...]:
    return next(row.cells for row in comparison.metrics if row.name == metric)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("loss", Direction.LOWER),
        ("val_loss", Direction.LOWER),
        ("valLoss", Direction.LOWER),
        ("test/RMSE", Direction.LOWER),
        ("mean_absolute_error", Direction.LOWER),
        ("p95_latency_ms", Direction.LOWER),
        ("cross-entropy", Direction.LOWER),
        ("training_mean_squared_error", Direction.LOWER),
        ("auc", Direction.HIGHER),
        ("val.AUC", Direction.HIGHER),
        ("f1", Direction.HIGHER),
        ("f1_score", Direction.HIGHER),
        ("top5_accuracy", Direction.HIGHER),
        ("precision_at_10", Direction.HIGHER),
        ("R2", Direction.HIGHER),
        ("trainAccuracy", Direction.HIGHER),
        ("neg_mean_squared_error", Direction.HIGHER),
        ("neg_log_loss", Direction.HIGHER),
        ("neg_log_likelihood", Direction.LOWER),
        ("brier_score", Direction.LOWER),
        ("anomaly_score", Direction.NEITHER),
        ("accuracy_loss", Direction.NEITHER),
        ("epoch", Direction.NEITHER),
        ("closs", Direction.NEITHER),
        ("learning_rate", Direction.NEITHER),
        ("", Direction.NEITHER),
    ],
)
def test_directions_go_by_the_words_of_a_name(name: str, direction: Direction) -> None:
    assert direction_of(name) is direction


def test_metrics_are_judged_by_their_direction() -> None:
    runs = [Logged("a", {"auc": 0.8, "loss": 0.5, "epoch": 10}), Logged("b", {"auc": 0.9, "loss": 0.6, "epoch": 12})]
    comparison = compare_runs(runs)
    assert [row.name for row in comparison.metrics] == ["auc", "epoch", "loss"]
    assert cells(comparison, "auc")[0] == MetricCell(0.8, None, None, Judgement.BASELINE)
    better = cells(comparison, "auc")[1]
    assert better.absolute == pytest.approx(0.1)
    assert better.relative == pytest.approx(0.125)
    assert better.judgement is Judgement.BETTER
    assert cells(comparison, "loss")[1].judgement is Judgement.WORSE
    assert cells(comparison, "epoch")[1].judgement is Judgement.UNJUDGED


def test_the_baseline_may_be_any_run_and_directions_may_be_given() -> None:
    runs = [Logged("a", {"epoch": 10}), Logged("b", {"epoch": 12})]
    comparison = compare_runs(runs, baseline=1, directions={"epoch": Direction.LOWER})
    assert [cell.judgement for cell in cells(comparison, "epoch")] == [Judgement.BETTER, Judgement.BASELINE]
    assert cells(comparison, "epoch")[0].absolute == -2


def test_missing_and_nan_are_never_better_or_worse() -> None:
    runs = [Logged("a", {"auc": 0.8}), Logged("b", {"auc": math.nan}), Logged("c"), Logged("d", {"loss": 1})]
    comparison = compare_runs(runs)
    assert [cell.judgement for cell in cells(comparison, "auc")] == [
        Judgement.BASELINE, Judgement.UNJUDGED, Judgement.MISSING, Judgement.MISSING,
    ]  # fmt: skip
    assert [cell.judgement for cell in cells(comparison, "loss")] == [
        Judgement.MISSING, Judgement.MISSING, Judgement.MISSING, Judgement.UNJUDGED,
    ]  # fmt: skip
    assert cells(compare_runs(runs, baseline=1), "auc")[0].absolute is None


def test_a_baseline_of_zero_or_infinity_has_no_relative_change() -> None:
    zero = compare_runs([Logged("a", {"loss": 0.0}), Logged("b", {"loss": 1.0})])
    assert cells(zero, "loss")[1] == MetricCell(1.0, 1.0, None, Judgement.WORSE)
    endless = compare_runs(
        [Logged("a", {"loss": math.inf}), Logged("b", {"loss": 1.0}), Logged("c", {"loss": math.inf})]
    )
    assert cells(endless, "loss")[1] == MetricCell(1.0, -math.inf, None, Judgement.BETTER)
    assert cells(endless, "loss")[2] == MetricCell(math.inf, 0.0, 0.0, Judgement.EQUAL)


def test_negative_baselines_are_divided_by_their_size() -> None:
    comparison = compare_runs([Logged("a", {"reward": -2.0}), Logged("b", {"reward": -1.0})])
    assert cells(comparison, "reward")[1] == MetricCell(-1.0, 1.0, 0.5, Judgement.BETTER)


def test_only_differing_parameters_are_listed() -> None:
    runs = [
        Logged("a", params={"lr": "0.1", "seed": "1", "depth": "3"}),
        Logged("b", params={"lr": "0.01", "seed": "1", "depth": "3"}),
        Logged("c", params={"lr": "0.1", "seed": "1"}),
    ]
    comparison = compare_runs(runs)
    assert [(row.name, row.values) for row in comparison.params] == [
        ("depth", ("3", "3", None)),
        ("lr", ("0.1", "0.01", "0.1")),
    ]
    assert comparison.same_params == 1
    assert comparison.run_ids == ("a", "b", "c")


def test_a_baseline_must_be_one_of_the_runs() -> None:
    for runs, baseline in (([], 0), ([Logged("a")], 1), ([Logged("a")], -1)):
        with pytest.raises(ValueError, match="no run"):
            compare_runs(runs, baseline)


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.one_of(st.none(), numbers), st.one_of(st.none(), numbers), st.sampled_from(["auc", "loss", "other"]))
def test_swapping_the_baseline_swaps_better_and_worse(left: float | None, right: float | None, name: str) -> None:
    runs = [Logged(key, {} if value is None else {name: value}) for key, value in (("a", left), ("b", right))]
    swapped = {Judgement.BETTER: Judgement.WORSE, Judgement.WORSE: Judgement.BETTER}
    if left is None and right is None:
        assert compare_runs(runs).metrics == ()
        return
    forth = cells(compare_runs(runs, 0), name)[1].judgement
    back = cells(compare_runs(runs, 1), name)[0].judgement
    if left is not None and right is not None:
        assert back is swapped.get(forth, forth)
