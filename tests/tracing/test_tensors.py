from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.traces import Value
from mlops_tui.tracing.attributes import AttributeRules
from mlops_tui.tracing.tensors import UnreadableTensorError, columns_in, unpack


def unpacked(attributes: dict[str, Value]) -> dict[str, Value]:
    unpack(attributes, AttributeRules())
    return attributes


def test_names_and_values_become_one_feature_each() -> None:
    packed: dict[str, Value] = {"ml.features.names": ("amount", "age"), "ml.features.values": (9.5, 41.0)}
    assert unpacked(packed) == {"ml.feature.amount": 9.5, "ml.feature.age": 41.0}


def test_a_batch_has_one_sequence_for_each_column() -> None:
    packed: dict[str, Value] = {
        "ml.features.names": ("amount", "age"),
        "ml.features.values": (1.0, 2.0, 3.0, 4.0),
        "ml.predictions.names": ("score",),
        "ml.predictions.values": (0.1, 0.2),
    }
    assert unpacked(packed) == {
        "ml.feature.amount": (1.0, 3.0),
        "ml.feature.age": (2.0, 4.0),
        "ml.prediction.score": (0.1, 0.2),
    }


def test_what_was_said_directly_wins() -> None:
    packed: dict[str, Value] = {
        "ml.features.names": ("amount",),
        "ml.features.values": (1.0,),
        "ml.feature.amount": 2.0,
    }
    assert unpacked(packed) == {"ml.feature.amount": 2.0}


@pytest.mark.parametrize(
    ("document", "columns"),
    [
        (
            {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [[1, 2], [3, 4]]}]},
            {"x_0": (1.0, 3.0), "x_1": (2.0, 4.0)},
        ),
        (
            {"inputs": [{"name": "Amount (EUR)", "shape": [1], "datatype": "INT64", "data": [7]}]},
            {"amount_eur": (7,)},
        ),
        ([{"name": "x", "data": [1.5, 2.5]}], {"x": (1.5, 2.5)}),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, None]]}}, {"a": (1, 3), "b": (2, None)}),
        ({"dataframe_records": [{"a": 1}, {"a": 2, "b": True}]}, {"a": (1, 2), "b": (None, True)}),
        ({"instances": [[1.0, 2.0]]}, {"u_0": (1.0,), "u_1": (2.0,)}),
        ({"predictions": [0.5, 0.25]}, {"u": (0.5, 0.25)}),
        ({"features": {"amount": 1.0, "country": "DE"}}, {"amount": (1.0,), "country": ("DE",)}),
        ({"data": [{"a": 1}]}, {"a": (1,)}),
        ({"0": 1}, {"x_0": (1,)}),
        (0.75, {"u": (0.75,)}),
        ("yes", {"u": ("yes",)}),
        (None, {}),
        ({}, {}),
    ],
)
def test_the_bodies_of_serving_protocols_are_understood(document: object, columns: dict[str, Any]) -> None:
    assert columns_in(document, "u") == columns


@pytest.mark.parametrize(
    "document",
    [
        {"inputs": [{"name": "x", "shape": [2], "data": [1, 2, 3]}]},
        {"inputs": [{"name": "x", "shape": [0], "data": [1]}]},
        {"inputs": [{"name": "x", "shape": [-1], "data": [1]}]},
    ],
)
def test_data_that_do_not_fit_their_shape_are_unreadable(document: object) -> None:
    with pytest.raises(UnreadableTensorError):
        columns_in(document, "u")


@pytest.mark.parametrize(
    "packed",
    [
        {"ml.features.names": ("a", "b"), "ml.features.values": (1.0, 2.0, 3.0)},
        {"ml.features.names": ("a",)},
        {"mlflow.spanInputs": "{not json"},
    ],
)
def test_unreadable_values_are_gone_and_the_reason_is_told(packed: dict[str, Value]) -> None:
    with pytest.raises(UnreadableTensorError):
        unpack(packed, AttributeRules())
    assert packed == {}


def test_recorded_inputs_of_mlflow_become_features_and_the_text_is_not_kept() -> None:
    packed: dict[str, Value] = {
        "mlflow.spanInputs": json.dumps({"features": {"amount": 12.5}}),
        "mlflow.spanOutputs": "0.25",
    }
    assert unpacked(packed) == {"ml.feature.amount": 12.5, "ml.prediction.value": 0.25}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=30,
    )
)
def test_any_document_gives_columns_of_plain_values(document: object) -> None:
    try:
        columns = columns_in(document, "u")
    except UnreadableTensorError:
        return
    for name, values in columns.items():
        assert name[:1].isalpha()
        assert all(value is None or isinstance(value, (bool, int, float, str)) for value in values)
