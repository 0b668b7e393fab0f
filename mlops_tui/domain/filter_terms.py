"""What a filter is made of: comparisons of one field each, joined by and, or, not.

Every comparison knows its ``field`` and answers ``holds`` for a value of it. A value that is missing never gets there:
it makes every comparison false, ``!=`` and ``!~`` too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeAlias, TypeVar, assert_never

from mlops_tui.domain.filter_values import Comparator, Duration, Matching, Moment, Number, Text, parse_number
from mlops_tui.domain.patterns import Pattern

_BARE_NAME = re.compile(r"[^\s()\"'`=!<>~]+")


class FieldKind(Enum):
    """What of a run can be asked about; the value is how it is written."""

    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    NAME = "name"
    STATUS = "status"
    EXPERIMENT = "experiment"
    STARTED_AT = "started_at"
    AGE = "age"

    @property
    def is_named(self) -> bool:
        """Whether it is one of many and needs a name after a dot."""
        return self in {FieldKind.METRIC, FieldKind.PARAM, FieldKind.TAG}


@dataclass(frozen=True, slots=True)
class Field:
    """One column; ``name`` is empty unless its kind is a metric, a parameter or a tag."""

    kind: FieldKind
    name: str = ""

    def __str__(self) -> str:
        if not self.kind.is_named:
            return self.kind.value
        bare = _BARE_NAME.fullmatch(self.name) is not None
        name = self.name if bare else "`" + self.name.replace("`", "``") + "`"
        return f"{self.kind.value}.{name}"


@dataclass(frozen=True, slots=True)
class MetricTerm:
    """A metric against a number."""

    field: Field
    comparator: Comparator
    number: Number

    def holds(self, value: float) -> bool:
        """Whether it is so for this value."""
        return self.number.compares(self.comparator, value)


@dataclass(frozen=True, slots=True)
class TextTerm:
    """A text field against a text, or against a bare number.

    Against a number, a text that reads as one compares as one; any other text is unequal to it and has no order.
    """

    field: Field
    comparator: Comparator
    operand: Number | Text

    def holds(self, value: str) -> bool:
        """Whether it is so for this value."""
        match self.operand:
            case Text():
                return self.operand.compares(self.comparator, value)
            case Number():
                number = parse_number(value)
                if number is None:
                    return self.comparator is Comparator.UNEQUAL
                return self.operand.compares(self.comparator, number)
            case _:
                assert_never(self.operand)


@dataclass(frozen=True, slots=True)
class PatternTerm:
    """A text field against a regular expression, found anywhere in it."""

    field: Field
    matching: Matching
    pattern: Pattern

    def holds(self, value: str) -> bool:
        """Whether it is so for this value."""
        return self.pattern.is_in(value) is (self.matching is Matching.FOUND)


@dataclass(frozen=True, slots=True)
class StartTerm:
    """The start of a run against a moment."""

    field: Field
    comparator: Comparator
    moment: Moment

    @property
    def bounds(self) -> tuple[float, float]:
        """The Unix seconds, from the first (inclusive) to the second, in which a start fits; unequal is outside."""
        match self.comparator:
            case Comparator.EQUAL | Comparator.UNEQUAL:
                return (self.moment.low, self.moment.high)
            case Comparator.LESS:
                return (float("-inf"), self.moment.low)
            case Comparator.AT_MOST:
                return (float("-inf"), self.moment.high)
            case Comparator.MORE:
                return (self.moment.high, float("inf"))
            case Comparator.AT_LEAST:
                return (self.moment.low, float("inf"))
            case _:
                assert_never(self.comparator)

    def holds(self, seconds: float) -> bool:
        """Whether it is so for a start at these Unix seconds."""
        low, high = self.bounds
        return (low <= seconds < high) is not (self.comparator is Comparator.UNEQUAL)


@dataclass(frozen=True, slots=True)
class AgeTerm:
    """The time since a run's start against a duration."""

    field: Field
    comparator: Comparator
    duration: Duration

    def holds(self, seconds: float) -> bool:
        """Whether it is so for this age in seconds."""
        return bool(self.comparator.function(seconds, self.duration.seconds))


Term: TypeAlias = MetricTerm | TextTerm | PatternTerm | StartTerm | AgeTerm


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Not(Generic[T]):
    """The opposite."""

    operand: Joined[T]


@dataclass(frozen=True, slots=True)
class And(Generic[T]):
    """All of two or more."""

    operands: tuple[Joined[T], ...]


@dataclass(frozen=True, slots=True)
class Or(Generic[T]):
    """Any of two or more."""

    operands: tuple[Joined[T], ...]


Joined: TypeAlias = "T | Not[T] | And[T] | Or[T]"
Expression: TypeAlias = "Joined[Term]"


def render(expression: Expression) -> str:
    """Write a filter so that reading it gives the same filter again."""
    match expression:
        case Or(operands):
            return " or ".join(_enclosed(operand, Or) for operand in operands)
        case And(operands):
            return " and ".join(_enclosed(operand, Or, And) for operand in operands)
        case Not(operand):
            return f"not {_enclosed(operand, Or, And)}"
        case MetricTerm(field, comparator, number):
            return f"{field} {comparator.value} {number.text}"
        case TextTerm(field, comparator, operand):
            value = operand.text if isinstance(operand, Number) else _quoted(operand.text)
            return f"{field} {comparator.value} {value}"
        case PatternTerm(field, matching, pattern):
            return f"{field} {matching.value} {_quoted(pattern.text)}"
        case StartTerm(field, comparator, moment):
            return f"{field} {comparator.value} {_quoted(moment.text)}"
        case AgeTerm(field, comparator, duration):
            return f"{field} {comparator.value} {duration.text}"
        case _:
            assert_never(expression)


def _enclosed(expression: Expression, *looser: type[And[Term] | Or[Term]]) -> str:
    written = render(expression)
    return f"({written})" if isinstance(expression, looser) else written


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
