"""A ClickHouse for tests, and spans put into it as the exporters of the Collector and of SigNoz do."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlops_tui.domain.traces import Attributes, Span, Value

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-clickhouse" / "bin" / "python"
needs_clickhouse = pytest.mark.skipif(
    not PYTHON.exists(), reason="there is no .venv-clickhouse; make clickhouse installs it"
)

_EVENTS = "Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes {attributes})"
_LINKS = "Links Nested (TraceId String, SpanId String, TraceState String, Attributes {attributes})"
_COLLECTOR = (
    "CREATE TABLE {table} (Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, "
    "TraceState String, SpanName LowCardinality(String), SpanKind LowCardinality(String), "
    "ServiceName LowCardinality(String), ResourceAttributes {attributes}, ScopeName String, ScopeVersion String, "
    f"SpanAttributes {{attributes}}, Duration UInt64, StatusCode LowCardinality(String), StatusMessage String, "
    f"{_EVENTS}, {_LINKS}) ENGINE = MergeTree PARTITION BY toDate(Timestamp) "
    "ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)"
)
_LOOKUP = (
    "CREATE TABLE {table}_trace_id_ts (TraceId String, Start DateTime, End DateTime) ENGINE = MergeTree "
    "ORDER BY (TraceId, Start)"
)
_SIGNOZ = (
    "CREATE TABLE {table} (ts_bucket_start UInt64, resource_fingerprint String, "
    "timestamp DateTime64(9), trace_id FixedString(32), span_id String, trace_state String, parent_span_id String, "
    "flags UInt32, name LowCardinality(String), kind Int8, kind_string String, duration_nano UInt64, "
    "status_code Int16, status_message String, status_code_string String, "
    "attributes_string Map(LowCardinality(String), String), attributes_number {numbers}, "
    "attributes_bool Map(LowCardinality(String), Bool), resources_string Map(LowCardinality(String), String), "
    "events Array(String), links String, has_error Bool) ENGINE = MergeTree PARTITION BY toDate(timestamp) "
    "ORDER BY (ts_bucket_start, resource_fingerprint, has_error, name, timestamp)"
)


class ClickHouseProcess:
    """A running server; ``execute`` runs what is no question of ours."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def execute(self, statement: str) -> Any:
        answer = self._client.post("/", content=statement.encode())
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    def make_map_table(self, table: str, spans: Sequence[Span], *, old: bool = False) -> None:
        """``otel_traces`` with maps; ``old`` spells kinds and statuses as the exporter did before."""
        self.execute(_COLLECTOR.format(table=table, attributes="Map(LowCardinality(String), String)"))
        self._insert(table, [_collector_row(span, old=old, is_json=False) for span in spans])
        self.execute(_LOOKUP.format(table=table))
        self.execute(
            f"INSERT INTO {table}_trace_id_ts "
            f"SELECT TraceId, min(Timestamp), max(Timestamp) FROM {table} GROUP BY TraceId"
        )

    def make_json_table(self, table: str, spans: Sequence[Span]) -> None:
        """``otel_traces`` with JSON."""
        self.execute(_COLLECTOR.format(table=table, attributes="JSON"))
        self._insert(table, [_collector_row(span, old=False, is_json=True) for span in spans])

    def make_signoz_table(self, spans: Sequence[Span]) -> None:
        """SigNoz's index of spans."""
        self.execute("CREATE DATABASE IF NOT EXISTS signoz_traces")
        table, numbers = "signoz_traces.distributed_signoz_index_v3", "Map(LowCardinality(String), Float64)"
        self.execute(_SIGNOZ.format(table=table, numbers=numbers))
        # Numbers in JSON are read to the last bit only out of texts.
        self.execute(_SIGNOZ.format(table="signoz_traces.texts", numbers="Map(LowCardinality(String), String)"))
        self._insert("signoz_traces.texts", list(map(_signoz_row, spans)))
        exact = "multiIf(number = 'nan', nan, number = 'inf', inf, number = '-inf', -inf, toFloat64OrZero(number))"
        values = f"arrayMap(number -> {exact}, mapValues(attributes_number))"
        self.execute(
            f"INSERT INTO {table} SELECT * REPLACE (CAST((mapKeys(attributes_number), {values}), '{numbers}') AS "
            "attributes_number) FROM signoz_traces.texts SETTINGS precise_float_parsing = 1"
        )

    def _insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        lines = "\n".join(json.dumps(row) for row in rows)
        self.execute(f"INSERT INTO {table} FORMAT JSONEachRow {lines}")


