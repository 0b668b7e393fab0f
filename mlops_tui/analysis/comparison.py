"""Runs side by side: the parameters that differ, and what every metric gained or lost against a baseline."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

_LOWER = frozenset({
    "loss", "losses", "logloss", "mlogloss", "error", "errors", "err", "rmse", "mse", "mae", "mape", "smape",
    "wape", "rmsle", "msle", "nll", "bce", "perplexity", "ppl", "latency", "duration", "runtime", "seconds",
    "brier", "wer", "cer", "ter", "fid", "ece", "mce", "fpr", "fnr", "eer", "divergence", "kld", "psi", "regret",
    "cost", "deviance", "crossentropy", "hamming", "misclassification",
})  # fmt: skip
_HIGHER = frozenset({
    "auc", "auroc", "auprc", "roc", "accuracy", "acc", "f1", "f2", "fbeta", "precision", "recall", "sensitivity",
    "specificity", "r2", "map", "ndcg", "mrr", "bleu", "rouge", "meteor", "iou", "miou", "dice", "jaccard",
    "throughput", "tpr", "tnr", "kappa", "mcc", "gini", "reward", "silhouette", "likelihood", "pearson", "spearman",
})  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")


class Direction(Enum):
    """Which way a metric gets better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Judgement(Enum):
    """How a value stands to the baseline's; UNJUDGED where no direction is known or a value is NaN."""

    BASELINE = "baseline"
    BETTER = "better"
    WORSE = "worse"
    EQUAL = "equal"
    UNJUDGED = "unjudged"
    MISSING = "missing"


class ComparedRun(Protocol):
    """What a comparison needs of a run."""

    @property
    def id(self) -> str:
        """What identifies it."""
        ...

    @property
    def metrics(self) -> Mapping[str, float]:
        """The value logged last per name."""
        ...

    @property
    def params(self) -> Mapping[str, str]:
        """The parameters as text."""
        ...


@dataclass(frozen=True, slots=True)
class MetricCell:
    """One run's value of a metric against the baseline's.

    ``absolute`` is value minus baseline; ``relative`` divides it by the baseline's size and is None where that is zero
    or not finite. Both are None where one of the two values is missing or NaN.
    """

    value: float | None
    absolute: float | None
    relative: float | None
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric in all runs, in the order of the comparison."""

    name: str
    direction: Direction
    cells: tuple[MetricCell, ...]


@dataclass(frozen=True, slots=True)
class ParamRow:
    """One parameter in all runs; None where a run has none of that name."""

    name: str
    values: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs against one of them.

    ``params`` holds only the parameters that differ, a missing one differing from any value; ``same_params`` counts the
    others.
    """

    run_ids: tuple[str, ...]
    baseline: int
    metrics: tuple[MetricRow, ...]
    params: tuple[ParamRow, ...]
    same_params: int


def compare_runs(
    runs: Sequence[ComparedRun], baseline: int = 0, directions: Mapping[str, Direction] | None = None
) -> Comparison:
    """Compare runs with the one at the place ``baseline``.

    ``directions`` says for single metrics which way is better; the others go by their names.

    Raises:
        ValueError: there is no run at ``baseline``.
    """
    if not 0 <= baseline < len(runs):
        raise ValueError(f"no run at place {baseline} of {len(runs)}")
    given = directions or {}
    metrics = tuple(
        _metric_row(name, given.get(name) or direction_of(name), [run.metrics.get(name) for run in runs], baseline)
        for name in _all_names(run.metrics for run in runs)
    )
    params = [
        ParamRow(name, tuple(run.params.get(name) for run in runs)) for name in _all_names(run.params for run in runs)
    ]
    differing = tuple(row for row in params if len(set(row.values)) > 1)
    return Comparison(tuple(run.id for run in runs), baseline, metrics, differing, len(params) - len(differing))


def direction_of(metric: str) -> Direction:
    """Which way a metric gets better, going by the words of its name; neither where they say nothing or both.

    A leading ``neg``, as in scikit-learn's ``neg_mean_squared_error``, turns it around.
    """
    words = [word.lower() for word in _WORD.findall(metric)]
    if "cross" in words and "entropy" in words:
        words.append("crossentropy")
    is_lower, is_higher = (not known.isdisjoint(words) for known in (_LOWER, _HIGHER))
    if is_lower is is_higher:
        return Direction.NEITHER
    return Direction.LOWER if is_lower is not ("neg" in words) else Direction.HIGHER


def _all_names(mappings: Iterable[Mapping[str, object]]) -> list[str]:
    return sorted({name for mapping in mappings for name in mapping})


def _metric_row(name: str, direction: Direction, values: Sequence[float | None], baseline: int) -> MetricRow:
    cells = [_metric_cell(value, values[baseline], direction) for value in values]
    own = values[baseline]
    if own is not None:
        cells[baseline] = MetricCell(own, None, None, Judgement.BASELINE)
    return MetricRow(name, direction, tuple(cells))


def _metric_cell(value: float | None, baseline: float | None, direction: Direction) -> MetricCell:
    if value is None:
        return MetricCell(None, None, None, Judgement.MISSING)
    if baseline is None or math.isnan(value) or math.isnan(baseline):
        return MetricCell(value, None, None, Judgement.UNJUDGED)
    if value == baseline:
        return MetricCell(value, 0.0, 0.0, Judgement.EQUAL)
    absolute = value - baseline
    relative = absolute / abs(baseline) if baseline and math.isfinite(baseline) else None
    return MetricCell(value, absolute, relative, _judged(absolute, direction))


def _judged(difference: float, direction: Direction) -> Judgement:
    if direction is Direction.NEITHER:
        return Judgement.UNJUDGED
    return Judgement.BETTER if (difference > 0) is (direction is Direction.HIGHER) else Judgement.WORSE
