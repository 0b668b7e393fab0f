from __future__ import annotations

import gzip
import json
import resource
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from mlops_tui.domain.trace_queries import TraceQuery
from mlops_tui.tracing.admission import MEBIBYTE, Limits
from tests.tracing.collector import JSON, PROTOBUF, RunningCollector, running_collector
from tests.tracing.requests import NOON, SECOND, Sent, inference, json_request, request

GZIP = {**PROTOBUF, "content-encoding": "gzip"}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    with running_collector(tmp_path_factory.mktemp("traces"), limits=Limits(body_bytes=8 * MEBIBYTE)) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningCollector]:
    with running_collector(tmp_path) as running:
        yield running


def partial_success(response: httpx.Response) -> tuple[int, str]:
    answer = ExportTraceServiceResponse.FromString(response.content)
    return answer.partial_success.rejected_spans, answer.partial_success.error_message


def status_of(response: httpx.Response) -> tuple[int, str]:
    """A ``google.rpc.Status`` in protobuf: its code and its message."""
    body = response.content
    assert (body[0], body[2]) == (0x08, 0x12)
    assert len(body) == 4 + body[3]
    return body[1], body[4:].decode()


def test_a_full_success_has_an_empty_body_of_the_senders_type(collector: RunningCollector) -> None:
    answer = collector.post(request([inference(1)]))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", PROTOBUF["content-type"])
    answer = collector.post(b"{}", {"content-type": "application/json; charset=utf-8"})
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {}, JSON["content-type"])
    assert collector.post(b"").status_code == 200


def test_what_was_acknowledged_is_on_the_disk(fresh: RunningCollector, tmp_path: Path) -> None:
    fresh.post(request([inference(number) for number in range(1, 11)]))
    with sqlite3.connect(tmp_path / "traces.db") as connection:
        assert connection.execute("SELECT count(*) FROM spans").fetchone() == (10,)


def test_a_span_counts_once_however_often_it_comes(fresh: RunningCollector) -> None:
    body = request([inference(1), inference(2), inference(1)])
    for _ in range(3):
        assert fresh.post(body).content == b""
    fresh.post(request([inference(2, version="9.9.9"), inference(3)]))
    assert fresh.counts() == {("fraud", "1.2.0", "stable"): 3}


@pytest.mark.parametrize(
    ("path", "project"),
    [
        ("/api/v4/projects/42/observability/v1/traces", "42"),
        ("/api/v4/projects/acme%2Ffraud/observability/v1/traces", "acme/fraud"),
        ("/v3/9/43/ingest/traces", "43"),
    ],
)
def test_gitlabs_routes_name_the_project(fresh: RunningCollector, path: str, project: str) -> None:
    assert fresh.post(request([inference(1)], {"service.name": "fraud-api"}), path=path).status_code == 200
    (trace,) = fresh.ask(fresh.store.reader.traces(TraceQuery()))
    assert trace.subject.project == project


def test_the_resources_own_project_wins_over_the_routes(fresh: RunningCollector) -> None:
    fresh.post(request([inference(1)]), path="/api/v4/projects/42/observability/v1/traces")
    (trace,) = fresh.ask(fresh.store.reader.traces(TraceQuery()))
    assert trace.subject.project == "7"


def test_refused_spans_are_told_with_their_reasons_and_the_others_are_kept(fresh: RunningCollector) -> None:
    bad = Sent(b"\1" * 16, b"\2" * 8, start_ns=NOON, end_ns=NOON - 1)
    answer = fresh.post(request([inference(1), bad, Sent(b"\1", b"\2" * 8)]))
    rejected, message = partial_success(answer)
    assert (answer.status_code, rejected) == (200, 2)
    assert "1 x end is before start" in message
    assert "1 x trace id" in message
    item = {"traceId": "1", "spanId": "2" * 16, "startTimeUnixNano": 1, "endTimeUnixNano": 2}
    answer = fresh.post(json.dumps(json_request([item])).encode(), JSON)
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert fresh.counts() == {("fraud", "1.2.0", "stable"): 1}


def test_a_dropped_attribute_is_a_warning_without_rejected_spans(collector: RunningCollector) -> None:
    rejected, message = partial_success(collector.post(request([inference(7, more={"ml.note": "x" * 100_000})])))
    assert rejected == 0
    assert "longer than 65536" in message


