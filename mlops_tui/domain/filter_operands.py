"""Which value a field may be compared with, and what a written value means to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from mlops_tui.domain.filter_terms import (
    AgeTerm,
    Field,
    FieldKind,
    MetricTerm,
    PatternTerm,
    StartTerm,
    Term,
    TextTerm,
)
from mlops_tui.domain.filter_values import (
    Comparator,
    Matching,
    Number,
    Text,
    parse_duration,
    parse_moment,
    parse_number,
)
from mlops_tui.domain.patterns import PatternError, compile_pattern
from mlops_tui.domain.runs import RunStatus


class OperandError(ValueError):
    """A value that does not suit its field; ``offset`` is the place within the value, from 0."""

    def __init__(self, reason: str, *, remedy: str = "", offset: int = 0) -> None:
        super().__init__(reason)
        self.remedy = remedy
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Operand:
    """A value as it was written, without its quotes."""

    text: str
    is_quoted: bool


def comparison(field: Field, sign: Comparator | Matching, operand: Operand) -> Term:
    """Make the comparison of a field with a value.

    Raises:
        OperandError: the sign or the value does not suit the field.
    """
    if isinstance(sign, Matching):
        return _pattern_term(field, sign, operand)
    match field.kind:
        case FieldKind.METRIC:
            return _metric_term(field, sign, operand)
        case FieldKind.PARAM | FieldKind.TAG | FieldKind.NAME | FieldKind.EXPERIMENT:
            return TextTerm(field, sign, _number_or_text(operand))
        case FieldKind.STATUS:
            return _status_term(field, sign, operand)
        case FieldKind.STARTED_AT:
            return _start_term(field, sign, operand)
        case FieldKind.AGE:
            return _age_term(field, sign, operand)
        case _:
            assert_never(field.kind)


def _number_or_text(operand: Operand) -> Number | Text:
    number = None if operand.is_quoted else parse_number(operand.text)
    return Text(operand.text) if number is None else Number(operand.text, number)


def _pattern_term(field: Field, matching: Matching, operand: Operand) -> PatternTerm:
    if field.kind in {FieldKind.METRIC, FieldKind.STARTED_AT, FieldKind.AGE}:
        raise OperandError(f"{field.kind.value} is no text, so no pattern fits it", remedy="Use = != < <= > or >=")
    try:
        pattern = compile_pattern(operand.text, ignore_case=field.kind is FieldKind.STATUS)
    except PatternError as error:
        raise OperandError(error.reason, offset=error.position) from None
    return PatternTerm(field, matching, pattern)


def _metric_term(field: Field, comparator: Comparator, operand: Operand) -> MetricTerm:
    value = _number_or_text(operand)
    if isinstance(value, Text):
        raise OperandError("a metric is compared with a number", remedy="Write it without quotes, as in 0.9 or nan")
    return MetricTerm(field, comparator, value)


def _status_term(field: Field, comparator: Comparator, operand: Operand) -> TextTerm:
    if comparator not in {Comparator.EQUAL, Comparator.UNEQUAL}:
        raise OperandError("a status has no order", remedy="Use = or !=")
    status = operand.text.upper()
    if status not in RunStatus.__members__:
        known = ", ".join(known.value.lower() for known in RunStatus)
        raise OperandError("there is no such status", remedy=f"It is one of {known}")
    return TextTerm(field, comparator, Text(status))


def _start_term(field: Field, comparator: Comparator, operand: Operand) -> StartTerm:
    moment = parse_moment(operand.text)
    if moment is None:
        raise OperandError("this is no date or time", remedy="Write 2025-06-10 or 2025-06-10T14:02Z")
    return StartTerm(field, comparator, moment)


def _age_term(field: Field, comparator: Comparator, operand: Operand) -> AgeTerm:
    if comparator in {Comparator.EQUAL, Comparator.UNEQUAL}:
        raise OperandError("an age changes all the time", remedy="Use < <= > or >=")
    duration = parse_duration(operand.text)
    if duration is None:
        raise OperandError("this is no length of time", remedy="Write 90s, 30m, 2h, 1d12h or 2w")
    return AgeTerm(field, comparator, duration)
