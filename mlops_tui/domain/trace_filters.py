"""Filters of traces: what a span can be asked, in the language in which runs are filtered.

A trace fits a filter when one of its spans does. What a span does not say makes every comparison false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, assert_never

from mlops_tui.domain.filter_operands import Operand, OperandError
from mlops_tui.domain.filter_syntax import Language
from mlops_tui.domain.filter_terms import And, Joined, Not, Or
from mlops_tui.domain.filter_values import (
    Comparator,
    Duration,
    Matching,
    Number,
    Text,
    parse_duration,
    parse_number,
)
from mlops_tui.domain.filters import TextSearch, parse_query_in
from mlops_tui.domain.inferences import FEATURE, PREDICTION, Subject, subject_of
from mlops_tui.domain.patterns import Pattern, PatternError, compile_pattern
from mlops_tui.domain.traces import Span, SpanStatus, text_of

_Scalar: TypeAlias = str | bool | int | float


class SpanField(Enum):
    """What of a span can be asked; the value is how it is written."""

    MODEL = "model"
    VERSION = "version"
    ARM = "arm"
    SERVICE = "service"
    ENVIRONMENT = "environment"
    PROJECT = "project"
    NAME = "name"
    STATUS = "status"
    DURATION = "duration"
    AGE = "age"
    ATTRIBUTE = "attributes"
    FEATURE = "features"
    PREDICTION = "predictions"

    @property
    def is_named(self) -> bool:
        """Whether it is one of many and needs a name after a dot."""
        return self in _PREFIXES

    @property
    def is_time(self) -> bool:
        """Whether it is compared with a length of time."""
        return self in {SpanField.DURATION, SpanField.AGE}


_PREFIXES = {SpanField.ATTRIBUTE: "", SpanField.FEATURE: FEATURE, SpanField.PREDICTION: PREDICTION}


@dataclass(frozen=True, slots=True)
class SpanTest:
    """One comparison; ``attribute`` is the whole name of the attribute where the field is one."""

    field: SpanField
    sign: Comparator | Matching
    operand: Text | Number | Duration | Pattern
    attribute: str = ""

    def holds(self, span: Span, subject: Subject, now_ns: int) -> bool:
        """Whether it is so for a span of that subject; ages count to ``now_ns`` from its end."""
        match self.operand:
            case Duration(nanoseconds=wanted):
                taken = span.duration_ns if self.field is SpanField.DURATION else now_ns - span.end_ns
                return _compares(self.sign, taken, wanted)
            case Text() | Number() | Pattern():
                return any(self._fits(value) for value in self._values(span, subject))
            case _:
                assert_never(self.operand)

    def _values(self, span: Span, subject: Subject) -> Iterator[_Scalar]:
        """What the span says, nothing where it says nothing; each row's value where it stands for a batch."""
        if not self.field.is_named:
            text = _text(self.field, span, subject)
            if text:
                yield text
            return
        for attributes in (span.attributes, span.resource.attributes):
            match attributes.get(self.attribute):
                case str() | bool() | int() | float() as value:
                    yield value
                case tuple() as rows if self.field is not SpanField.ATTRIBUTE:
                    yield from (row for row in rows if isinstance(row, str | bool | int | float))

    def _fits(self, value: _Scalar) -> bool:
        match self.operand:
            case Pattern():
                return self.operand.is_in(text_of(value)) is (self.sign is Matching.FOUND)
            case Text(text=wanted):
                return _compares(self.sign, text_of(value), wanted)
            case Number():
                return _compares_number(self.sign, value, self.operand)
            case _:
                return False


SpanFilter: TypeAlias = "Joined[SpanTest]"
TraceSearch: TypeAlias = "SpanFilter | TextSearch"


def parse_trace_query(text: str) -> TraceSearch | None:
    """Read what was typed after ``/`` about traces: a filter when it starts as one, else a pattern; None for nothing.

    Raises:
        FilterError: The filter or the pattern cannot be read; says in which column.
    """
    return parse_query_in(SPANS, text)


def fits(wanted: SpanFilter, span: Span, now_ns: int) -> bool:
    """Whether a span fits a filter."""
    return _fits(wanted, span, subject_of(span), now_ns)


