"""The filter language of the command line and of the key ``/``: reading it, and asking it of one run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, assert_never

from mlops_tui.domain.filter_syntax import RUNS, FilterError, Language, parse_expression, parse_field, parse_filter
from mlops_tui.domain.filter_terms import (
    AgeTerm,
    And,
    Expression,
    Field,
    FieldKind,
    Joined,
    MetricTerm,
    Not,
    Or,
    PatternTerm,
    StartTerm,
    T,
    TextTerm,
    render,
)
from mlops_tui.domain.patterns import Pattern, PatternError, compile_pattern
from mlops_tui.domain.runs import Run

__all__ = [
    "Expression",
    "Field",
    "FieldKind",
    "FieldsOfRun",
    "FilterError",
    "Query",
    "RunFields",
    "TextSearch",
    "fields_of",
    "matches",
    "parse_field",
    "parse_filter",
    "parse_query",
    "parse_query_in",
    "render",
]


class RunFields(Protocol):
    """What a filter asks of a run; None means that it is missing."""

    def metric(self, name: str) -> float | None:
        """The value logged last under this name."""
        ...

    def param(self, name: str) -> str | None:
        """The parameter of this name."""
        ...

    def tag(self, name: str) -> str | None:
        """The tag of this name."""
        ...

    def attribute(self, kind: FieldKind) -> str | None:
        """The name, the status (in capitals) or the experiment."""
        ...

    @property
    def started_at(self) -> datetime | None:
        """When it began, aware."""
        ...


@dataclass(frozen=True, slots=True)
class FieldsOfRun:
    """A run as a filter sees it."""

    run: Run

    @property
    def started_at(self) -> datetime | None:
        """When it began."""
        return self.run.started_at

    def metric(self, name: str) -> float | None:
        """The value logged last under this name."""
        return self.run.metrics.get(name)

    def param(self, name: str) -> str | None:
        """The parameter of this name."""
        return self.run.params.get(name)

    def tag(self, name: str) -> str | None:
        """The tag of this name."""
        return self.run.tags.get(name)

    def attribute(self, kind: FieldKind) -> str | None:
        """The name, the status or the experiment."""
        texts = {
            FieldKind.NAME: self.run.name,
            FieldKind.STATUS: self.run.status.value,
            FieldKind.EXPERIMENT: self.run.experiment,
        }
        return texts.get(kind)


def fields_of(expression: Expression) -> tuple[Field, ...]:
    """Every field that a filter asks about, in its order."""
    match expression:
        case Not(operand):
            return fields_of(operand)
        case And(operands) | Or(operands):
            return tuple(field for operand in operands for field in fields_of(operand))
        case MetricTerm(field) | TextTerm(field) | PatternTerm(field):
            return (field,)
        case StartTerm():
            return (Field(FieldKind.STARTED_AT),)
        case AgeTerm():
            return (Field(FieldKind.AGE),)
        case _:
            assert_never(expression)


def matches(expression: Expression, fields: RunFields, now: datetime) -> bool:
    """Whether a run fits a filter; ``now`` (aware) is what ages count from."""
    match expression:
        case Not(operand):
            return not matches(operand, fields, now)
        case And(operands):
            return all(matches(operand, fields, now) for operand in operands)
        case Or(operands):
            return any(matches(operand, fields, now) for operand in operands)
        case MetricTerm(field):
            value = fields.metric(field.name)
            return value is not None and expression.holds(value)
        case TextTerm(field) | PatternTerm(field):
            text = _text(field, fields)
            return text is not None and expression.holds(text)
        case StartTerm():
            start = fields.started_at
            return start is not None and expression.holds(start.timestamp())
        case AgeTerm():
            start = fields.started_at
            return start is not None and expression.holds(now.timestamp() - start.timestamp())
        case _:
            assert_never(expression)


def _text(field: Field, fields: RunFields) -> str | None:
    match field.kind:
        case FieldKind.PARAM:
            return fields.param(field.name)
        case FieldKind.TAG:
            return fields.tag(field.name)
        case _:
            return fields.attribute(field.kind)


@dataclass(frozen=True, slots=True)
class TextSearch:
    """A pattern over the text that a row shows; ``is_inverted`` keeps the rows without it."""

    pattern: Pattern
    is_inverted: bool

    def holds(self, visible: str) -> bool:
        """Whether a row with this text stays."""
        return self.pattern.is_in(visible) is not self.is_inverted


Query: TypeAlias = "Expression | TextSearch"


def parse_query(text: str) -> Query | None:
    """Read what was typed after ``/`` about runs: a filter when it starts as one, else a pattern; None for nothing.

    A leading ``!`` turns either around. A pattern without capitals ignores case.

    Raises:
        FilterError: the filter or the pattern cannot be read.
    """
    return parse_query_in(RUNS, text)


def parse_query_in(language: Language[T], text: str) -> Joined[T] | TextSearch | None:
    """The same about other things than runs."""
    stripped = text.strip()
    is_inverted = stripped.startswith("!")
    body = stripped.removeprefix("!").lstrip()
    if not body:
        return None
    offset = text.index(body)
    if language.start.match(body):
        expression = _placed(body, text, offset, language)
        return Not(expression) if is_inverted else expression
    try:
        return TextSearch(compile_pattern(body, ignore_case=body == body.lower()), is_inverted)
    except PatternError as error:
        remedy = "A backslash before a sign takes it literally"
        raise FilterError(error.reason, text=text, position=offset + error.position, remedy=remedy) from None


def _placed(body: str, text: str, offset: int, language: Language[T]) -> Joined[T]:
    try:
        return parse_expression(body, language)
    except FilterError as error:
        position = offset + error.column - 1
        raise FilterError(error.reason, text=text, position=position, remedy=error.remedy) from None
