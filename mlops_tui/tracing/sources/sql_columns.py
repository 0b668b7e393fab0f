"""Expressions about attributes, whichever way they lie: which of them are columns, and which values they hold."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.domain.inferences import ATTRIBUTE_COLUMN, FEATURE, PREDICTION, PREDICTION_ID, attribute_of
from mlops_tui.domain.trace_queries import LAST_NS, TimeRange
from mlops_tui.tracing.sources.sql_text import all_of, quoted

# A span that took longer than this is not found by its end: what began earlier is not looked at.
LONGEST_SPAN_NS = 86_400 * 1_000_000_000
NO_NUMBER = "CAST(NULL, 'Nullable(Float64)')"
_SPELLED_NUMBERS = {"nan": "nan", "+inf": "inf", "inf": "inf", "-inf": "-inf"}


def is_column(key: str, wanted: Sequence[str] = ()) -> str:
    """Whether an attribute's name is that of a column, or of one of those wanted."""
    if wanted:
        names = ", ".join(quoted(attribute_of(column)) for column in wanted)
        return f"{key} IN ({names})"
    prediction = f"(startsWith({key}, {quoted(PREDICTION)}) AND {key} != {quoted(PREDICTION_ID)})"
    return f"(startsWith({key}, {quoted(FEATURE)}) OR {prediction})"


def column_name(key: str) -> str:
    """The column that an attribute fills."""
    feature, prediction, shared = quoted(FEATURE), quoted(PREDICTION), len("ml.") + 1
    other = f"concat({quoted(ATTRIBUTE_COLUMN)}, {key})"
    return (
        f"multiIf(startsWith({key}, {feature}), substring({key}, {len(FEATURE) + 1}), "
        f"startsWith({key}, {prediction}), substring({key}, {shared}), {other})"
    )


def text_items(value: str) -> str:
    """The items of an attribute whose value is text, which for a batch is a list in JSON."""
    listed = f"(startsWith({value}, '[') AND isValidJSON({value}))"
    return f"if({listed}, {listed_items(value)}, [({value}, {_number(value)})])"


def listed_items(value: str) -> str:
    """The items of a list in JSON; those that are null are missing."""
    elements = f"arrayFilter(element -> element != 'null', JSONExtractArrayRaw({value}))"
    is_text = "startsWith(element, '\\x22')"
    text = f"if({is_text}, JSONExtractString(element), element)"
    return f"arrayMap(element -> ({text}, if({is_text}, {NO_NUMBER}, toFloat64OrNull(element))), {elements})"


def began(column: str, times: TimeRange) -> str:
    """A condition on a time stamp that spans meet which ended in a range of time."""
    conditions = []
    if times.start_ns > LONGEST_SPAN_NS:
        conditions.append(f"{column} >= fromUnixTimestamp64Nano(toInt64({times.start_ns - LONGEST_SPAN_NS}))")
    if times.end_ns < LAST_NS:
        conditions.append(f"{column} < fromUnixTimestamp64Nano(toInt64({times.end_ns}))")
    return all_of(conditions)


def _number(value: str) -> str:
    """The number that a text spells, as Go spells what JSON cannot hold too."""
    plain = f"replaceOne(lower({value}), 'json: unsupported value: ', '')"
    spelled = ", ".join(f"{plain} = '{text}', {number}" for text, number in _SPELLED_NUMBERS.items())
    return f"ifNull(toFloat64OrNull({value}), multiIf({spelled}, {NO_NUMBER}))"


def pairs(column: str, of: str = "String") -> str:
    """A map as an array of its names with their values."""
    return f"CAST({column}, 'Array(Tuple(String, {of}))')"