def test_gzip_is_understood_and_so_are_several_members(fresh: RunningCollector) -> None:
    assert fresh.post(gzip.compress(request([inference(1)])), GZIP).status_code == 200
    both = gzip.compress(request([inference(2)])) + gzip.compress(request([inference(3)]))
    assert fresh.post(both, GZIP).status_code == 200
    assert fresh.counts() == {("fraud", "1.2.0", "stable"): 3}


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"\x0a\xff", PROTOBUF, 400, 3),
        (request([inference(1)])[:-1], PROTOBUF, 400, 3),
        (gzip.compress(request([inference(1)]))[:-4], GZIP, 400, 3),
        (b"no gzip", GZIP, 400, 3),
        (b"", {**PROTOBUF, "content-encoding": "br"}, 415, 3),
        (b"x" * (8 * MEBIBYTE + 1), PROTOBUF, 413, 3),
        (gzip.compress(bytes(9 * MEBIBYTE)), GZIP, 413, 3),
    ],
)
def test_a_bad_body_gets_its_status_and_says_why(
    collector: RunningCollector, body: bytes, headers: dict[str, str], status: int, code: int
) -> None:
    answer = collector.post(body, headers)
    assert answer.status_code == status
    assert status_of(answer)[0] == code
    assert status_of(answer)[1]
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"resourceSpans": 1}', b"\xff"])
def test_bad_json_is_told_in_json(collector: RunningCollector, body: bytes) -> None:
    answer = collector.post(body, JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert answer.json()["message"]


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/x-thrift"}])
def test_another_content_type_is_unsupported(collector: RunningCollector, headers: dict[str, str]) -> None:
    answer = collector.post(request([inference(1)]), headers)
    assert (answer.status_code, answer.json()["code"]) == (415, 3)


def test_other_paths_and_methods_are_told_apart(collector: RunningCollector) -> None:
    answer = httpx.get(collector.url + "/v1/traces", trust_env=False)
    assert (answer.status_code, answer.headers["allow"], answer.json()["code"]) == (405, "POST", 12)
    answer = collector.post(b"", path="/v1/metrics")
    assert (answer.status_code, status_of(answer)[0]) == (404, 5)


def test_a_bomb_does_not_fill_the_memory(tmp_path: Path) -> None:
    bomb = gzip.compress(gzip.compress(bytes(100 * MEBIBYTE), 9), 9)
    assert len(bomb) < 10_000
    flat = gzip.compress(bytes(100 * MEBIBYTE), 9)
    with running_collector(tmp_path) as running:
        assert running.post(request([inference(1)])).status_code == 200
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(2):
            assert running.post(flat, GZIP).status_code == 413
        assert running.post(bomb, GZIP).status_code == 400
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 150 * 1024


def test_a_missing_or_wrong_token_is_refused(tmp_path: Path) -> None:
    token = "t" * 30
    with running_collector(tmp_path, token=token) as running:
        body = request([inference(1)])
        for headers in ({}, {"authorization": "Bearer wrong"}, {"private-token": token[:-1]}):
            answer = running.post(body, {**PROTOBUF, **headers})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert token not in answer.text
        assert running.counts() == {}
        for headers in ({"authorization": f"Bearer {token}"}, {"private-token": token}):
            assert running.post(body, {**PROTOBUF, **headers}).status_code == 200


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (Limits(requests=1), 503),
        (Limits(requests_of_client=1), 429),
        (Limits(held_bytes=64), 503),
    ],
)
def test_who_asks_too_much_is_asked_to_come_back_soon(tmp_path: Path, limits: Limits, status: int) -> None:
    with running_collector(tmp_path, limits=limits) as running:
        body = request([inference(1)])
        with unfinished(running):
            answer = first_other_than(running, body, 200)
            assert answer.status_code == status
            assert 1 <= int(answer.headers["retry-after"]) <= 3
            assert status_of(answer)[1]
        if limits.held_bytes > len(body):
            assert first_other_than(running, body, status).status_code == 200


def test_a_sender_that_stops_in_the_middle_loses_its_place(tmp_path: Path) -> None:
    with running_collector(tmp_path, limits=Limits(body_seconds=0.2)) as running, unfinished(running) as connection:
        assert b" 408 " in connection.recv(1_000)


