"""Labelled predictions as columns, and the figures of any stretch of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.intervals import FloatArray
from mlops_tui.analysis.quality_binary import BinaryOutcomes, binary_quality
from mlops_tui.analysis.quality_classes import class_quality
from mlops_tui.analysis.quality_numeric import numeric_quality
from mlops_tui.analysis.quality_outputs import class_name, number_of, values_of
from mlops_tui.domain.inferences import FEATURE
from mlops_tui.domain.quality import Outputs, QualityFigure, QualityTask
from mlops_tui.domain.trace_queries import LabelledPrediction
from mlops_tui.domain.traces import Value, text_of

NO_VALUE = "(none)"
_SUBJECT_PARTS = ("service", "project", "version", "arm", "environment")


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Rows in the order of time: the truth, what was predicted, the score if there is one.

    Numbers stand for themselves; a class by its place among all classes, the positive one of two by 1. ``ends`` are
    nanoseconds since the epoch, ``groups`` the values of the attribute that is sliced by.
    """

    task: QualityTask
    ends: NDArray[np.int64]
    truth: FloatArray
    predicted: FloatArray
    scores: FloatArray | None
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ends)

    def between(self, start_ns: int, end_ns: int) -> Self:
        """The rows of a stretch of time, which holds its start and not its end."""
        first, last = np.searchsorted(self.ends, (start_ns, end_ns)).tolist()
        scores = None if self.scores is None else self.scores[first:last]
        return type(self)(
            *(self.task, self.ends[first:last], self.truth[first:last], self.predicted[first:last], scores),
            self.groups[first:last],
        )

    @property
    def binary(self) -> BinaryOutcomes:
        """The rows as outcomes of two classes."""
        return BinaryOutcomes(self.truth == 1, self.predicted == 1, self.scores)

    def figures(self) -> tuple[QualityFigure, ...]:
        """Every metric that the rows allow."""
        match self.task:
            case QualityTask.BINARY:
                return binary_quality(self.binary)
            case QualityTask.CLASSES:
                return class_quality(self.truth.astype(np.int64), self.predicted.astype(np.int64))
            case QualityTask.NUMERIC:
                return numeric_quality(self.truth, self.predicted)

    def errors(self) -> FloatArray:
        """By how much each row is wrong: 1 or 0 for classes, the absolute error for numbers."""
        if self.task is QualityTask.NUMERIC:
            return np.abs(self.predicted - self.truth)
        wrong: FloatArray = (self.predicted != self.truth).astype(np.float64)
        return wrong


@dataclass(slots=True)
class OutcomeReader:
    """Turns labelled predictions into columns; ``unreadable`` counts what could not be."""

    outputs: Outputs
    by: str = ""
    unreadable: int = 0
    _classes: dict[str, int] = field(default_factory=dict)

    def read(self, predictions: Iterable[LabelledPrediction]) -> Outcomes:
        """One row for each prediction, and each row of a batch by itself."""
        rows: list[tuple[int, float, float, float, str]] = []
        for item in sorted(predictions, key=lambda item: item.end_ns):
            rows += self._rows(item)
        ends, truth, predicted, scores = (np.array([row[place] for row in rows]) for place in range(4))
        return Outcomes(
            self.outputs.task,
            ends.astype(np.int64),
            truth.astype(np.float64),
            predicted.astype(np.float64),
            scores.astype(np.float64) if self.outputs.score else None,
            tuple(row[4] for row in rows),
        )

    def _rows(self, item: LabelledPrediction) -> Iterable[tuple[int, float, float, float, str]]:
        outputs = self.outputs
        truths = values_of(item.actual.get(outputs.output))
        decisions = values_of(item.predicted.get(outputs.decision)) or (None,) * len(truths)
        scores = values_of(item.predicted.get(outputs.score)) or (None,) * len(truths)
        if not truths or {len(decisions), len(scores)} != {len(truths)}:
            self.unreadable += 1
            return
        group = group_of(item, self.by) if self.by else ""
        for truth, decision, score in zip(truths, decisions, scores, strict=True):
            numbers = self._numbers(truth, decision, score)
            if numbers is None:
                self.unreadable += 1
            else:
                yield item.end_ns, *numbers, group

    def _numbers(self, truth: Value, decision: Value, score: Value) -> tuple[float, float, float] | None:
        """Truth, prediction and score, None where one that is needed is not there."""
        outputs = self.outputs
        chance = _finite(score) if outputs.score else 0.0
        if chance is None:
            return None
        if outputs.task is QualityTask.NUMERIC:
            actual, predicted = _finite(truth), _finite(decision)
            return None if actual is None or predicted is None else (actual, predicted, chance)
        if not outputs.decision:
            return self._code(truth), float(chance >= outputs.threshold), chance
        return None if decision is None else (self._code(truth), self._code(decision), chance)

    def _code(self, value: Value) -> float:
        name = class_name(value)
        if self.outputs.task is QualityTask.BINARY:
            return float(name == self.outputs.positive)
        return float(self._classes.setdefault(name, len(self._classes)))


def group_of(item: LabelledPrediction, by: str) -> str:
    """The value of a feature, another attribute, or a part of the subject (``arm``, ``version``)."""
    for key in (FEATURE + by, by):
        if key in item.attributes:
            return text_of(item.attributes[key]) or NO_VALUE
    return (getattr(item.subject, by) if by in _SUBJECT_PARTS else "") or NO_VALUE


def _finite(value: Value) -> float | None:
    number = number_of(value)
    return number if number is not None and np.isfinite(number) else None
