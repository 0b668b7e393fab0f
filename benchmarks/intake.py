"""The intake of traces, beside nothing but decoding the same bytes."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from opentelemetry.proto.trace.v1 import trace_pb2

from benchmarks.company import environment
from benchmarks.results import Row, Section, alternate, megabytes, paired_row

PAIRS = 5
SPANS = 512
BODIES = 40
CONNECTIONS = 16
FEATURES = 14


def measure() -> Section:
    """Seconds for the same number of spans, taken in and only decoded; then how far counting and memory lag behind."""
    batches = Batches()
    with tempfile.TemporaryDirectory() as folder, collecting(Path(folder)) as collector:
        send(collector, batches.fresh())
        before = collector.resident_bytes()
        pairs = alternate(lambda: send(collector, batches.fresh()), lambda: _decode(batches.fresh()), PAIRS)
        lag = collector.seconds_until_counted()
        grown = collector.resident_bytes() - before
        total = collector.stored()
    expected = (PAIRS + 1) * BODIES * SPANS
    rows = (
        paired_row(f"{SPANS * BODIES:,} spans, {CONNECTIONS} connections", pairs, _rate, "decoding alone", 2.0),
        Row("acknowledged and stored", f"{total:,} spans", f"sent: {expected:,}", "", "all", total == expected),
        Row("windows complete after the last answer", f"{lag:.1f} s", "", "", "", None),
        Row(f"memory grown by {PAIRS * BODIES * SPANS:,} spans", megabytes(grown), "", "", "", None),
    )
    return Section(
        "Intake of traces",
        f"Requests of {SPANS} spans with {FEATURES + 6} attributes each, gzipped, as OpenTelemetry's exporter sends "
        "them. The peer is one thread that unpacks the same requests, parses them, reads every field into dictionaries "
        "and writes the attributes as JSON: what any store has to do before it can store. The collector does that too, "
        "checks every span, makes it durable before it answers, and counts it into windows. Senders, collector and "
        "whatever else runs share the machine's cores.",
        rows,
    )


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector as a process of its own."""

    url: str
    pid: int
    database: Path

    def resident_bytes(self) -> int:
        """How much memory it holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stored(self) -> int:
        """How many spans it has stored."""
        return int(self._ask("SELECT count(*) FROM spans"))

    def seconds_until_counted(self) -> float:
        """How long it takes until every span is in a window."""
        start = time.perf_counter()
        while self._ask("SELECT (SELECT min(counted) FROM folds) < (SELECT max(number) FROM spans)"):
            time.sleep(0.05)
        return time.perf_counter() - start

    def _ask(self, question: str) -> int:
        connection = sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)
        try:
            return int(connection.execute(question).fetchone()[0])
        finally:
            connection.close()


@contextmanager
def collecting(folder: Path) -> Iterator[Collector]:
    """A collector for the length of a block."""
    line = [sys.executable, "-m", "mlops_tui", "traces", "collect", "--data", str(folder / "data")]
    child = subprocess.Popen(line, env=environment(folder), stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        url = json.loads(child.stdout.readline())["url"]
        yield Collector(url, child.pid, folder / "data" / "traces.db")
    finally:
        child.terminate()
        child.communicate()


class Batches:
    """Requests with the same values and ids that never come twice."""

    def __init__(self) -> None:
        chance = random.Random(1)
        self._request = trace_pb2.TracesData()
        group = self._request.resource_spans.add()
        for key, value in (("service.name", "fraud-api"), ("gitlab.project.id", "7")):
            group.resource.attributes.add(key=key).value.string_value = value
        self._spans = group.scope_spans.add().spans
        now = time.time_ns()
        for number in range(SPANS):
            start = now + number * 1_000_000
            span = self._spans.add(
                name="predict fraud", kind=2, start_time_unix_nano=start, end_time_unix_nano=start + 5_000_000
            )
            _fill(span, chance)

    def fresh(self) -> list[bytes]:
        """Requests that were never sent."""
        bodies = []
        for _ in range(BODIES):
            for span in self._spans:
                span.trace_id, span.span_id = os.urandom(16), os.urandom(8)
            bodies.append(gzip.compress(self._request.SerializeToString(), 6))
        return bodies


def _fill(span: trace_pb2.Span, chance: random.Random) -> None:
    for key, text in (
        ("ml.model.name", "fraud"),
        ("ml.model.version", "1.2.0"),
        ("ml.deployment.track", "canary" if chance.random() < 0.1 else "stable"),
        ("ml.operation.name", "predict"),
        ("ml.prediction.label", chance.choice(("fraud", "fine"))),
    ):
        span.attributes.add(key=key).value.string_value = text
    for number in range(FEATURES):
        span.attributes.add(key=f"ml.feature.f{number:02}").value.double_value = chance.gauss(0, 1)
    span.attributes.add(key="ml.prediction.score").value.double_value = chance.random()


def send(collector: Collector, bodies: list[bytes]) -> float:
    """Seconds until every request is acknowledged."""
    waiting = list(bodies)
    lock = threading.Lock()

    def work() -> None:
        address = urlsplit(collector.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
        while True:
            with lock:
                if not waiting:
                    break
                body = waiting.pop()
            while True:
                connection.request("POST", "/v1/traces", body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    break
                time.sleep(float(answer.headers.get("retry-after", "1")))
        connection.close()

    senders = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    start = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return time.perf_counter() - start


def _decode(bodies: Sequence[bytes]) -> float:
    """Seconds to read every field of the same requests."""
    start = time.perf_counter()
    for body in bodies:
        request = trace_pb2.TracesData.FromString(gzip.decompress(body))
        for group in request.resource_spans:
            for scope in group.scope_spans:
                for span in scope.spans:
                    _flat(span)
    return time.perf_counter() - start


def _flat(span: trace_pb2.Span) -> dict[str, object]:
    attributes = {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "status": span.status.code,
        "dropped": span.dropped_attributes_count,
        "attributes": orjson.dumps(attributes),
    }


def _rate(seconds: float) -> str:
    return f"{SPANS * BODIES / seconds:,.0f} spans/s"
