"""How spans lie in ClickHouse, and how the OpenTelemetry Collector writes them: in maps or in JSON.

A layout turns a question about a span into an expression over the columns of its table. Expressions stay within what
the smallest build of ClickHouse can do. An ``items`` expression is an array with one ``(text, number)`` for each value
of an attribute, more than one where a span stands for a batch; the number is NULL for what is no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mlops_tui.domain.inferences import attribute_of
from mlops_tui.domain.trace_queries import TimeRange
from mlops_tui.domain.traces import SpanEvent, SpanLink, Value
from mlops_tui.tracing.sources import sql_attributes
from mlops_tui.tracing.sources.sql_columns import (
    NO_NUMBER,
    began,
    column_name,
    is_column,
    listed_items,
    pairs,
    text_items,
)
from mlops_tui.tracing.sources.sql_text import identifier, listed, quoted


class Layout(Protocol):
    """Where a table has what; every property and answer is SQL, texts are "" where an attribute is missing."""

    table: str
    start_ns: str
    duration: str
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    status: str
    message: str
    service: str
    scope: tuple[str, str]
    keys: str
    # The trace and span of a span's first link, "" without one, and all there is in JSON.
    linked: tuple[str, str]
    links: str
    events: str
    resource_text: str
    settings: str
    # Whether an attribute of a span may be a list, as in batches.
    has_lists: str
    # Whether ``columns`` needs to be told which columns there are.
    needs_columns: bool

    def has(self, key: str) -> str:
        """Whether a span has an attribute."""
        ...

    def text(self, key: str) -> str:
        """A span's attribute."""
        ...

    def resource_has(self, key: str) -> str:
        """Whether a resource has an attribute."""
        ...

    def resource(self, key: str) -> str:
        """A resource's attribute."""
        ...

    def named(self, names: Sequence[str]) -> str:
        """A map of those of a span's attributes, by name; one that is missing may be there as ""."""
        ...

    def columns(self, wanted: Sequence[str]) -> str:
        """An array of ``(column, items)``, of all columns where none are wanted in particular."""
        ...

    def attributes(self, prefix: str) -> str:
        """The attributes whose names begin so, in JSON."""
        ...

    def began(self, times: TimeRange) -> str:
        """A condition on when spans began that those which ended in a range of time meet, for the table's sort key."""
        ...

    def read_attributes(self, text: str, /) -> dict[str, Value]:
        """The attributes of a span, from JSON."""
        ...

    def read_resource(self, text: str, /) -> dict[str, Value]:
        """The attributes of a resource, from JSON."""
        ...

    def read_events(self, text: str, /) -> tuple[SpanEvent, ...]:
        """Events, from JSON."""
        ...

    def read_links(self, text: str, /) -> tuple[SpanLink, ...]:
        """Links, from JSON."""
        ...


