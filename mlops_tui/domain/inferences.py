"""What a span says about a model: whose inference it was, its features, its predictions, and labels that came later.

The attribute names are our own, since OpenTelemetry has none for models that are not generative:
``ml.feature.<name>``, ``ml.prediction.<output>`` and ``ml.ground_truth.<output>``. A span whose attributes (or whose
resource's) name a model is one inference of it, or a batch of them when its values are sequences.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mlops_tui.domain.traces import Span, Value, text_of

MODEL_NAME = "ml.model.name"
MODEL_VERSION = "ml.model.version"
TRACK = "ml.deployment.track"
OPERATION = "ml.operation.name"
REQUEST_ID = "ml.request.id"
BATCH_SIZE = "ml.request.batch_size"
PREDICTION_ID = "ml.prediction.id"
LABELLED_ID = "ml.ground_truth.prediction.id"
ENVIRONMENT = "deployment.environment.name"
PROJECT_ID = "gitlab.project.id"
PROJECT_NAME = "gitlab.project.name"
FEATURE = "ml.feature."
PREDICTION = "ml.prediction."
GROUND_TRUTH = "ml.ground_truth."
PREDICTION_COLUMN = "prediction."
ATTRIBUTE_COLUMN = "attribute."
SUBJECT_KEYS = (MODEL_NAME, MODEL_VERSION, TRACK, ENVIRONMENT, PROJECT_ID, PROJECT_NAME)
FEATURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,127}")

_KNOWN_KEYS = 8_192
_LARGEST_BATCH = 1_000_000
_ARMS = {"default": "stable"}


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a span is counted under; a part that the span does not tell is ""."""

    service: str = ""
    project: str = ""
    model: str = ""
    version: str = ""
    arm: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """What turned out to be true of an earlier prediction.

    The prediction is named by ``prediction_id``, or by the span that ``trace_id`` and ``span_id`` say ("" if not).
    """

    outcomes: Mapping[str, Value]
    prediction_id: str = ""
    trace_id: str = ""
    span_id: str = ""


def subject_of(span: Span) -> Subject:
    """What the span is counted under; its own attributes win over its resource's."""
    own = map(span.attributes.get, SUBJECT_KEYS)
    shared = map(span.resource.attributes.get, SUBJECT_KEYS)
    told = [text_of(theirs if mine is None else mine) for mine, theirs in zip(own, shared, strict=True)]
    model, version, track, environment, project_id, project_name = told
    arm = track.lower()
    service = span.resource.service
    return Subject(service, project_id or project_name, model, version, _ARMS.get(arm, arm), environment)


@lru_cache(_KNOWN_KEYS)
def column_of(key: str) -> str | None:
    """The column of windows that an attribute fills: ``amount``, ``prediction.score``; None when it fills none."""
    if key.startswith(FEATURE):
        return key[len(FEATURE) :]
    if key.startswith(PREDICTION) and key != PREDICTION_ID:
        return PREDICTION_COLUMN + key[len(PREDICTION) :]
    return None


def attribute_of(column: str) -> str:
    """The attribute of spans that fills a column: any at all for one that is called ``attribute.<name>``."""
    if column.startswith(ATTRIBUTE_COLUMN):
        return column[len(ATTRIBUTE_COLUMN) :]
    return f"ml.{column}" if column.startswith(PREDICTION_COLUMN) else FEATURE + column


def columns_of(span: Span) -> dict[str, Value]:
    """The features and predictions of a span by their columns; a tuple holds one value per row of a batch."""
    columns: dict[str, Value] = {}
    for key, value in span.attributes.items():
        column = column_of(key)
        if column is not None and value is not None:
            columns[column] = value
    return columns


def is_label(span: Span) -> bool:
    """Whether the span brings labels for an earlier prediction instead of an inference."""
    return any(key.startswith(GROUND_TRUTH) for key in span.attributes)


def label_of(span: Span) -> Label | None:
    """The labels a span brings, None when it brings none or does not say for which prediction."""
    outcomes = {
        key[len(GROUND_TRUTH) :]: value
        for key, value in span.attributes.items()
        if key.startswith(GROUND_TRUTH) and key != LABELLED_ID and value is not None
    }
    if not outcomes:
        return None
    named = text_of(span.attributes.get(LABELLED_ID))
    if named:
        return Label(outcomes, prediction_id=named)
    if span.links:
        return Label(outcomes, trace_id=span.links[0].trace_id, span_id=span.links[0].span_id)
    return None


def batch_rows(span: Span, columns: Mapping[str, Value]) -> int:
    """How many inferences a span stands for: its declared batch size or its longest column, at least 1."""
    declared = span.attributes.get(BATCH_SIZE)
    rows = declared if isinstance(declared, int) and 0 < declared <= _LARGEST_BATCH else 1
    return max([rows, *(len(column) for column in columns.values() if isinstance(column, tuple))])
