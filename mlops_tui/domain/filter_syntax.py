r"""Reading a filter.

    expression := conjunction ("or" conjunction)*
    conjunction := negation ("and" negation)*
    negation := "not" negation | "(" expression ")" | comparison
    comparison := field ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~") value
    field := group "." name | word

Which groups and words there are, and what a comparison means, is up to the language of the thing that is filtered: of
runs (``metrics.auc``, ``status`` ...) or of spans (``attributes.http.route``, ``duration`` ...).

A name with other characters than a bare word's stands in back-quotes, a text in single or double quotes; the quote
itself is written twice inside. There are no backslash escapes, so a pattern reads as it is. The words and, or, not may
be written in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Generic

from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.filter_operands import Operand, OperandError, comparison
from mlops_tui.domain.filter_terms import And, Expression, Field, FieldKind, Joined, Not, Or, T, Term
from mlops_tui.domain.filter_values import Comparator, Matching

EXPRESSION_LIMIT = 2_000
_DEPTH_LIMIT = 40


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


@dataclass(frozen=True)
class Language(Generic[T]):
    """What one kind of thing can be asked.

    ``words`` are its fields, ``groups`` those that need a name after a dot. ``comparison`` makes a term of a field
    (word or group, and name), a sign and a value, or raises OperandError.
    """

    words: tuple[str, ...]
    groups: tuple[str, ...]
    comparison: Callable[[str, str, Comparator | Matching, Operand], T]

    @cached_property
    def remedy(self) -> str:
        """Which fields there are, as a sentence."""
        *fields, last = [*(f"{group}.NAME" for group in self.groups), *self.words]
        return f"Fields are {', '.join(fields)} and {last}; put a NAME with spaces or signs in back-quotes"

    @cached_property
    def start(self) -> re.Pattern[str]:
        """What a filter begins like, and hardly any text that somebody looks for."""
        return re.compile(
            r"[\s(]*(?:not\b[\s(]*)*"
            rf"(?:(?:{'|'.join(self.groups)})\.(?:`[^`]*`|[^\s()\"'`=!<>~]+)|{'|'.join(self.words)})"
            r"\s*(?:!=|!~|[=<>~])",
            re.IGNORECASE,
        )


def _run_comparison(kind: str, name: str, sign: Comparator | Matching, operand: Operand) -> Term:
    return comparison(Field(FieldKind(kind), name), sign, operand)


RUNS = Language[Term](
    tuple(kind.value for kind in FieldKind if not kind.is_named),
    tuple(kind.value for kind in FieldKind if kind.is_named),
    _run_comparison,
)


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
    """Read a filter of runs.

    Raises:
        FilterError: it is no filter; says where and what to write instead.
    """
    return parse_expression(text, RUNS)


def parse_expression(text: str, language: Language[T]) -> Joined[T]:
    """Read a filter.

    Raises:
        FilterError: it is no filter; says where and what to write instead.
    """
    if len(text) > EXPRESSION_LIMIT:
        raise FilterError(
            f"a filter has at most {EXPRESSION_LIMIT} characters", text=text[:EXPRESSION_LIMIT], position=0
        )
    return _Parser(text, language).parse()


def parse_field(text: str) -> Field:
    """Read one field of runs, as a sort key names it.

    Raises:
        FilterError: there is no such field.
    """
    tokens = list(_tokens(text, RUNS))
    if len(tokens) != 2:
        raise FilterError("expected one field", text=text, position=0, remedy=RUNS.remedy)
    kind, name = _field(tokens[0], text, RUNS)
    return Field(FieldKind(kind), name)


def _tokens(text: str, language: Language[T]) -> Iterator[_Token]:
    position = 0
    while True:
        space = _SPACE.match(text, position)
        position = space.end() if space else position
        if position == len(text):
            break
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise _unreadable(text, position, language)
        yield _Token(_Kind[found.lastgroup], found.group(), position)
        position = found.end()
    yield _Token(_Kind.END, "", len(text))


def _unreadable(text: str, position: int, language: Language[T]) -> FilterError:
    match text[position]:
        case '"' | "'":
            return FilterError("this quote is never closed", text=text, position=position)
        case "`":
            *groups, last = (f"{group}." for group in language.groups)
            after = f"{', '.join(groups)} or {last}" if groups else last
            reason = f"back-quotes only hold a name after {after}, and must be closed"
            remedy = f"Write {language.groups[0]}.`val loss` > 0.5"
            return FilterError(reason, text=text, position=position, remedy=remedy)
        case _:
            return FilterError("this means nothing alone", text=text, position=position, remedy="Write !=, !~ or not")


def _field(token: _Token, text: str, language: Language[T]) -> tuple[str, str]:
    """A field's word with no name, or its group with one."""
    kind, dot, name = token.text.partition(".")
    if token.kind is _Kind.NAMED:
        name = name[1:-1].replace("``", "`")
    elif token.kind is not _Kind.WORD:
        raise FilterError("expected a field", text=text, position=token.position, remedy=language.remedy)
    if kind not in (language.groups if dot else language.words):
        raise FilterError("there is no such field", text=text, position=token.position, remedy=language.remedy)
    if dot and not name:
        raise FilterError(f"{kind} needs a name", text=text, position=token.position, remedy=language.remedy)
    return kind, name


class _Parser(Generic[T]):
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, language: Language[T]) -> None:
        self._text = text
        self._language = language
        self._tokens = list(_tokens(text, language))
        self._next = 0
        self._depth = 0

    def parse(self) -> Joined[T]:
        expression = self._disjunction()
        token = self._peek()
        if token.kind is not _Kind.END:
            raise self._error("expected and, or, or the end", token)
        return expression

    def _disjunction(self) -> Joined[T]:
        operands = [self._conjunction()]
        while self._peek().is_word("or"):
            self._take()
            operands.append(self._conjunction())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _conjunction(self) -> Joined[T]:
        operands = [self._negation()]
        while self._peek().is_word("and"):
            self._take()
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _negation(self) -> Joined[T]:
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

    def _bracketed(self, opening: _Token) -> Joined[T]:
        expression = self._disjunction()
        token = self._take()
        if token.kind is _Kind.END:
            raise self._error("this bracket is never closed", opening)
        if token.kind is not _Kind.CLOSE:
            raise self._error("expected and, or, or a closing bracket", token)
        return expression

    def _comparison(self) -> Joined[T]:
        kind, name = _field(self._take(), self._text, self._language)
        sign = self._take()
        if sign.kind is not _Kind.SIGN:
            raise self._error("expected one of = != < <= > >= ~ !~", sign)
        value = self._take()
        if value.kind is _Kind.SIGN and sign.text == value.text == "=":
            raise self._error("equality is written with one sign", value, "Write =")
        if value.kind not in {_Kind.WORD, _Kind.QUOTED}:
            raise self._error("expected a value", value, "Put a text with spaces or signs in quotes")
        try:
            return self._language.comparison(kind, name, _SIGNS[sign.text], _operand(value))
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
