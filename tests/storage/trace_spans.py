"""Spans to store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanLink, SpanStatus, Value
from tests.clocks import START

SECOND = 1_000_000_000
NOON = int(START.timestamp()) * SECOND
RESOURCE = Resource(
    {"service.name": "fraud-api", "gitlab.project.id": "7", "deployment.environment.name": "production"}
)
SCOPE = Scope("tests", "1")


def span(
    number: int,
    attributes: Mapping[str, Value] | None = None,
    *,
    end_ns: int = NOON,
    took_ns: int = 5_000_000,
    trace: int | None = None,
    parent: int | None = None,
    is_error: bool = False,
    **changes: Any,
) -> Span:
    """A span of that number, in a trace of its own unless told otherwise."""
    return Span(
        trace_id=f"{number if trace is None else trace:032x}",
        span_id=f"{number:016x}",
        parent_id="" if parent is None else f"{parent:016x}",
        name=changes.pop("name", "predict fraud"),
        kind=SpanKind.SERVER,
        start_ns=end_ns - took_ns,
        end_ns=end_ns,
        status=SpanStatus.ERROR if is_error else SpanStatus.UNSET,
        status_message="",
        attributes=attributes or {},
        resource=changes.pop("resource", RESOURCE),
        scope=SCOPE,
        **changes,
    )


def inference(number: int, *, version: str = "1.2.0", arm: str = "stable", **changes: Any) -> Span:
    """An inference of the model ``fraud``; ``columns`` adds attributes."""
    columns: dict[str, Value] = changes.pop("columns", {"ml.feature.amount": float(number)})
    identity: dict[str, Value] = {"ml.model.name": "fraud", "ml.model.version": version, "ml.deployment.track": arm}
    return span(number, {**identity, **columns}, **changes)


def label(number: int, outcome: Value, *, prediction: str = "", of: Span | None = None, **changes: Any) -> Span:
    """A label for a prediction, named by its id or by its span."""
    attributes: dict[str, Value] = {"ml.model.name": "fraud", "ml.ground_truth.label": outcome}
    if prediction:
        attributes["ml.ground_truth.prediction.id"] = prediction
    links = (SpanLink(of.trace_id, of.span_id),) if of else ()
    return span(number, attributes, name="ground_truth", links=links, **changes)
