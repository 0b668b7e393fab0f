"""Which output is the truth, which one the decision, which one the score: as a person says, or as the data suggest.

What was guessed is said, since a wrong guess makes figures that look right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.quality import Outputs, OutputWish, QualityTask
from mlops_tui.domain.trace_queries import LabelledPrediction
from mlops_tui.domain.traces import Value, text_of

DEFAULT_THRESHOLD = 0.5

_OUTPUTS = ("label", "class", "outcome", "value")
_SCORES = ("score", "probability", "proba")
_BINARY_NUMBERS = frozenset({"0", "1"})
_BINARY_TRUTHS = frozenset({"false", "true"})


def choose_outputs(predictions: Sequence[LabelledPrediction], wish: OutputWish) -> Outputs | None:
    """What is held against what in labelled predictions; None without any.

    Raises:
        UsageError: no label is of the output, or no prediction of the positive class, that was asked for.
    """
    if not predictions:
        return None
    actual = {name for item in predictions for name in item.actual}
    predicted = {name for item in predictions for name in item.predicted}
    output = _output(actual, predicted, wish)
    truths = [value for item in predictions for value in values_of(item.actual.get(output))]
    decision = output if output in predicted else next((name for name in _OUTPUTS if name in predicted), "")
    decisions = [value for item in predictions for value in values_of(item.predicted.get(decision))]
    task = wish.task or _task(truths, decisions)
    score = next((name for name in _SCORES if name in predicted), "")
    if task is QualityTask.BINARY and not score and _are_scores(decisions):
        score, decision = decision, ""
    chosen = Outputs(task, output, decision, "" if task is not QualityTask.BINARY else score)
    if task is QualityTask.NUMERIC and not decision:
        decision = next(iter(sorted(predicted)), "")
        chosen = replace(chosen, decision=decision)
    return _with_positive(chosen, predictions, wish) if task is QualityTask.BINARY else chosen


def outputs_without_labels(columns: Iterable[str], wish: OutputWish) -> Outputs | None:
    """What can be estimated while no label has come in; None without a column that is called like a probability."""
    names = {column.removeprefix("prediction.") for column in columns if column.startswith("prediction.")}
    score = next((name for name in _SCORES if name in names), "")
    if not score or wish.task not in {None, QualityTask.BINARY}:
        return None
    threshold, reasons = _given_threshold(wish)
    reason = f"no label has come in: {score} is taken as the probability of the positive class"
    return Outputs(QualityTask.BINARY, "", "", score, wish.positive, threshold, (reason, *reasons))


def class_name(value: Value) -> str:
    """A class by its name; whole numbers are alike however they are written."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return text_of(value)


def values_of(value: Value) -> tuple[Value, ...]:
    """The values of one output: one for each row of a batch, none where it is absent."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def number_of(value: Value) -> float | None:
    """A number, also one that was written as text; None for anything else."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _output(actual: set[str], predicted: set[str], wish: OutputWish) -> str:
    if wish.output:
        if wish.output not in actual:
            raise UsageError(
                f"No label says anything of {wish.output}", why=f"labels came in for {', '.join(sorted(actual))}"
            )
        return wish.output
    shared = actual & predicted or actual
    return next((name for name in _OUTPUTS if name in shared), min(shared))


def _task(truths: Sequence[Value], decisions: Sequence[Value]) -> QualityTask:
    classes = {class_name(value) for value in truths}
    if _are_numbers(truths) and not classes <= _BINARY_NUMBERS:
        return QualityTask.NUMERIC
    said = {class_name(value) for value in decisions if not _is_fraction(value)}
    return QualityTask.BINARY if len(classes | said) <= 2 else QualityTask.CLASSES


def _are_numbers(values: Iterable[Value]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _is_fraction(value: Value) -> bool:
    return isinstance(value, float) and not value.is_integer()


def _are_scores(values: Sequence[Value]) -> bool:
    return any(map(_is_fraction, values)) and all(isinstance(item, (int, float)) and 0 <= item <= 1 for item in values)


def _with_positive(chosen: Outputs, predictions: Sequence[LabelledPrediction], wish: OutputWish) -> Outputs:
    classes = {class_name(value) for item in predictions for value in values_of(item.actual.get(chosen.output))}
    classes |= {class_name(value) for item in predictions for value in values_of(item.predicted.get(chosen.decision))}
    positive, reasons = _positive(chosen, classes, predictions, wish)
    if not positive:
        return replace(chosen, task=QualityTask.CLASSES, score="", reasons=reasons)
    threshold, more = _threshold(replace(chosen, positive=positive), predictions, wish)
    return replace(chosen, positive=positive, threshold=threshold, reasons=(*reasons, *more))


def _positive(
    chosen: Outputs, classes: set[str], predictions: Sequence[LabelledPrediction], wish: OutputWish
) -> tuple[str, tuple[str, ...]]:
    if wish.positive:
        if wish.positive not in classes:
            raise UsageError(f"Nothing is {wish.positive}", why=f"the classes are {', '.join(sorted(classes))}")
        return wish.positive, ()
    for known, positive in ((_BINARY_NUMBERS, "1"), (_BINARY_TRUTHS, "true")):
        if classes <= known:
            return positive, ()
    if not chosen.score:
        return "", ("which class is the positive one is not known; all figures are means over the classes",)
    named = _higher_scored(chosen, predictions)
    return named, (f"{named} is taken as the positive class, since its scores are the higher ones",)


def _higher_scored(chosen: Outputs, predictions: Sequence[LabelledPrediction]) -> str:
    scores: dict[str, list[float]] = {}
    for item in predictions:
        names = values_of(item.predicted.get(chosen.decision)) or values_of(item.actual.get(chosen.output))
        for name, score in zip(names, values_of(item.predicted.get(chosen.score)), strict=False):
            number = number_of(score)
            if number is not None:
                scores.setdefault(class_name(name), []).append(number)
    means = {name: sum(found) / len(found) for name, found in scores.items()}
    return max(means, key=lambda name: (means[name], name), default="")


def _threshold(
    chosen: Outputs, predictions: Sequence[LabelledPrediction], wish: OutputWish
) -> tuple[float, tuple[str, ...]]:
    """The score that divides the decisions, where one does."""
    if wish.threshold is not None or not chosen.score or not chosen.decision:
        return _given_threshold(wish) if chosen.score else (DEFAULT_THRESHOLD, ())
    above: list[float] = []
    below: list[float] = []
    for item in predictions:
        names = values_of(item.predicted.get(chosen.decision))
        for name, score in zip(names, values_of(item.predicted.get(chosen.score)), strict=False):
            number = number_of(score)
            if number is not None:
                (above if class_name(name) == chosen.positive else below).append(number)
    if above and below and max(below) < min(above):
        return min(above), (f"{chosen.positive} is predicted from a score of {min(above):.4g} on",)
    return _given_threshold(wish)


def _given_threshold(wish: OutputWish) -> tuple[float, tuple[str, ...]]:
    if wish.threshold is not None:
        return wish.threshold, ()
    return DEFAULT_THRESHOLD, (f"{DEFAULT_THRESHOLD} is taken as the score from which on the class is positive",)
