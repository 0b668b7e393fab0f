"""How spans lie in the ClickHouse of SigNoz."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.domain.trace_queries import LAST_NS, TimeRange
from mlops_tui.tracing.sources import sql_attributes
from mlops_tui.tracing.sources.sql_columns import (
    LONGEST_SPAN_NS,
    NO_NUMBER,
    began,
    column_name,
    is_column,
    pairs,
    text_items,
)
from mlops_tui.tracing.sources.sql_text import all_of, identifier, listed, quoted


class SignozLayout:
    """``distributed_signoz_index_v3`` of SigNoz, on which GitLab Observability is built.

    Source: signoz-otel-collector, cmd/signozschemamigrator. Numbers, truths and texts have a map each.
    """

    table = identifier("signoz_traces", "distributed_signoz_index_v3")
    start_ns = "toUnixTimestamp64Nano(timestamp)"
    duration = "toInt64(duration_nano)"
    trace_id, span_id, parent_id = "toString(trace_id)", "span_id", "parent_span_id"
    name, kind, status, message = "name", "toString(kind)", "toInt32(status_code)", "status_message"
    service = "resources_string['service.name']"
    scope = ("''", "''")
    keys = (
        "arrayMap(key -> toString(key), "
        "arrayConcat(mapKeys(attributes_string), mapKeys(attributes_number), mapKeys(attributes_bool)))"
    )
    _followed = (
        "arrayFirst(link -> link.3 != 'CHILD_OF', "
        "JSONExtract(links, 'Array(Tuple(traceId String, spanId String, refType String))'))"
    )
    linked = (f"{_followed}.1", f"{_followed}.2")
    links = "links"
    events = "toJSONString(events)"
    resource_text = "toJSONString(resources_string)"
    settings = ""
    has_lists = "arrayExists(value -> startsWith(value, '['), mapValues(attributes_string))"
    needs_columns = False
    read_attributes = staticmethod(sql_attributes.from_pairs)
    read_resource = staticmethod(sql_attributes.from_map)
    read_events = staticmethod(sql_attributes.signoz_events)
    read_links = staticmethod(sql_attributes.signoz_links)

    def has(self, key: str) -> str:
        """Whether a span has an attribute."""
        maps = ("attributes_string", "attributes_number", "attributes_bool")
        return f"({' OR '.join(f'mapContains({name}, {quoted(key)})' for name in maps)})"

    def text(self, key: str) -> str:
        """A span's attribute."""
        name = quoted(key)
        return (
            f"multiIf(mapContains(attributes_string, {name}), attributes_string[{name}], "
            f"mapContains(attributes_number, {name}), toString(attributes_number[{name}]), "
            f"mapContains(attributes_bool, {name}), toString(attributes_bool[{name}]), '')"
        )

    def resource_has(self, key: str) -> str:
        """Whether a resource has an attribute."""
        return f"mapContains(resources_string, {quoted(key)})"

    def resource(self, key: str) -> str:
        """A resource's attribute."""
        return f"resources_string[{quoted(key)}]"

    def named(self, names: Sequence[str]) -> str:
        """A map of those of a span's attributes."""
        kinds = ((pairs("attributes_string"), "pair.2"), (pairs("attributes_number", "Float64"), "toString(pair.2)"))
        found = ", ".join(
            f"arrayMap(pair -> (pair.1, {value}), arrayFilter(pair -> pair.1 IN ({listed(names)}), {all_pairs}))"
            for all_pairs, value in kinds
        )
        return f"CAST(arrayConcat({found}), 'Map(String, String)')"

    def columns(self, wanted: Sequence[str]) -> str:
        """An array of ``(column, items)``."""
        kinds = (
            (pairs("attributes_string"), text_items("pair.2")),
            (pairs("attributes_number", "Float64"), "[(toString(pair.2), toNullable(pair.2))]"),
            (pairs("attributes_bool", "Bool"), f"[(toString(pair.2), {NO_NUMBER})]"),
        )
        return ", ".join(
            f"arrayMap(pair -> ({column_name('pair.1')}, {items}), "
            f"arrayFilter(pair -> {is_column('pair.1', wanted)}, {found}))"
            for found, items in kinds
        ).join(("arrayConcat(", ")"))

    def attributes(self, prefix: str) -> str:
        """The attributes whose names begin so, in JSON."""
        kinds = (
            ("s", pairs("attributes_string"), "pair.2"),
            ("n", pairs("attributes_number", "Float64"), "toString(pair.2)"),
            ("b", pairs("attributes_bool", "Bool"), "toString(pair.2)"),
        )
        return ", ".join(
            f"arrayMap(pair -> (pair.1, {value}, '{kind}'), "
            f"arrayFilter(pair -> startsWith(pair.1, {quoted(prefix)}), {found}))"
            for kind, found, value in kinds
        ).join(("toJSONString(arrayConcat(", "))"))

    def began(self, times: TimeRange) -> str:
        """When spans began that ended in a range of time."""
        buckets = []
        if times.start_ns > LONGEST_SPAN_NS:
            # Rows are sorted by half hours.
            buckets.append(f"ts_bucket_start >= {(times.start_ns - LONGEST_SPAN_NS) // 1_000_000_000 - 1800}")
        if times.end_ns < LAST_NS:
            buckets.append(f"ts_bucket_start <= {times.end_ns // 1_000_000_000}")
        return all_of([*buckets, began("timestamp", times)])