@contextmanager
def clickhouse() -> Iterator[ClickHouseProcess]:
    """Run a server for as long as the block lasts."""
    script = Path(__file__).with_name("clickhouse_server.py")
    process = subprocess.Popen(
        [PYTHON, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield ClickHouseProcess(json.loads(process.stdout.readline())["url"])
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def as_text(value: Value) -> str:
    """A value as the Collector turns it into text, by Go's rules and not by our code."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            spelled = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
            return f"json: unsupported value: {spelled}"
        case float():
            return _go_float(value)
        case tuple() | list():
            return "[" + ",".join(_go_json(item) for item in value) + "]"
        case _:
            return str(value)


def _go_json(value: Any) -> str:
    if value is None:
        return "null"
    return json.dumps(value) if isinstance(value, str) else as_text(value)


def _go_float(value: float) -> str:
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    if 1e-6 <= abs(value) < 1e21:
        text = f"{value:.17f}" if "e" in repr(value) else repr(value)
        if "e" in repr(value):
            digits, exponent = repr(value).split("e")
            shift = len(digits.partition(".")[2]) - int(exponent)
            text = f"{value:.{max(shift, 0)}f}"
        return text.removesuffix(".0")
    digits, exponent = repr(value).split("e") if "e" in repr(value) else f"{value:e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(exponent):+d}"


def _time(ns: int) -> str:
    whole, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%d %H:%M:%S}.{rest:09d}"


def _raw(attributes: Attributes) -> dict[str, Any]:
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
        for key, value in attributes.items()
    }


def _collector_row(span: Span, *, old: bool, is_json: bool) -> dict[str, Any]:
    def attributes(found: Attributes) -> dict[str, Any]:
        return _raw(found) if is_json else {key: as_text(value) for key, value in found.items()}

    kind = span.kind.name.title()
    status = span.status.name.title()
    return {
        "Timestamp": _time(span.start_ns),
        "TraceId": span.trace_id,
        "SpanId": span.span_id,
        "ParentSpanId": span.parent_id,
        "TraceState": "",
        "SpanName": span.name,
        "SpanKind": f"SPAN_KIND_{kind.upper()}" if old else kind,
        "ServiceName": span.resource.service,
        "ResourceAttributes": attributes(span.resource.attributes),
        "ScopeName": span.scope.name,
        "ScopeVersion": span.scope.version,
        "SpanAttributes": attributes(span.attributes),
        "Duration": span.duration_ns,
        "StatusCode": f"STATUS_CODE_{status.upper()}" if old else status,
        "StatusMessage": span.status_message,
        "Events.Timestamp": [_time(event.time_ns) for event in span.events],
        "Events.Name": [event.name for event in span.events],
        "Events.Attributes": [attributes(event.attributes) for event in span.events],
        "Links.TraceId": [link.trace_id for link in span.links],
        "Links.SpanId": [link.span_id for link in span.links],
        "Links.TraceState": ["" for _ in span.links],
        "Links.Attributes": [attributes(link.attributes) for link in span.links],
    }


def _signoz_row(span: Span) -> dict[str, Any]:
    texts, numbers, truths = {}, {}, {}
    for key, value in span.attributes.items():
        match value:
            case bool():
                truths[key] = value
            case int() | float():
                numbers[key] = repr(value)
            case _:
                texts[key] = as_text(value)
    references = [{"traceId": span.trace_id, "spanId": span.parent_id, "refType": "CHILD_OF"}] if span.parent_id else []
    references += [{"traceId": link.trace_id, "spanId": link.span_id, "refType": "FOLLOWS_FROM"} for link in span.links]
    return {
        "ts_bucket_start": span.start_ns // 1_000_000_000 // 1800 * 1800,
        "timestamp": _time(span.start_ns),
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_id,
        "name": span.name,
        "kind": span.kind.value,
        "kind_string": span.kind.name.title(),
        "duration_nano": span.duration_ns,
        "status_code": span.status.value,
        "status_message": span.status_message,
        "status_code_string": span.status.name.title(),
        "attributes_string": texts,
        "attributes_number": numbers,
        "attributes_bool": truths,
        "resources_string": {key: as_text(value) for key, value in span.resource.attributes.items()},
        "events": [
            json.dumps(
                {
                    "name": event.name,
                    "timeUnixNano": event.time_ns,
                    "attributeMap": {key: as_text(value) for key, value in event.attributes.items()},
                }
            )
            for event in span.events
        ],
        "links": json.dumps(references) if references else "[]",
        "has_error": span.is_error,
    }
