"""Statements about single traces and spans: which there are, all of one, what columns and labels there are."""

from __future__ import annotations

from collections.abc import Iterable

from mlops_tui.domain.inferences import GROUND_TRUTH, LABELLED_ID, PREDICTION_ID
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, TraceQuery, WindowQuery
from mlops_tui.tracing.sources.sql_columns import LONGEST_SPAN_NS, column_name, is_column
from mlops_tui.tracing.sources.sql_layouts import Layout
from mlops_tui.tracing.sources.sql_subjects import SUBJECT, spans
from mlops_tui.tracing.sources.sql_text import all_of, any_of, quoted

MOST_SPANS = 20_000
_PARTS = ", ".join(SUBJECT)
_ANY = SubjectFilter()


def found_statement(layout: Layout, query: TraceQuery) -> str:
    """The ids of the traces with a span that meets the conditions, the newest first."""
    conditions = [_attribute(layout, name, text) for name, text in query.attributes]
    if query.status is not None:
        conditions.append(f"status = {query.status.value}")
    if query.least_ns is not None:
        conditions.append(f"duration >= {query.least_ns}")
    if query.most_ns is not None:
        conditions.append(f"duration <= {query.most_ns}")
    inner = spans(layout, query.times, query.subjects)
    # The conditions are about the table's columns, so that they stand inside.
    return (
        f"SELECT toJSONString(tuple(trace_id, max(end_ns))) AS answer FROM ({inner} AND {all_of(conditions)}) "
        f"GROUP BY trace_id ORDER BY max(end_ns) DESC, trace_id LIMIT {query.limit}"
    )


def summary_statement(layout: Layout, ids: Iterable[str], times: TimeRange) -> str:
    """What lists say of traces, whose spans ended about a range of time."""
    wanted = ", ".join(map(quoted, ids))
    more = (f"{layout.parent_id} AS parent", f"toString({layout.name}) AS title")
    inner = f"{spans(layout, times, _ANY, more)} AND {layout.trace_id} IN ({wanted})"
    root = "tuple(parent != '', start_ns)"
    about = "tuple(model = '', model = '' AND parent != '', start_ns)"
    return (
        f"SELECT toJSONString(tuple(trace_id, argMin(title, {root}), argMin(tuple({_PARTS}), {about}), "
        "min(start_ns), max(end_ns), count(), countIf(status = 2))) AS answer "
        f"FROM ({inner}) GROUP BY trace_id"
    )


def around(first_ns: int, last_ns: int) -> TimeRange:
    """The time in which the other spans of traces are looked for, of which some ended between these."""
    return TimeRange(max(0, first_ns - LONGEST_SPAN_NS), last_ns + LONGEST_SPAN_NS)


def trace_statement(layout: Layout, trace_id: str, times: TimeRange) -> str:
    """Every span of one trace, in the order of their start."""
    scope, version = layout.scope
    fields = (
        layout.trace_id, layout.span_id, layout.parent_id, f"toString({layout.name})", f"toString({layout.kind})",
        layout.start_ns, layout.duration, layout.status, layout.message, layout.attributes(""), layout.resource_text,
        f"toString({scope})", f"toString({version})", layout.events, layout.links,
    )  # fmt: skip
    return (
        f"SELECT toJSONString(tuple({', '.join(fields)})) AS answer FROM {layout.table} "
        f"WHERE {layout.trace_id} = {quoted(trace_id)} AND {layout.began(times)} "
        f"ORDER BY {layout.start_ns} LIMIT {MOST_SPANS}"
    )


def column_statement(layout: Layout, query: WindowQuery) -> str:
    """The names of a model's features and predictions."""
    more = (f"arrayFilter(key -> {is_column('key')}, {layout.keys}) AS names",)
    inner = f"SELECT arrayJoin(names) AS key FROM ({spans(layout, query.times, query.admitted, more)})"
    return f"SELECT DISTINCT toJSONString(tuple({column_name('key')})) AS answer FROM ({inner})"


def label_statement(layout: Layout, query: WindowQuery) -> str:
    """Predictions with the labels that came for them, one row for each pair.

    A label names its prediction or links to its span.
    """
    by_id = f"concat('id:', {layout.text(PREDICTION_ID)})"
    by_span = f"concat('span:', trace_id, ':', {layout.span_id})"
    made = (
        f"{layout.span_id} AS span_id",
        f"arrayFilter(key -> key != 'id:', [{by_id}, {by_span}]) AS names",
        f"{layout.attributes('')} AS predicted",
    )
    trace, span = layout.linked
    came = (
        f"{layout.text(LABELLED_ID)} AS named",
        f"multiIf(named != '', concat('id:', named), {span} != '', concat('span:', {trace}, ':', {span}), '') AS name",
        f"{layout.attributes(GROUND_TRUTH)} AS actual",
    )
    labelled = TimeRange(max(0, query.times.start_ns - LONGEST_SPAN_NS))
    predictions = (
        f"SELECT trace_id, span_id, {_PARTS}, end_ns, predicted, arrayJoin(names) AS name "
        f"FROM ({spans(layout, query.times, query.admitted, made)}) WHERE NOT is_label"
    )
    labels = (
        "SELECT name, project AS label_project, told_model AS label_model, end_ns AS labelled_ns, actual "
        f"FROM ({spans(layout, labelled, _ANY, came)}) WHERE is_label AND name != ''"
    )
    return (
        f"SELECT toJSONString(tuple(trace_id, span_id, tuple({_PARTS}), end_ns, labelled_ns, predicted, actual)) "
        f"AS answer FROM ({predictions}) AS made INNER JOIN ({labels}) AS came ON made.name = came.name "
        "WHERE label_project IN ('', project) AND label_model IN ('', model)"
    )


def _attribute(layout: Layout, name: str, text: str) -> str:
    """An attribute of a span or of its resource equals a text, or the number that the text spells."""
    tests = []
    for has, value in (
        (layout.has(name), layout.text(name)),
        (layout.resource_has(name), layout.resource(name)),
    ):
        equal = [f"{value} = {quoted(text)}"]
        if (number := _number(text)) is not None:
            equal.append(f"ifNull(toFloat64OrNull({value}) = {number!r}, 0)")
        tests.append(f"({has} AND {any_of(equal)})")
    return any_of(tests)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number - number == 0 else None
