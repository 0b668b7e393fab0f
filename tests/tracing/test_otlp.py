"""Both wire formats: they read the same spans, and what one writes both read."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.inferences import subject_of
from mlops_tui.domain.traces import Span, SpanKind, SpanStatus
from mlops_tui.tracing import otlp_json, otlp_protobuf, spans
from mlops_tui.tracing.attributes import AttributeRules
from mlops_tui.tracing.findings import Findings, MalformedBodyError
from tests.tracing.requests import NOON, Sent, ids, inference, json_request, request

TRACE, SPAN = next(ids())


def read(body: bytes, rules: AttributeRules | None = None) -> tuple[list[Span], Findings]:
    findings = Findings()
    chunks = otlp_protobuf.decode(body, rules or AttributeRules(), findings)
    return [span for chunk in chunks for span in chunk], findings


def read_json(body: bytes | dict[str, Any]) -> tuple[list[Span], Findings]:
    findings = Findings()
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [span for chunk in otlp_json.decode(text, AttributeRules(), findings) for span in chunk], findings


def one(attributes: dict[str, Any], rules: AttributeRules | None = None) -> Span:
    (span,), _ = read(request([Sent(TRACE, SPAN, attributes)]), rules)
    return span


values: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(categories=["L", "Nd"]), max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="ascii", categories=["L"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def expected(value: Any) -> Any:
    """Sequences come back as tuples."""
    match value:
        case list():
            return tuple(map(expected, value))
        case dict():
            return {key: expected(item) for key, item in value.items()}
        case _:
            return value


@given(st.dictionaries(st.sampled_from(["ml.a", "ml.b", "service.c", "otel.d"]), values))
def test_what_was_sent_is_read_and_both_formats_carry_it_on(attributes: dict[str, Any]) -> None:
    span = one(attributes)
    assert span.attributes == expected(attributes)
    assert read(otlp_protobuf.encode([span]))[0] == [span]
    assert read_json(otlp_json.encode([span]))[0] == [span]


def test_every_field_of_a_span_is_read() -> None:
    other_trace, other_span = b"\7" * 16, b"\7" * 8
    sent = Sent(TRACE, SPAN, {"ml.model.name": "fraud"}, "predict\x1b[31m", b"\1" * 8, NOON, NOON + 7, 2)
    (span,), findings = read(request([replace(sent, links=[(other_trace, other_span)])]))
    assert (span.trace_id, span.span_id, span.parent_id) == (TRACE.hex(), SPAN.hex(), "01" * 8)
    assert (span.kind, span.status, span.duration_ns) == (SpanKind.SERVER, SpanStatus.ERROR, 7)
    assert span.name == "predict"
    assert span.links[0].trace_id == other_trace.hex()
    assert (span.resource.service, span.scope.name) == ("fraud-api", "tests")
    assert findings.message() == ""
    assert read_json(otlp_json.encode([span]))[0] == [span]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (Sent(b"\1" * 15, SPAN), spans.BAD_TRACE_ID),
        (Sent(b"", SPAN), spans.BAD_TRACE_ID),
        (Sent(bytes(16), SPAN), spans.BAD_TRACE_ID),
        (Sent(TRACE, b"\1" * 9), spans.BAD_SPAN_ID),
        (Sent(TRACE, bytes(8)), spans.BAD_SPAN_ID),
        (Sent(TRACE, SPAN, parent_id=b"\1"), spans.BAD_PARENT_ID),
        (Sent(TRACE, SPAN, start_ns=NOON, end_ns=NOON - 1), spans.BAD_ORDER),
        (Sent(TRACE, SPAN, start_ns=0), spans.BAD_TIME),
        (Sent(TRACE, SPAN, end_ns=2**63), spans.BAD_TIME),
        (Sent(TRACE, SPAN, {"ml.feature.a.b": 1.0}), spans.BAD_FEATURE),
        (Sent(TRACE, SPAN, {"ml.feature.": 1.0}), spans.BAD_FEATURE),
    ],
)
def test_a_span_that_makes_no_sense_is_refused_with_its_reason_and_others_are_kept(sent: Sent, reason: str) -> None:
    kept, findings = read(request([inference(1), sent, inference(2)]))
    assert [span.attributes["ml.feature.amount"] for span in kept] == [1.0, 2.0]
    assert dict(findings.rejections) == {reason: 1}
    assert reason in findings.message()


def test_what_may_be_personal_is_withheld_and_counted() -> None:
    sent = {"user.email": "a@b.c", "http.url": "https://x/?q=1", "input.value": "text", "ml.feature.amount": 1.0}
    span = one(sent)
    assert (dict(span.attributes), span.withheld) == ({"ml.feature.amount": 1.0}, 3)
    assert one(sent, AttributeRules(["user.*"])).attributes["user.email"] == "a@b.c"
    assert "user.email" not in one(sent, AttributeRules(["user"])).attributes


def test_only_listed_features_are_kept_if_there_is_a_list() -> None:
    rules = AttributeRules(features=["amount"])
    sent = {
        "ml.feature.amount": 1.0,
        "ml.feature.iban": "DE00",
        "ml.features.names": ["iban", "age"],
        "ml.features.values": [1.0, 2.0],
    }
    assert dict(one(sent, rules).attributes) == {"ml.feature.amount": 1.0}


def test_names_that_others_use_become_ours_and_ours_win() -> None:
    span = one({"model_name": "churn", "model.version": "2.0.0", "ml.arm": "Canary"})
    assert (subject_of(span).model, subject_of(span).version, subject_of(span).arm) == ("churn", "2.0.0", "canary")
    assert one({"model_name": "churn", "ml.model.name": "fraud"}).attributes["ml.model.name"] == "fraud"


def test_the_resource_tells_what_the_span_does_not() -> None:
    body = request(
        [Sent(TRACE, SPAN)], {"service.name": "s", "model_name": "fraud", "deployment.environment": "staging"}
    )
    (span,), _ = read(body)
    assert (subject_of(span).model, subject_of(span).environment) == ("fraud", "staging")


def test_a_giant_attribute_is_dropped_and_its_span_kept() -> None:
    (span,), findings = read(request([Sent(TRACE, SPAN, {"ml.note": "x" * 10_000_000, "ml.model.name": "fraud"})]))
    assert dict(span.attributes) == {"ml.model.name": "fraud"}
    assert (span.withheld, findings.rejected, dict(findings.warnings)) == (1, 0, {spans.LONG_VALUE: 1})


def test_deep_nesting_is_cut_off() -> None:
    nested: Any = 1
    for _ in range(40):
        nested = [nested]
    (span,), findings = read(request([Sent(TRACE, SPAN, {"ml.note": nested})]))
    again, found = read_json(otlp_json.encode([span]))
    assert dict(findings.warnings) == {spans.DEEP_VALUE: 1}
    assert (again[0].trace_id, found.rejected) == (span.trace_id, 0)


def test_json_ids_are_hexadecimal_in_any_case_and_integers_are_text_or_numbers() -> None:
    item = {
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "eee19b7ec3c1b174",
        "name": "predict",
        "kind": 2,
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": 1544712661000000000,
        "attributes": [
            {"key": "ml.feature.a", "value": {"doubleValue": "NaN"}},
            {"key": "ml.feature.b", "value": {"intValue": "9223372036854775807"}},
            {"key": "ml.feature.c", "value": {"doubleValue": 1}},
            {"key": "ml.feature.d", "value": {"doubleValue": "-Infinity"}},
        ],
        "status": {"code": "STATUS_CODE_ERROR"},
        "aFieldOfTheFuture": {"x": [1]},
    }
    (span,), findings = read_json(json_request([item]))
    assert (span.trace_id, span.kind, span.status) == (item["traceId"].lower(), SpanKind.SERVER, SpanStatus.ERROR)  # type: ignore[attr-defined]  # a text
    assert math.isnan(span.attributes["ml.feature.a"])  # type: ignore[arg-type]  # a float
    assert span.attributes["ml.feature.b"] == 2**63 - 1
    assert isinstance(span.attributes["ml.feature.c"], float)
    assert span.attributes["ml.feature.d"] == -math.inf
    assert findings.message() == ""


@pytest.mark.parametrize(
    "trace_id", ["W47/95gDgQPSabYzgT/GDA==", "5b8efff798038103d269b633813fc60", "", "zz" * 16, " " * 32]
)
def test_json_ids_in_another_form_are_refused(trace_id: str) -> None:
    item = {"traceId": trace_id, "spanId": "eee19b7ec3c1b174", "startTimeUnixNano": NOON, "endTimeUnixNano": NOON}
    kept, findings = read_json(json_request([item]))
    assert (kept, dict(findings.rejections)) == ([], {spans.BAD_TRACE_ID: 1})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"resourceSpans": {}}',
        b'{"resourceSpans": [1]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 1}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": true}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": 1e400}]}]}]}',
        b'{"resourceSpans": [{"resource": {"attributes": [{"key": "ml.a", "value": {"doubleValue": NaN}}]}}]}',
        b'{"resourceSpans": [{"resource": {"attributes": [{"key": "ml.a", "value": {"intValue": "1.5"}}]}}]}',
        b"[" * 100_000,
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    ],
)
def test_json_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        read_json(body)


@given(st.binary(max_size=400))
def test_random_bytes_are_malformed_or_hold_no_span(body: bytes) -> None:
    for reader in (read, read_json):
        try:
            found, _ = reader(body)
        except MalformedBodyError:
            continue
        assert found == []


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_request_is_malformed_or_its_good_spans_are_whole(place: int, byte: int) -> None:
    body = bytearray(request([inference(1), inference(2)]))
    body[place % len(body)] = byte
    try:
        found, _ = read(bytes(body[: 1 + place * 2]))
    except MalformedBodyError:
        return
    assert all(len(span.trace_id) == 32 and span.start_ns <= span.end_ns for span in found)


def test_a_truncated_request_is_malformed() -> None:
    body = request([inference(1)])
    with pytest.raises(MalformedBodyError):
        read(body[:-3])
