"""What of a filter a store of traces can answer by itself, and what has to be looked for in the spans it returns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.filter_terms import And
from mlops_tui.domain.filter_values import Comparator, Duration, Number, Text, parse_number
from mlops_tui.domain.trace_filters import SpanField, SpanFilter, SpanTest
from mlops_tui.domain.trace_queries import TraceQuery
from mlops_tui.domain.traces import SpanStatus

_PLAIN = re.compile(r"[A-Za-z0-9_./\-]{1,256}")
_SUBJECT_PARTS = {
    SpanField.MODEL: "model",
    SpanField.VERSION: "version",
    SpanField.ARM: "arm",
    SpanField.SERVICE: "service",
    SpanField.ENVIRONMENT: "environment",
    SpanField.PROJECT: "project",
}


@dataclass(frozen=True, slots=True)
class PushedDown:
    """A query that finds every trace that can fit, and the filter that decides among them; None when all of them do."""

    query: TraceQuery
    rest: SpanFilter | None


def push_down(wanted: SpanFilter | None, query: TraceQuery, now_ns: int) -> PushedDown:
    """Add to ``query`` what it can say of a filter.

    Only conditions that all have to hold can be handed on, each at most once.
    """
    rest: list[SpanFilter] = []
    for operand in _conditions(wanted):
        narrowed = _narrowed(query, operand, now_ns) if isinstance(operand, SpanTest) else None
        if narrowed is not None:
            query = narrowed
        if narrowed is None or not _is_exact(operand):
            rest.append(operand)
    return PushedDown(query, _joined(rest))


def _conditions(wanted: SpanFilter | None) -> Sequence[SpanFilter]:
    match wanted:
        case None:
            return ()
        case And(operands):
            return [inner for operand in operands for inner in _conditions(operand)]
        case _:
            return (wanted,)


def _joined(rest: Sequence[SpanFilter]) -> SpanFilter | None:
    if not rest:
        return None
    return rest[0] if len(rest) == 1 else And(tuple(rest))


def _narrowed(query: TraceQuery, test: SpanTest, now_ns: int) -> TraceQuery | None:
    """The query with one more condition, None when it cannot say it."""
    match test:
        case SpanTest(SpanField.DURATION, Comparator() as sign, Duration(nanoseconds=wanted)):
            return _lasting(query, sign, wanted)
        case SpanTest(SpanField.AGE, Comparator() as sign, Duration(nanoseconds=wanted)):
            return _ended(query, sign, now_ns - wanted)
        case SpanTest(SpanField.STATUS, Comparator.EQUAL, Text(text=text)) if query.status is None:
            return replace(query, status=SpanStatus[text.upper()])
        case SpanTest(SpanField.ATTRIBUTE, Comparator.EQUAL, Text(text=text) | Number(text=text)) if _PLAIN.fullmatch(
            test.attribute
        ):
            return replace(query, attributes=(*query.attributes, (test.attribute, text)))
        case SpanTest(sign=Comparator.EQUAL, operand=Text(text=text)) if test.field in _SUBJECT_PARTS and text:
            part = _SUBJECT_PARTS[test.field]
            if getattr(query.subjects, part) in {None, text}:
                return replace(query, subjects=replace(query.subjects, **{part: text}))
    return None


def _lasting(query: TraceQuery, sign: Comparator, wanted_ns: int) -> TraceQuery | None:
    match sign:
        case Comparator.MORE:
            return _within(query, least=wanted_ns + 1)
        case Comparator.AT_LEAST:
            return _within(query, least=wanted_ns)
        case Comparator.LESS:
            return _within(query, most=wanted_ns - 1)
        case Comparator.AT_MOST:
            return _within(query, most=wanted_ns)
        case _:
            return None


def _ended(query: TraceQuery, sign: Comparator, at_ns: int) -> TraceQuery | None:
    """Spans of some age: the younger, the later they ended."""
    match sign:
        case Comparator.LESS:
            return _since(query, at_ns + 1)
        case Comparator.AT_MOST:
            return _since(query, at_ns)
        case Comparator.MORE:
            return _until(query, at_ns)
        case Comparator.AT_LEAST:
            return _until(query, at_ns + 1)
        case _:
            return None


def _since(query: TraceQuery, start_ns: int) -> TraceQuery:
    return replace(query, times=replace(query.times, start_ns=max(query.times.start_ns, start_ns)))


def _until(query: TraceQuery, end_ns: int) -> TraceQuery:
    return replace(query, times=replace(query.times, end_ns=min(query.times.end_ns, end_ns)))


def _within(query: TraceQuery, *, least: int | None = None, most: int | None = None) -> TraceQuery:
    lows = [bound for bound in (query.least_ns, least) if bound is not None]
    highs = [bound for bound in (query.most_ns, most) if bound is not None]
    return replace(query, least_ns=max(lows, default=None), most_ns=min(highs, default=None))


def _is_exact(test: SpanFilter) -> bool:
    """Whether the query says all of it: not whether ``1.0`` was meant as a number or as a text."""
    if not isinstance(test, SpanTest):
        return False
    return not (
        test.attribute and isinstance(test.operand, Text | Number) and parse_number(test.operand.text) is not None
    )
