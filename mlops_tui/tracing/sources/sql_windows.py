"""Windows counted by the database itself: all columns in one pass, so that only counts leave it."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.domain.inferences import BATCH_SIZE
from mlops_tui.domain.profiles import Bins, CategoryBins, NumericBins
from mlops_tui.domain.trace_queries import WindowQuery
from mlops_tui.domain.window_slices import latency_bucket
from mlops_tui.tracing.sources.go_values import spellings
from mlops_tui.tracing.sources.sql_columns import is_column
from mlops_tui.tracing.sources.sql_layouts import Layout
from mlops_tui.tracing.sources.sql_subjects import spans
from mlops_tui.tracing.sources.sql_text import any_of, array, choice, doubles, quoted, texts

_NANOSECONDS = 1_000_000_000
_LARGEST_BATCH = 1_000_000
_LONGEST_DURATION = 2**62
# Under this name the predictions of a window are counted; no column is called so.
PREDICTIONS = ""


def window_statement(
    layout: Layout, query: WindowQuery, width: int, columns: Sequence[str], every: Sequence[str]
) -> str:
    """What each column looked like, for each window and arm; ``columns`` empty means all.

    ``every`` names all columns there are, for layouts that need to be told.

    Bins are counted as ``x <= edge`` for each edge, categories one by one.
    """
    rows = f"toFloat64({_batch_rows(layout, every)})"
    counted = f"('', [('', toNullable({rows}))])"
    # The names of the parts are left out, since some layouts have none: both sides have to be of one type.
    of = "Array(Tuple(String, Array(Tuple(String, Nullable(Float64)))))"
    gathered = f"arrayConcat(CAST([{counted}], '{of}'), CAST({layout.columns(columns or every)}, '{of}')) AS columns"
    inner = spans(
        layout,
        query.times.widened(width),
        query.admitted,
        (gathered, f"{_has_columns(layout, query.attributes)} AS counts"),
    )
    unfolded = (
        f"SELECT {_window(width)} AS window, "
        # One short value instead of four texts, since it stands beside every value of a span.
        "toLowCardinality(toJSONString(tuple(project, version, arm, environment))) AS subject, "
        f"arrayJoin(columns) AS column, column.1 AS name, column.2 AS items FROM ({inner}) WHERE counts"
    )
    values = (
        "SELECT window, subject, name, "
        f"arrayJoin(items) AS item, item.1 AS text, item.2 AS x, ifNull(isFinite(x), 0) AS finite FROM ({unfolded})"
    )
    bins = {} if query.profile is None else dict(query.profile.bins)
    figures = (
        "count(), countIf(isNaN(x)), countIf(x = inf), countIf(x = -inf), countIf(isNull(x)), "
        "reinterpretAsUInt64(toFloat64(ifNull(sumIf(x, finite), 0))), "
        "reinterpretAsUInt64(toFloat64(ifNull(sumIf(x * x, finite), 0))), "
        "reinterpretAsUInt64(toFloat64(ifNull(minIf(x, finite), 0))), "
        "reinterpretAsUInt64(toFloat64(ifNull(maxIf(x, finite), 0))), "
        f"sumForEach({_cumulative(bins)}), sumForEach({_categories(bins)})"
    )
    return (
        f"SELECT toJSONString(tuple(window, subject, name, {figures})) AS answer "
        f"FROM ({values}) GROUP BY window, subject, name"
    )


def traffic_statement(layout: Layout, query: WindowQuery, width: int) -> str:
    """Spans, errors and durations, for each window and subject and bucket of latency."""
    return _traffic(
        f"{_window(width)} AS window, service, project, model, version, arm, environment",
        spans(layout, query.times.widened(width), query.admitted),
    )


def subject_statement(layout: Layout, query: WindowQuery) -> str:
    """The same over a whole range of time, exactly as it is given."""
    return _traffic(
        "0 AS window, service, project, model, version, arm, environment", spans(layout, query.times, query.admitted)
    )


def duration_statement(layout: Layout, query: WindowQuery, quantiles: Sequence[float]) -> str:
    """For each arm how many spans, and for each quantile the two durations between which it lies."""
    places = ", ".join(
        f"arrayElement(ordered, toUInt64(floor({quantile!r} * (length(ordered) - 1))) + 1), "
        f"arrayElement(ordered, least(toUInt64(floor({quantile!r} * (length(ordered) - 1))) + 2, length(ordered)))"
        for quantile in quantiles
    )
    arms = (
        "SELECT model, version, arm, arraySort(groupArray(duration)) AS ordered "
        f"FROM ({spans(layout, query.times, query.admitted)}) GROUP BY model, version, arm"
    )
    return f"SELECT toJSONString(tuple(model, version, arm, length(ordered), {places})) AS answer FROM ({arms})"


def bucket_starts() -> tuple[int, ...]:
    """The smallest duration in nanoseconds of each bucket of latency that has one."""
    starts = [0]
    for bucket in range(1, latency_bucket(_LONGEST_DURATION) + 1):
        start = max(starts[-1], int(2 ** (bucket / 16)) - 1)
        while latency_bucket(start) < bucket:
            start += 1
        if start > starts[-1] and latency_bucket(start) == bucket:
            starts.append(start)
    return tuple(starts)


def _traffic(keys: str, inner: str) -> str:
    starts = f"CAST([{', '.join(map(str, bucket_starts()))}], 'Array(Int64)')"
    names = "window, service, project, model, version, arm, environment"
    rows = f"SELECT {keys}, roundDown(duration, {starts}) AS bucket, duration, end_ns, status FROM ({inner})"
    return (
        f"SELECT toJSONString(tuple({names}, bucket, count(), countIf(status = 2), sum(duration), min(end_ns), "
        f"max(end_ns))) AS answer FROM ({rows}) GROUP BY {names}, bucket"
    )


def _window(width: int) -> str:
    return f"intDiv(end_ns, {width * _NANOSECONDS}) * {width}"


def _has_columns(layout: Layout, wanted: Sequence[str]) -> str:
    return f"arrayExists(key -> {is_column('key', wanted)}, {layout.keys})"


def _batch_rows(layout: Layout, every: Sequence[str]) -> str:
    """How many inferences a span stands for: its declared batch size or its longest column, at least 1."""
    declared = f"toInt64OrZero({layout.text(BATCH_SIZE)})"
    is_batch = any_of((layout.has(BATCH_SIZE), layout.has_lists))
    lengths = f"arrayMax(arrayMap(column -> toInt64(length(column.2)), {layout.columns(every)}))"
    said = f"if({declared} BETWEEN 1 AND {_LARGEST_BATCH}, {declared}, toInt64(1))"
    return f"if({is_batch}, greatest(toInt64(1), {said}, {lengths}), toInt64(1))"


def _cumulative(bins: dict[str, Bins]) -> str:
    cases = [(quoted(name), doubles(found.edges)) for name, found in bins.items() if isinstance(found, NumericBins)]
    return f"arrayMap(edge -> toUInt64(finite AND ifNull(x <= edge, 0)), {choice('name', cases, doubles(()))})"


def _categories(bins: dict[str, Bins]) -> str:
    cases = [
        (quoted(name), array((texts(spellings(category)) for category in found.categories), "Array(String)"))
        for name, found in bins.items()
        if isinstance(found, CategoryBins)
    ]
    return f"arrayMap(category -> toUInt64(has(category, text)), {choice('name', cases, array((), 'Array(String)'))})"
