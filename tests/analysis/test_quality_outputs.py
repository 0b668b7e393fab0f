"""What is held against what: guessed from the data where nobody says it, and read row by row."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mlops_tui.analysis.quality_outputs import choose_outputs, outputs_without_labels
from mlops_tui.analysis.quality_rows import OutcomeReader
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.quality import Outputs, OutputWish, QualityMetric, QualityTask
from mlops_tui.domain.trace_queries import LabelledPrediction
from mlops_tui.domain.traces import Value

SUBJECT = Subject(model="m", arm="canary")
Pairs = list[tuple[Mapping[str, Value], Mapping[str, Value]]]


def labelled(pairs: Pairs) -> list[LabelledPrediction]:
    """Predictions with their truth, one a second."""
    return [
        LabelledPrediction("t", f"{place}", SUBJECT, place, place, dict(predicted), dict(actual), dict(predicted))
        for place, (predicted, actual) in enumerate(pairs)
    ]


def chosen(pairs: Pairs, **wish: object) -> Outputs:
    found = choose_outputs(labelled(pairs), OutputWish(**wish))  # type: ignore[arg-type]  # kwargs of a test
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([({"label": "b"}, {"label": "a"}), ({"label": "c"}, {"label": "c"})], ("classes", "label", "", "")),
        ([({"price": 3.5}, {"price": 4})], ("numeric", "price", "", "")),
        ([({"label": True}, {"label": False})], ("binary", "label", "", "true")),
        ([({"score": 0.8}, {"label": 1}), ({"score": 0.2}, {"label": 0.0})], ("binary", "label", "score", "1")),
        ([({"label": 0.8}, {"label": 1}), ({"label": 0.2}, {"label": 0})], ("binary", "label", "label", "1")),
        ([({"score": 0.9, "label": "x"}, {"label": "x"}), ({"score": 0.1, "label": "y"}, {"label": "y"})],
         ("binary", "label", "score", "x")),
        ([({"label": "x"}, {"label": "y"})], ("classes", "label", "", "")),
        ([({"other": 1, "value": 2.5}, {"value": 2.0, "other": 0})], ("numeric", "value", "", "")),
    ],
)  # fmt: skip
def test_the_data_suggest_what_is_what(pairs: Pairs, expected: tuple[str, str, str, str]) -> None:
    found = chosen(pairs)
    assert (found.task, found.output, found.score, found.positive) == expected


def test_two_classes_of_which_nobody_knows_the_positive_one_are_judged_alike() -> None:
    found = chosen([({"label": "x"}, {"label": "y"})])
    assert found.reasons == ("which class is the positive one is not known; all figures are means over the classes",)
    assert chosen([({"label": "x"}, {"label": "y"})], positive="x").task is QualityTask.BINARY


def test_whole_numbers_may_be_classes_if_somebody_says_so() -> None:
    pairs: Pairs = [({"label": 3}, {"label": 3}), ({"label": 1}, {"label": 2.0})]
    assert chosen(pairs).task is QualityTask.NUMERIC
    outputs = chosen(pairs, task=QualityTask.CLASSES)
    figures = {item.metric: item.value for item in OutcomeReader(outputs).read(labelled(pairs)).figures()}
    assert figures[QualityMetric.ACCURACY] == 0.5


def test_the_threshold_is_the_score_that_divides_the_decisions() -> None:
    told: Pairs = [({"score": place / 10, "label": place >= 7}, {"label": True}) for place in range(10)]
    assert chosen(told).threshold == 0.7
    mixed: Pairs = [*told, ({"score": 0.05, "label": True}, {"label": True})]
    assert chosen(mixed).threshold == 0.5
    assert chosen(told, threshold=0.3).threshold == 0.3


def test_batches_are_rows_and_what_does_not_fit_is_counted() -> None:
    pairs: Pairs = [
        ({"score": (0.9, 0.2)}, {"label": (1, 0)}),
        ({"score": (0.9, 0.2)}, {"label": (1,)}),
        ({"score": "high"}, {"label": 1}),
        ({}, {"label": 1}),
        ({"score": 0.7}, {"label": 1}),
    ]
    reader = OutcomeReader(chosen(pairs), by="arm")
    rows = reader.read(labelled(pairs))
    assert (len(rows), reader.unreadable) == (3, 3)
    assert rows.groups == ("canary",) * 3
    assert [len(rows.between(0, 1)), len(rows.between(1, 4)), len(rows.between(4, 5))] == [2, 0, 1]


def test_a_column_like_a_probability_is_enough_for_an_estimate() -> None:
    found = outputs_without_labels(["amount", "prediction.score"], OutputWish())
    assert found is not None
    assert (found.score, found.threshold) == ("score", 0.5)
    assert outputs_without_labels(["amount", "score"], OutputWish()) is None
    assert outputs_without_labels(["prediction.score"], OutputWish(task=QualityTask.NUMERIC)) is None