class MapLayout:
    """``otel_traces`` of the Collector's exporter with attributes in ``Map(String, String)``.

    Source: opentelemetry-collector-contrib, exporter/clickhouseexporter. All values are text there: what looks like a
    number is one, and NaN and the infinities are spelled as in an error of Go's JSON encoder.
    """

    start_ns = "toUnixTimestamp64Nano(Timestamp)"
    duration = "toInt64(Duration)"
    trace_id, span_id, parent_id = "TraceId", "SpanId", "ParentSpanId"
    name, kind, message = "SpanName", "SpanKind", "StatusMessage"
    status = "multiIf(StatusCode IN ('Error', 'STATUS_CODE_ERROR'), 2, StatusCode IN ('Ok', 'STATUS_CODE_OK'), 1, 0)"
    service = "ServiceName"
    scope = ("ScopeName", "ScopeVersion")
    keys = "arrayMap(key -> toString(key), mapKeys(SpanAttributes))"
    linked = ("Links.TraceId[1]", "Links.SpanId[1]")
    links = "toJSONString(arrayZip(Links.TraceId, Links.SpanId, Links.Attributes))"
    events = (
        "toJSONString(arrayMap((time, name, attributes) -> (toUnixTimestamp64Nano(time), name, attributes), "
        "Events.Timestamp, Events.Name, Events.Attributes))"
    )
    resource_text = "toJSONString(ResourceAttributes)"
    settings = "precise_float_parsing = 1"
    has_lists = "arrayExists(value -> startsWith(value, '['), mapValues(SpanAttributes))"
    needs_columns = False
    read_attributes = staticmethod(sql_attributes.from_pairs)
    read_resource = staticmethod(sql_attributes.from_map)
    read_events = staticmethod(sql_attributes.events_of)
    read_links = staticmethod(sql_attributes.links_of)

    def __init__(self, database: str, table: str) -> None:
        self.table = identifier(database, table)

    def has(self, key: str) -> str:
        """Whether a span has an attribute."""
        return f"mapContains(SpanAttributes, {quoted(key)})"

    def text(self, key: str) -> str:
        """A span's attribute."""
        return f"SpanAttributes[{quoted(key)}]"

    def resource_has(self, key: str) -> str:
        """Whether a resource has an attribute."""
        return f"mapContains(ResourceAttributes, {quoted(key)})"

    def resource(self, key: str) -> str:
        """A resource's attribute."""
        return f"ResourceAttributes[{quoted(key)}]"

    def named(self, names: Sequence[str]) -> str:
        """A map of those of a span's attributes."""
        return (
            f"CAST(arrayFilter(pair -> pair.1 IN ({listed(names)}), {pairs('SpanAttributes')}), 'Map(String, String)')"
        )

    def columns(self, wanted: Sequence[str]) -> str:
        """An array of ``(column, items)``."""
        found = f"arrayFilter(pair -> {is_column('pair.1', wanted)}, {pairs('SpanAttributes')})"
        return f"arrayMap(pair -> ({column_name('pair.1')}, {text_items('pair.2')}), {found})"

    def attributes(self, prefix: str) -> str:
        """The attributes whose names begin so, in JSON."""
        return f"toJSONString(arrayFilter(pair -> startsWith(pair.1, {quoted(prefix)}), {pairs('SpanAttributes')}))"

    def began(self, times: TimeRange) -> str:
        """When spans began that ended in a range of time."""
        return began("Timestamp", times)


class JsonLayout(MapLayout):
    """``otel_traces`` of the Collector's exporter with attributes in ``JSON``, where values keep their types."""

    keys = "JSONAllPaths(SpanAttributes)"
    has_lists = "1"
    needs_columns = True
    read_attributes = staticmethod(sql_attributes.from_document)
    read_resource = staticmethod(sql_attributes.from_document)

    def has(self, key: str) -> str:
        """Whether a span has an attribute."""
        return f"isNotNull({_path('SpanAttributes', key)})"

    def text(self, key: str) -> str:
        """A span's attribute."""
        return f"ifNull(toString({_path('SpanAttributes', key)}), '')"

    def resource_has(self, key: str) -> str:
        """Whether a resource has an attribute."""
        return f"isNotNull({_path('ResourceAttributes', key)})"

    def resource(self, key: str) -> str:
        """A resource's attribute."""
        return f"ifNull(toString({_path('ResourceAttributes', key)}), '')"

    def named(self, names: Sequence[str]) -> str:
        """A map of those of a span's attributes."""
        return f"map({', '.join(f'{quoted(name)}, {self.text(name)}' for name in names)})"

    def columns(self, wanted: Sequence[str]) -> str:
        """An array of ``(column, items)``."""
        columns = ", ".join(f"({quoted(column)}, {self._items(column)})" for column in wanted)
        return f"arrayFilter(column -> notEmpty(column.2), [{columns}])" if wanted else "[]"

    def attributes(self, prefix: str) -> str:  # noqa: ARG002 - a document is read whole
        """The attributes whose names begin so, in JSON."""
        return "toJSONString(SpanAttributes)"

    def _items(self, column: str) -> str:
        value = _path("SpanAttributes", attribute_of(column))
        number = f"coalesce(dynamicElement({value}, 'Float64'), toFloat64(dynamicElement({value}, 'Int64')))"
        listed = f"startsWith(dynamicType({value}), 'Array')"
        single = f"[(ifNull(toString({value}), ''), {number})]"
        none = f"arrayFilter(item -> 0, [('', {NO_NUMBER})])"
        batch = listed_items(f"ifNull(toJSONString({value}), '[]')")
        return f"multiIf(isNull({value}), {none}, {listed}, {batch}, {single})"


def _path(column: str, key: str) -> str:
    return f"{column}.{identifier(key)}"
