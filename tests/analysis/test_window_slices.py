from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.window_slices import SliceCounter, count_column
from mlops_tui.domain.inferences import Subject, subject_of
from mlops_tui.domain.profiles import CategoryBins, NumericBins
from mlops_tui.domain.traces import Value
from mlops_tui.domain.window_slices import WindowProfile
from tests.storage.trace_spans import NOON, SECOND, inference, span


@given(st.lists(st.sampled_from([-1.5, 0.0, 0.5, 1.0, 2.0, 9.0]), max_size=30))
def test_a_value_on_an_edge_belongs_to_the_bin_below(values: list[Value]) -> None:
    counts = count_column(values, NumericBins((0.0, 1.0))).counts
    assert counts == (
        sum(value <= 0.0 for value in values),  # type: ignore[operator]  # numbers
        sum(0.0 < value <= 1.0 for value in values),  # type: ignore[operator]  # numbers
        sum(value > 1.0 for value in values),  # type: ignore[operator]  # numbers
    )


def test_whole_numbers_are_numbers_and_truths_are_not() -> None:
    counts = count_column([1, 2.5, True, "x"], None)
    assert (counts.n, counts.text, counts.sum, counts.finite) == (4, 2, 3.5, 2)


def test_categories_are_told_by_their_text() -> None:
    assert count_column([1, True, "1", 2.0, "DE"], CategoryBins(("1", "true", "2.0"))).counts == (2, 1, 1, 1)


def test_sums_that_no_number_holds_are_infinite_and_values_stay_finite() -> None:
    counts = count_column([1e308, 1e308, 1e200], None)
    assert (counts.finite, counts.pos_inf, counts.sum, counts.sum_sq) == (3, 0, float("inf"), float("inf"))


def test_counting_in_parts_is_counting_at_once() -> None:
    spans = [
        inference(number, arm="canary" if number % 3 else "stable", end_ns=NOON + number * 60 * SECOND)
        for number in range(30)
    ]
    pairs = [(subject_of(item), item) for item in spans]
    whole, parts = SliceCounter(300), SliceCounter(300)
    whole.add(pairs)
    for pair in pairs:
        parts.add([pair])
    assert sorted(whole.slices(), key=repr) == sorted(parts.slices(), key=repr)
    assert sum(part.predictions for part in whole.slices()) == 30


def test_a_profile_counts_only_its_model_and_its_columns() -> None:
    profile = WindowProfile("a" * 64, "7", "fraud", {"x": NumericBins((0.0,))})
    counter = SliceCounter(300, profile)
    items = [
        inference(1, columns={"ml.feature.x": 1.0, "ml.feature.y": 1.0}),
        span(2, {"ml.model.name": "churn", "ml.feature.x": 1.0}),
        inference(3, columns={"ml.feature.y": 1.0}),
    ]
    counter.add((subject_of(item), item) for item in items)
    (part,) = counter.slices()
    assert (part.key.subject.model, list(part.columns), part.predictions) == ("fraud", ["x"], 2)


def test_spans_without_a_model_are_traffic_only() -> None:
    counter = SliceCounter(300)
    counter.add([(Subject("s"), span(1, {"ml.feature.x": 1.0}))])
    (part,) = counter.slices()
    assert (part.traffic.spans, part.predictions, dict(part.columns)) == (1, 0, {})