def test_a_full_disk_is_told_as_passing(tmp_path: Path) -> None:
    body = request([inference(number) for number in range(1, 400)])

    def room(pages: int) -> Callable[[sqlite3.Connection], object]:
        return lambda connection: connection.execute(f"PRAGMA max_page_count={pages}").fetchone()

    with running_collector(tmp_path) as running:
        running.store._database.write_sync(room(1))
        answer = running.post(body)
        assert (answer.status_code, status_of(answer)[0]) == (503, 14)
        assert 1 <= int(answer.headers["retry-after"]) <= 3
        assert running.counts() == {}
        running.store._database.write_sync(room(1_000_000))
        assert running.post(body).status_code == 200
        assert running.counts() == {("fraud", "1.2.0", "stable"): 399}


def test_connections_stay_open_and_many_at_once_are_served(fresh: RunningCollector) -> None:
    failures: list[str] = []

    def send(sender: int) -> None:
        with httpx.Client(trust_env=False, timeout=30) as client:
            for turn in range(5):
                first = 1 + sender * 1_000 + turn * 10
                body = request([inference(number) for number in range(first, first + 10)])
                answer = client.post(fresh.url + "/v1/traces", content=body, headers=PROTOBUF)
                if answer.content or answer.status_code != 200:
                    failures.append(answer.text)

    senders = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert failures == []
    assert fresh.counts() == {("fraud", "1.2.0", "stable"): 300}


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from([PROTOBUF, JSON, GZIP, {**JSON, "content-encoding": "gzip"}]))
def test_no_bytes_bring_the_collector_down(collector: RunningCollector, body: bytes, headers: dict[str, str]) -> None:
    assert collector.post(body, headers).status_code in {200, 400}


def event(kind: str, **changes: str) -> dict[str, str]:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "0c2c3ac4-1",
        "ce-source": "http://localhost:9081/",
        "ce-type": f"org.kubeflow.serving.inference.{kind}",
        "ce-time": "2026-03-02T12:00:00Z",
        "ce-inferenceservicename": "fraud",
        "ce-endpoint": "default",
    }
    return {**JSON, **headers, **{f"ce-{name}": value for name, value in changes.items()}}


ASKED = json.dumps({"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "data": [12]}]}).encode()
ANSWERED = json.dumps(
    {"model_name": "fraud", "model_version": "1.3.0", "outputs": [{"name": "score", "shape": [1], "data": [0.25]}]}
).encode()


@pytest.mark.parametrize("order", [("request", "response"), ("response", "request")])
def test_request_and_response_of_an_inference_logger_make_one_span(
    fresh: RunningCollector, order: tuple[str, str]
) -> None:
    sent = {
        "request": (ASKED, event("request")),
        "response": (ANSWERED, event("response", time="2026-03-02T12:00:01Z")),
    }
    for kind in (*order, *order):
        assert fresh.post(*sent[kind], path="/").status_code == 200
    (summary,) = fresh.ask(fresh.store.reader.traces(TraceQuery()))
    trace = fresh.ask(fresh.store.reader.trace(summary.trace_id))
    assert trace is not None
    (span,) = trace.spans
    assert (span.attributes["ml.feature.amount"], span.attributes["ml.prediction.score"]) == (12.0, 0.25)
    assert (span.start_ns, span.duration_ns) == (NOON, SECOND)
    assert fresh.counts() == {("fraud", "1.3.0", "stable"): 1}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ASKED, event("request", type="com.example.order.created")),
        (ASKED, event("request", id="")),
        (b"\x00", event("request")),
        (b'{"inputs": [{"name": "x", "shape": [2], "data": [1]}]}', event("request")),
        (ASKED, JSON),
    ],
)
def test_other_events_are_refused(collector: RunningCollector, body: bytes, headers: dict[str, str]) -> None:
    answer = collector.post(body, headers, path="/")
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


@contextmanager
def unfinished(running: RunningCollector) -> Iterator[socket.socket]:
    """A request whose body does not end, for the length of a block."""
    address = urlsplit(running.url)
    head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode() + bytes(50))
        yield connection


def first_other_than(running: RunningCollector, body: bytes, status: int) -> httpx.Response:
    """The first answer with another status: the server notices connections that begin or end in its own time."""
    for _ in range(200):
        answer = running.post(body)
        if answer.status_code != status:
            break
    return answer
