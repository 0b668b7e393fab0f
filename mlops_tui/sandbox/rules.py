"""The language of `rules:if`: `$A == "x" && ($B =~ /^v/ || $C)`.

GitLab: lib/gitlab/ci/pipeline/expression.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<variable>\$\{?\w+\}?) | "(?P<double>[^"]*)" | '(?P<single>[^']*)' | (?P<null>null\b) |
        /(?P<pattern>(?:\\.|[^/\\])*)/(?P<flags>[ismU]*) | (?P<operator>==|!=|=~|!~|&&|\|\||\(|\))
    )""",
    re.VERBOSE,
)


class ExpressionError(Exception):
    """The text is no expression of `rules:if`."""


@dataclass(frozen=True, slots=True)
class _Operand:
    """A value on one side of a comparison; a pattern is kept apart from text."""

    text: str | None
    pattern: bool = False
    flags: str = ""


_Token = str | _Operand


def matches(expression: str, variables: Mapping[str, str]) -> bool:
    """Tell whether a `rules:if` expression holds.

    Raises:
        ExpressionError: the expression cannot be read.
    """
    tokens = _tokens(expression, variables)
    parser = _Parser(tokens)
    answer = parser.any_of()
    if parser.rest():
        raise ExpressionError("Invalid expression syntax")
    return answer


def _tokens(expression: str, variables: Mapping[str, str]) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    text = expression.strip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ExpressionError("Invalid expression syntax")
        position = found.end()
        tokens.append(_token(found, variables))
    return tokens


def _token(found: re.Match[str], variables: Mapping[str, str]) -> _Token:
    if found["operator"] is not None:
        return found["operator"]
    if found["variable"] is not None:
        return _Operand(variables.get(found["variable"].strip("${}")))
    if found["pattern"] is not None:
        return _Operand(found["pattern"], pattern=True, flags=found["flags"])
    if found["null"] is not None:
        return _Operand(None)
    return _Operand(found["double"] if found["double"] is not None else found["single"])


class _Parser:
    """Reads tokens from left to right; `&&` binds tighter than `||`."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def rest(self) -> bool:
        return self._next < len(self._tokens)

    def any_of(self) -> bool:
        answer = self._all_of()
        while self._accept("||"):
            right = self._all_of()
            answer = answer or right
        return answer

    def _all_of(self) -> bool:
        answer = self._comparison()
        while self._accept("&&"):
            right = self._comparison()
            answer = answer and right
        return answer

    def _comparison(self) -> bool:
        if self._accept("("):
            answer = self.any_of()
            if not self._accept(")"):
                raise ExpressionError("Invalid expression syntax")
            return answer
        left = self._operand()
        for operator in ("==", "!=", "=~", "!~"):
            if self._accept(operator):
                return _compare(left, operator, self._operand())
        return bool(left.text)

    def _operand(self) -> _Operand:
        if not self.rest() or isinstance(self._tokens[self._next], str):
            raise ExpressionError("Invalid expression syntax")
        operand = self._tokens[self._next]
        self._next += 1
        assert isinstance(operand, _Operand)  # noqa: S101 - told apart two lines above
        return operand

    def _accept(self, operator: str) -> bool:
        if self.rest() and self._tokens[self._next] == operator:
            self._next += 1
            return True
        return False


def _compare(left: _Operand, operator: str, right: _Operand) -> bool:
    if operator == "==":
        return left.text == right.text
    if operator == "!=":
        return left.text != right.text
    if left.text is None or right.text is None:
        return operator == "!~"
    pattern, flags = (right.text, right.flags) if right.pattern else (right.text.strip("/"), "")
    found = re.search(pattern, left.text, re.IGNORECASE if "i" in flags else 0) is not None
    return found if operator == "=~" else not found
