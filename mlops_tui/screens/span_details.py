"""Everything about one span as rows, and as a value to read as YAML."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.durations import coarse_duration
from mlops_tui.domain.inferences import PREDICTION, columns_of
from mlops_tui.domain.trace_queries import LabelledPrediction
from mlops_tui.domain.traces import Attributes, Span, Value, text_of
from mlops_tui.screens.states import span_status
from mlops_tui.screens.trace_items import duration_text, moment
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import Row

if TYPE_CHECKING:
    from mlops_tui.analysis.waterfall import Lane

FACT_COLUMNS = (
    Column("name", "NAME", 14, max_width=40, flex=1, is_sortable=False),
    Column("value", "VALUE", 16, flex=3, is_sortable=False),
)
INFERENCE_COLUMNS = (
    Column("name", "FEATURE OR OUTPUT", 17, max_width=40, flex=2, is_sortable=False),
    Column("value", "VALUE", 8, flex=2, is_sortable=False),
    Column("label", "TURNED OUT", 10, flex=1, is_sortable=False),
)
_MOST_TEXT = 400
_COLUMN_OF_OUTPUT = PREDICTION.removeprefix("ml.")


def fact_rows(lane: Lane, critical_ns: int, whole_ns: int) -> list[Row]:
    """What a span says of itself, then its attributes, those of its resource, its events and its links."""
    if lane.span is None:
        return [_row("parent", Cell(f"{lane.span_id} was named as a parent, but is not here", Token.WARNING))]
    facts = list(_facts(lane.span, lane, critical_ns, whole_ns))
    facts += [_row(name, value_text(value)) for name, value in sorted(lane.span.attributes.items())]
    facts += [
        _row(f"resource {name}", value_text(value)) for name, value in sorted(lane.span.resource.attributes.items())
    ]
    facts += _events(lane.span)
    facts += [
        _row(f"link {place}", f"trace {link.trace_id} span {link.span_id}{_attributes_text(link.attributes)}")
        for place, link in enumerate(lane.span.links, 1)
    ]
    return facts


def inference_rows(span: Span, label: LabelledPrediction | None) -> list[Row]:
    """Features, then predictions with what turned out to be true."""
    columns = columns_of(span)
    actual = dict(label.actual) if label is not None else {}
    rows: list[Row] = []
    for name, value in sorted(columns.items(), key=lambda item: (item[0].startswith(_COLUMN_OF_OUTPUT), item[0])):
        output = name.removeprefix(_COLUMN_OF_OUTPUT) if name.startswith(_COLUMN_OF_OUTPUT) else ""
        truth = _truth(value, actual.pop(output)) if output in actual else Cell("")
        title = Cell(f"{Sign.CRUMB.glyph} {output}", Token.STRONG) if output else Cell(name)
        rows.append(Row(name, (title, Cell(value_text(value)), truth)))
    rows += [
        Row(
            f"label.{name}",
            (
                Cell(f"{Sign.CRUMB.glyph} {name}", Token.STRONG),
                Cell("not predicted", Token.MUTED),
                Cell(value_text(value)),
            ),
        )
        for name, value in sorted(actual.items())
    ]
    return rows


def inference_title(span: Span | None, label: LabelledPrediction | None, unlabelled: str, now: datetime) -> str:
    """What the table of an inference is called: which, whether its truth is known, and since when.

    ``unlabelled`` is why labels could not be looked for, "" where they were.
    """
    if span is None or not columns_of(span):
        return "Inference"
    if unlabelled:
        return f"Inference {span.name}, label not to be had: {unlabelled}"
    if label is None:
        return f"Inference {span.name}, no label yet"
    came = coarse_duration(max(now - moment(label.labelled_ns), timedelta()))
    return f"Inference {span.name}, label of {came} ago"


def span_value(lane: Lane, label: LabelledPrediction | None) -> dict[str, JsonValue]:
    """A span with everything it says."""
    span = lane.span
    if span is None:
        return {"span_id": lane.span_id, "missing": True}
    columns = columns_of(span)
    is_output = {name: name.startswith(_COLUMN_OF_OUTPUT) for name in columns}
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id or None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "status": span.status.name.lower(),
        "message": span.status_message or None,
        "start": instant(moment(span.start_ns)),
        "end": instant(moment(span.end_ns)),
        "duration_ms": span.duration_ns / 1_000_000,
        "clock_behind_ms": lane.shift_ns / 1_000_000 or None,
        "features": {name: plain_value(value) for name, value in columns.items() if not is_output[name]},
        "predictions": {
            name.removeprefix(_COLUMN_OF_OUTPUT): plain_value(value)
            for name, value in columns.items()
            if is_output[name]
        },
        "label": None
        if label is None
        else {
            "at": instant(moment(label.labelled_ns)),
            "actual": {name: plain_value(value) for name, value in label.actual.items()},
        },
        "attributes": plain_value(dict(span.attributes)),
        "resource": plain_value(dict(span.resource.attributes)),
        "scope": _scope(span) or None,
        "events": [
            {
                "at": instant(moment(event.time_ns)),
                "name": event.name,
                "attributes": plain_value(dict(event.attributes)),
            }
            for event in span.events
        ],
        "links": [
            {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": plain_value(dict(link.attributes))}
            for link in span.links
        ],
        "dropped": span.dropped,
        "withheld": span.withheld,
    }


def plain_value(value: Value) -> JsonValue:
    """A value as JSON holds it; bytes stand as base64, and what is no number as text."""
    match value:
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case float() if value != value or value in {float("inf"), float("-inf")}:
            return repr(value)
        case None | str() | bool() | int() | float():
            return value
        case Mapping():
            return {key: plain_value(item) for key, item in value.items()}
        case _:
            return [plain_value(item) for item in value]


def value_text(value: Value) -> str:
    """A value on one line."""
    match value:
        case None:
            return "nothing"
        case str() | bool() | int() | float():
            return text_of(value)
        case bytes():
            return f"{len(value):,} bytes"
        case Mapping():
            inner = ", ".join(f"{key}: {value_text(item)}" for key, item in value.items())
            return f"{{{inner}}}"[:_MOST_TEXT]
        case _:
            return _several(value)


def _several(values: Sequence[Value]) -> str:
    shown = ", ".join(value_text(item) for item in values[:20])
    more = f" {Sign.ELLIPSIS.glyph}" if len(values) > 20 else ""
    return f"{len(values)} rows: {shown}{more}"[:_MOST_TEXT]


def _facts(span: Span, lane: Lane, critical_ns: int, whole_ns: int) -> Iterator[Row]:
    yield _row("status", span_status(span.status).cell)
    if span.status_message:
        yield _row("message", Cell(span.status_message, Token.ERROR if span.is_error else Token.PLAIN))
    share = (
        f", {duration_text(critical_ns)} of it critical ({100 * critical_ns / whole_ns:.0f}% of the trace)"
        if critical_ns and whole_ns
        else ""
    )
    yield _row("took", f"{duration_text(span.duration_ns)}{share}")
    if lane.shift_ns:
        yield _row("clock", Cell(f"≈ behind by {duration_text(lane.shift_ns)} at least, put right here", Token.WARNING))
    began = moment(span.start_ns).astimezone()
    yield _row("began", f"{began:%Y-%m-%d %H:%M:%S}.{began.microsecond:06}")
    yield _row("span", f"{span.span_id}, {span.kind.name.lower()}")
    yield _row("parent", span.parent_id or "none: this is the root")
    if scope := _scope(span):
        yield _row("recorded by", scope)
    if span.dropped:
        yield _row("dropped", Cell(f"{span.dropped:,} of its attributes, by the sender", Token.WARNING))
    if span.withheld:
        yield _row("withheld", f"{span.withheld:,} of its attributes, which may be personal")


def _events(span: Span) -> list[Row]:
    rows = []
    for place, event in enumerate(span.events, 1):
        after = event.time_ns - span.start_ns
        at = f"+{duration_text(after)}" if after >= 0 else f"-{duration_text(-after)}"
        token = Token.ERROR if event.name == "exception" else Token.PLAIN
        rows.append(_row(f"event {place}", Cell(f"{at} {event.name}{_attributes_text(event.attributes)}", token)))
    return rows


def _attributes_text(attributes: Attributes) -> str:
    inner = ", ".join(f"{name}={value_text(value)}" for name, value in attributes.items())
    return f" ({inner})" if inner else ""


def _scope(span: Span) -> str:
    return " ".join(part for part in (span.scope.name, span.scope.version) if part)


def _truth(predicted: Value, actual: Value) -> Cell:
    """What turned out to be true, marked where a predicted class was right or wrong."""
    text = value_text(actual)
    if not isinstance(predicted, str | int) or not isinstance(actual, str | int):
        return Cell(text)
    if text_of(predicted) == text_of(actual):
        return Cell(f"{Sign.OK.glyph} {text}", Token.OK)
    return Cell(f"{Sign.FAILED.glyph} {text}", Token.ERROR)


def _row(name: str, value: Cell | str) -> Row:
    return Row(name, (Cell(name, Token.MUTED), Cell(value) if isinstance(value, str) else value))
