"""Inference logs as CloudEvents, as KServe's logger and Seldon's send them: two events make one span.

The request brings the features, the response the predictions; both carry the same id (KServe: pkg/logger/worker.go).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.inferences import (
    FEATURE,
    MODEL_NAME,
    MODEL_VERSION,
    OPERATION,
    PREDICTION,
    REQUEST_ID,
    TRACK,
)
from mlops_tui.domain.text import clean
from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus, Value
from mlops_tui.tracing.answers import IntakeError
from mlops_tui.tracing.attributes import AttributeRules
from mlops_tui.tracing.tensors import UnreadableTensorError, columns_in

_STRUCTURED = "application/cloudevents+json"
_REQUEST, _RESPONSE = "request", "response"
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Half:
    """One half of an inference: the request or the response (``part``)."""

    span: Span
    part: str


def decode(headers: Mapping[str, str], body: bytes, rules: AttributeRules, clock: Clock) -> Half:
    """The half of an inference that an event brings, in the binary or the structured mode of CloudEvents.

    Raises:
        IntakeError: It is no event of an inference (400).
    """
    content = _json(body)
    if headers.get("content-type", "").split(";")[0].strip().lower() == _STRUCTURED:
        if not isinstance(content, dict):
            raise IntakeError(400, "the event is not a JSON object")
        fields = {key.lower(): str(value) for key, value in content.items() if key != "data"}
        content = content.get("data")
    else:
        fields = {name[3:]: value for name, value in headers.items() if name.startswith("ce-")}
    return _half(fields, content, rules, clock)


def _half(fields: Mapping[str, str], content: Any, rules: AttributeRules, clock: Clock) -> Half:
    kind = fields.get("type", "")
    part = kind.rpartition(".")[2]
    identity = fields.get("id", "")
    if ".inference." not in kind or part not in {_REQUEST, _RESPONSE} or not identity:
        raise IntakeError(400, "the event is neither the request nor the response of an inference, or has no id")
    service = clean(fields.get("inferenceservicename", "") or fields.get("source", ""))
    namespace = clean(fields.get("namespace", ""))
    digest = hashlib.sha256("\0".join((namespace, service, identity)).encode()).hexdigest()
    at_ns = _time_ns(fields.get("time", ""), clock)
    attributes = _attributes(fields, service, content)
    attributes.update(_columns(content, part, rules))
    resource = {"service.name": service} | ({"k8s.namespace.name": namespace} if namespace else {})
    span = Span(
        *(digest[:32], digest[32:48], "", f"predict {service}", SpanKind.SERVER, at_ns, at_ns),
        *(SpanStatus.UNSET, "", attributes, Resource(resource), Scope()),
    )
    return Half(span, part)


def _attributes(fields: Mapping[str, str], service: str, content: Any) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        MODEL_NAME: service,
        OPERATION: "predict",
        REQUEST_ID: clean(fields["id"]),
    }
    if endpoint := fields.get("endpoint", ""):
        attributes[TRACK] = clean(endpoint)
    if isinstance(content, Mapping) and isinstance(content.get("model_version"), str):
        attributes[MODEL_VERSION] = clean(content["model_version"])
    return attributes


def _columns(content: Any, part: str, rules: AttributeRules) -> dict[str, Value]:
    prefix, unnamed = (FEATURE, "input") if part == _REQUEST else (PREDICTION, "value")
    body = content
    if isinstance(content, Mapping):
        body = {key: content[key] for key in content if key not in {"id", "model_name", "model_version", "parameters"}}
    try:
        columns = columns_in(body, unnamed)
    except UnreadableTensorError as error:
        raise IntakeError(400, f"the {part} cannot be read: {error}") from None
    return {
        prefix + name: values[0] if len(values) == 1 else values
        for name, values in columns.items()
        if part == _RESPONSE or rules.keeps_feature(name)
    }


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise IntakeError(400, "the body of the event is not JSON") from None


def _time_ns(text: str, clock: Clock) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = clock.now()
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(1, int(moment.timestamp() * 1_000_000)) * (_NANOSECONDS // 1_000_000)