def asks_for_age(wanted: SpanFilter | None) -> bool:
    """Whether an answer changes with time, though nothing else does."""
    match wanted:
        case None:
            return False
        case SpanTest(field):
            return field is SpanField.AGE
        case Not(operand):
            return asks_for_age(operand)
        case And(operands) | Or(operands):
            return any(map(asks_for_age, operands))
        case _:
            assert_never(wanted)


def _fits(wanted: SpanFilter, span: Span, subject: Subject, now_ns: int) -> bool:
    match wanted:
        case SpanTest():
            return wanted.holds(span, subject, now_ns)
        case Not(operand):
            return not _fits(operand, span, subject, now_ns)
        case And(operands):
            return all(_fits(operand, span, subject, now_ns) for operand in operands)
        case Or(operands):
            return any(_fits(operand, span, subject, now_ns) for operand in operands)
        case _:
            assert_never(wanted)


def _comparison(kind: str, name: str, sign: Comparator | Matching, operand: Operand) -> SpanTest:
    field = SpanField(kind)
    attribute = _PREFIXES[field] + name if field.is_named else ""
    if isinstance(sign, Matching):
        return SpanTest(field, sign, _pattern(field, operand), attribute)
    if field.is_time:
        return SpanTest(field, sign, _length(field, sign, operand), attribute)
    if field is SpanField.STATUS:
        return SpanTest(field, sign, _status(sign, operand), attribute)
    return SpanTest(field, sign, _value(field, operand), attribute)


SPANS = Language[SpanTest](
    tuple(field.value for field in SpanField if not field.is_named),
    tuple(field.value for field in SpanField if field.is_named),
    _comparison,
)


def _pattern(field: SpanField, operand: Operand) -> Pattern:
    if field.is_time:
        raise OperandError(f"{field.value} is no text, so no pattern fits it", remedy="Use = != < <= > or >=")
    try:
        return compile_pattern(operand.text, ignore_case=field is SpanField.STATUS)
    except PatternError as error:
        raise OperandError(error.reason, offset=error.position) from None


def _length(field: SpanField, sign: Comparator, operand: Operand) -> Duration:
    if field is SpanField.AGE and sign in {Comparator.EQUAL, Comparator.UNEQUAL}:
        raise OperandError("an age changes all the time", remedy="Use < <= > or >=")
    length = parse_duration(operand.text)
    if length is None:
        raise OperandError("this is no length of time", remedy="Write 250us, 200ms, 1.5s, 10m or 2h")
    return length


def _status(sign: Comparator, operand: Operand) -> Text:
    if sign not in {Comparator.EQUAL, Comparator.UNEQUAL}:
        raise OperandError("a status has no order", remedy="Use = or !=")
    status = operand.text.lower()
    if status.upper() not in SpanStatus.__members__:
        known = ", ".join(known.name.lower() for known in SpanStatus)
        raise OperandError("there is no such status", remedy=f"It is one of {known}")
    return Text(status)


def _value(field: SpanField, operand: Operand) -> Text | Number:
    """A bare number is one among attributes only: version 2.10 is not version 2.1."""
    number = None if operand.is_quoted or not field.is_named else parse_number(operand.text)
    return Text(operand.text) if number is None else Number(operand.text, number)


def _text(field: SpanField, span: Span, subject: Subject) -> str:
    match field:
        case SpanField.MODEL:
            return subject.model
        case SpanField.VERSION:
            return subject.version
        case SpanField.ARM:
            return subject.arm
        case SpanField.SERVICE:
            return subject.service
        case SpanField.ENVIRONMENT:
            return subject.environment
        case SpanField.PROJECT:
            return subject.project
        case SpanField.NAME:
            return span.name
        case SpanField.STATUS:
            return span.status.name.lower()
        case _:
            return ""


def _compares(sign: Comparator | Matching, left: float | str, right: float | str) -> bool:
    return isinstance(sign, Comparator) and bool(sign.function(left, right))


def _compares_number(sign: Comparator | Matching, value: _Scalar, wanted: Number) -> bool:
    """A number against what an attribute holds; a text equals it when it is written alike."""
    match value:
        case bool():
            return sign is Comparator.UNEQUAL
        case int() | float():
            return _compares(sign, value, wanted.value)
        case _ if sign in {Comparator.EQUAL, Comparator.UNEQUAL}:
            return _compares(sign, value, wanted.text)
        case _:
            number = parse_number(value)
            return number is not None and _compares(sign, number, wanted.value)
