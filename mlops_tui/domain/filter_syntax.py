r"""Reading a filter.

    expression := conjunction ("or" conjunction)*
    conjunction := negation ("and" negation)*
    negation := "not" negation | "(" expression ")" | comparison
    comparison := field ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~") value
    field := ("metrics" | "params" | "tags") "." name | "name" | "status" | "experiment" | "started_at" | "age"

A name with other characters than a bare word's stands in back-quotes, a text in single or double quotes; the quote
itself is written twice inside. There are no backslash escapes, so a pattern reads as it is. The words and, or, not may
be written in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.filter_operands import Operand, OperandError, comparison
from mlops_tui.domain.filter_terms import And, Expression, Field, FieldKind, Not, Or
from mlops_tui.domain.filter_values import Comparator, Matching

EXPRESSION_LIMIT = 2_000
_DEPTH_LIMIT = 40
_FIELDS_REMEDY = (
    "Fields are metrics.NAME, params.NAME, tags.NAME, name, status, experiment, started_at and age; "
    "put a NAME with spaces or signs in back-quotes"
)


class FilterError(UsageError):
    """A filter that cannot be read; ``column`` counts characters from 1."""

    def __init__(self, reason: str, *, text: str, position: int, remedy: str = "") -> None:
        super().__init__("Cannot read the filter", why=f"column {position + 1}: {reason}", remedy=remedy)
        self.reason = reason
        self.text = text
        self.column = position + 1

    @property
    def excerpt(self) -> str:
        """The filter on one line, and below it a caret under the place."""
        line = "".join(character if character.isprintable() else " " for character in self.text)
        return f"{line}\n{' ' * (self.column - 1)}^"


class _Kind(Enum):
    OPEN = auto()
    CLOSE = auto()
    SIGN = auto()
    QUOTED = auto()
    NAMED = auto()
    WORD = auto()
    END = auto()


_TOKEN = re.compile(
    r"(?P<OPEN>\()|(?P<CLOSE>\))"
    r"|(?P<SIGN>!~|!=|<=|>=|[=<>~])"
    r"""|(?P<QUOTED>"(?:[^"]|"")*"|'(?:[^']|'')*')"""
    r"|(?P<NAMED>[a-z]+\.`(?:[^`]|``)*`)"
    r"""|(?P<WORD>[^\s()"'`=!<>~]+)"""
)
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    text: str
    position: int

    def is_word(self, word: str) -> bool:
        return self.kind is _Kind.WORD and self.text.lower() == word


def parse_filter(text: str) -> Expression:
    """Read a filter expression.

    Raises:
        FilterError: it is no filter; says where and what to write instead.
    """
    if len(text) > EXPRESSION_LIMIT:
        raise FilterError(
            f"a filter has at most {EXPRESSION_LIMIT} characters", text=text[:EXPRESSION_LIMIT], position=0
        )
    return _Parser(text).parse()


def parse_field(text: str) -> Field:
    """Read one field, as a sort key names it.

    Raises:
        FilterError: there is no such field.
    """
    tokens = list(_tokens(text))
    if len(tokens) != 2:
        raise FilterError("expected one field", text=text, position=0, remedy=_FIELDS_REMEDY)
    return _field(tokens[0], text)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while True:
        space = _SPACE.match(text, position)
        position = space.end() if space else position
        if position == len(text):
            break
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise _unreadable(text, position)
        yield _Token(_Kind[found.lastgroup], found.group(), position)
        position = found.end()
    yield _Token(_Kind.END, "", len(text))


def _unreadable(text: str, position: int) -> FilterError:
    match text[position]:
        case '"' | "'":
            return FilterError("this quote is never closed", text=text, position=position)
        case "`":
            reason = "back-quotes only hold a name after metrics., params. or tags., and must be closed"
            return FilterError(reason, text=text, position=position, remedy="Write metrics.`val loss` > 0.5")
        case _:
            return FilterError("this means nothing alone", text=text, position=position, remedy="Write !=, !~ or not")


def _field(token: _Token, text: str) -> Field:
    kind_text, dot, name = token.text.partition(".")
    if token.kind is _Kind.NAMED:
        name = name[1:-1].replace("``", "`")
    elif token.kind is not _Kind.WORD:
        raise FilterError("expected a field", text=text, position=token.position, remedy=_FIELDS_REMEDY)
    kind = next((kind for kind in FieldKind if kind.value == kind_text), None)
    if kind is None or kind.is_named is not bool(dot):
        raise FilterError("there is no such field", text=text, position=token.position, remedy=_FIELDS_REMEDY)
    if kind.is_named and not name:
        raise FilterError(f"{kind_text} needs a name", text=text, position=token.position, remedy=_FIELDS_REMEDY)
    return Field(kind, name)


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def parse(self) -> Expression:
        expression = self._disjunction()
        token = self._peek()
        if token.kind is not _Kind.END:
            raise self._error("expected and, or, or the end", token)
        return expression

    def _disjunction(self) -> Expression:
        operands = [self._conjunction()]
        while self._peek().is_word("or"):
            self._take()
            operands.append(self._conjunction())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _conjunction(self) -> Expression:
        operands = [self._negation()]
        while self._peek().is_word("and"):
            self._take()
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _negation(self) -> Expression:
        token = self._peek()
        opens = token.kind is _Kind.OPEN
        if not (opens or token.is_word("not")):
            return self._comparison()
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise self._error(f"more than {_DEPTH_LIMIT} levels of brackets and nots", token)
        self._take()
        expression = self._bracketed(token) if opens else Not(self._negation())
        self._depth -= 1
        return expression

    def _bracketed(self, opening: _Token) -> Expression:
        expression = self._disjunction()
        token = self._take()
        if token.kind is _Kind.END:
            raise self._error("this bracket is never closed", opening)
        if token.kind is not _Kind.CLOSE:
            raise self._error("expected and, or, or a closing bracket", token)
        return expression

    def _comparison(self) -> Expression:
        field = _field(self._take(), self._text)
        sign = self._take()
        if sign.kind is not _Kind.SIGN:
            raise self._error("expected one of = != < <= > >= ~ !~", sign)
        value = self._take()
        if value.kind is _Kind.SIGN and sign.text == value.text == "=":
            raise self._error("equality is written with one sign", value, "Write =")
        if value.kind not in {_Kind.WORD, _Kind.QUOTED}:
            raise self._error("expected a value", value, "Put a text with spaces or signs in quotes")
        try:
            return comparison(field, _SIGNS[sign.text], _operand(value))
        except OperandError as error:
            position = value.position + error.offset + (value.kind is _Kind.QUOTED)
            raise FilterError(str(error), text=self._text, position=position, remedy=error.remedy) from None

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _error(self, reason: str, token: _Token, remedy: str = "") -> FilterError:
        return FilterError(reason, text=self._text, position=token.position, remedy=remedy)


_SIGNS: dict[str, Comparator | Matching] = {sign.value: sign for kind in (Comparator, Matching) for sign in kind}


def _operand(token: _Token) -> Operand:
    if token.kind is _Kind.WORD:
        return Operand(token.text, is_quoted=False)
    quote = token.text[0]
    return Operand(token.text[1:-1].replace(quote * 2, quote), is_quoted=True)
