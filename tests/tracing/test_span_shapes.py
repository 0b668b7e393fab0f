"""Spans read by their shape are the spans that are read attribute by attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1 import trace_pb2

from mlops_tui.domain.traces import Span
from mlops_tui.tracing import otlp_protobuf
from mlops_tui.tracing.attributes import AttributeRules
from mlops_tui.tracing.envelopes import Traces
from mlops_tui.tracing.findings import Findings, MalformedBodyError
from mlops_tui.tracing.span_shapes import SpanShapes
from tests.tracing.requests import NOON, Sent, inference, request

RULES = AttributeRules(["app.*"])

# Few names and short values, so that spans of one shape, and near misses of it, are common.
names = st.sampled_from(["ml.feature.a", "ml.feature.b", "ml.model.name", "model_name", "app.x", "user.email", "ml.é"])
values = (
    st.floats(allow_nan=False)
    | st.sampled_from([0, 1, -1, 127, 128, 300, -(2**63), 2**63 - 1])
    | st.booleans()
    | st.sampled_from(["a", "b", "ab", "é", "\x1b", "", "x" * 300])
    | st.sampled_from([b"x", [1.0], {"a": 1}, None])
)


@st.composite
def alike(draw: st.DrawFn) -> list[Sent]:
    """Spans with the same attributes in the same order, most of them with values of the same types and sizes."""
    chosen = draw(st.lists(names, unique=True, max_size=5))
    example = [draw(values) for _ in chosen]
    spans = []
    for number in range(1, draw(st.integers(12, 24))):
        changed = draw(st.booleans())
        filled = [draw(values) if changed and draw(st.booleans()) else value for value in example]
        parent = draw(st.sampled_from([b"", b"\1" * 8])) if changed else b""
        attributes: dict[str, Any] = dict(zip(chosen, filled, strict=True))
        spans.append(
            Sent(
                number.to_bytes(16, "big"),
                number.to_bytes(8, "big"),
                attributes,
                draw(st.sampled_from(["predict", "explain"])) if changed else "predict",
                parent,
                end_ns=NOON + draw(st.sampled_from([-1, 0, 10**9])),
                status=draw(st.sampled_from([0, 2])) if changed else 0,
            )
        )
    return spans


def read(spans: Sequence[Sent], shapes: SpanShapes | None) -> tuple[list[Span], dict[str, int]]:
    """Read them together, or each by itself, when no shape is ever known."""
    findings = Findings()
    bodies = [request(spans)] if shapes else [request([span]) for span in spans]
    found = [
        span for body in bodies for chunk in otlp_protobuf.decode(body, RULES, findings, {}, shapes) for span in chunk
    ]
    return found, dict(findings.rejections)


@given(alike())
def test_spans_that_look_alike_are_read_as_each_by_itself(spans: list[Sent]) -> None:
    shapes = SpanShapes(RULES)
    expected = read(spans, None)
    assert repr(read(spans, shapes)) == repr(expected)
    assert repr(read(spans[::-1], shapes)[0][::-1]) == repr(expected[0])


@given(alike(), st.data())
def test_bytes_that_differ_from_a_shape_are_not_taken_for_it(spans: list[Sent], data: st.DataObject) -> None:
    shapes = SpanShapes(RULES)
    read(spans, shapes)
    changed = bytearray(wire(spans[0]))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    body = enclosed(bytes(changed))
    assert outcome(body, shapes) == outcome(body, None)


@pytest.mark.parametrize("text", [b"1.2.0", b"a@b.c"])
def test_a_text_of_a_known_shape_that_is_not_utf_8_is_malformed(text: bytes) -> None:
    shapes = SpanShapes(RULES)
    read([inference(number, more={"user.email": "a@b.c"}) for number in range(1, 20)], shapes)
    data = wire(inference(99, more={"user.email": "a@b.c"}))
    known = shapes.read(data)
    assert known is not None
    assert (known[0].example.withheld, "user.email" in known[2]) == (1, False)
    with pytest.raises(MalformedBodyError):
        list(otlp_protobuf.decode(enclosed(data.replace(text, b"1.\xff.0")), RULES, Findings(), {}, shapes))


def wire(span: Sent) -> bytes:
    """A span in its wire format."""
    message = trace_pb2.TracesData.FromString(request([span])).resource_spans[0].scope_spans[0].spans[0]
    data: bytes = message.SerializeToString()
    return data


def enclosed(span: bytes) -> bytes:
    """An export request with one span, which may be damaged."""
    traces = Traces()
    traces.resource_spans.add().scope_spans.add().spans.append(span)
    body: bytes = traces.SerializeToString()
    return body


def outcome(body: bytes, shapes: SpanShapes | None) -> str:
    findings = Findings()
    try:
        found = [span for chunk in otlp_protobuf.decode(body, RULES, findings, {}, shapes) for span in chunk]
    except MalformedBodyError:
        return "malformed"
    return f"{found} {findings.message()}"


def test_shapes_are_used_and_their_number_is_bounded() -> None:
    shapes = SpanShapes(RULES)
    for size in range(400):
        read([inference(number, more={"ml.note": "x" * size}) for number in range(1, 10)], shapes)
    known = shapes.read(wire(inference(99, more={"ml.note": "y" * 250})))
    assert known is not None
    assert known[2]["ml.note"] == "y" * 250
    assert len(shapes._shapes) <= 256
