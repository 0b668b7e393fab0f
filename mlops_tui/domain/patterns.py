"""Regular expressions that people type, kept from running away.

Python's engine backtracks and cannot be interrupted, so a pattern such as ``(a+)+$`` could stop the program for hours.
A pattern is refused when a repeated group can itself match in more than one way, when it repeats too often, or when it
refers back to a group; and only the first ``SUBJECT_LIMIT`` characters of a text are searched. What is left costs at
most a polynomial of small degree over a short text.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

SUBJECT_LIMIT = 500
PATTERN_LIMIT = 250
_MOST_REPEATS = 4
_MOST_OPTIONS = 10

_TOKEN = re.compile(
    r"(?P<back>\\[1-9]|\(\?P=|\(\?\()"
    r"|(?P<verbose>\(\?[a-zA-Z-]*x)"
    r"|(?P<atom>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?\#[^)]*\)|\(\?[aimsuL]+\))"
    r"|(?P<open>\((?:\?(?:P<[^>]*>|<?[=!]|[:>]|[a-zA-Z-]+:))?)"
    r"|(?P<close>\))"
    r"|(?P<branch>\|)"
    r"|(?P<option>\?[?+]?)"
    r"|(?P<exact>\{\d+\}[?+]?)"
    r"|(?P<repeat>(?:[*+]|\{\d*,\d*\})[?+]?)"
    r"|(?P<other>.)",
    re.DOTALL,
)


class PatternError(ValueError):
    """A pattern that is wrong or could be too costly; ``position`` counts characters from 0."""

    def __init__(self, reason: str, position: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


@dataclass(frozen=True, slots=True)
class Pattern:
    """A checked regular expression; make one with ``compile_pattern``."""

    text: str
    ignore_case: bool
    compiled: re.Pattern[str] = field(compare=False, repr=False)

    def is_in(self, subject: str) -> bool:
        """Whether it is found anywhere in the first ``SUBJECT_LIMIT`` characters."""
        return self.compiled.search(subject[:SUBJECT_LIMIT]) is not None


def compile_pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """Check and compile a pattern.

    Raises:
        PatternError: it is no regular expression, too long, or could cost too much.
    """
    if len(text) > PATTERN_LIMIT:
        raise PatternError(f"a pattern has at most {PATTERN_LIMIT} characters", PATTERN_LIMIT)
    _refuse_costly(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(text, re.IGNORECASE if ignore_case else 0)
    except re.error as error:
        raise PatternError(error.msg, error.pos or 0) from None
    except (OverflowError, RecursionError):
        raise PatternError("the pattern repeats or nests too much") from None
    return Pattern(text, ignore_case, compiled)


def _refuse_costly(text: str) -> None:
    open_groups = [False]  # for each, whether it can match in more than one way
    atom_varies = False
    repeats = options = 0
    for token in _TOKEN.finditer(text):
        kind, position = token.lastgroup, token.start()
        if kind in {"back", "verbose"}:
            raise PatternError("references, conditions and verbose patterns are not supported", position)
        if kind in {"repeat", "exact"} and atom_varies:
            raise PatternError("a repeated group may not itself repeat or branch", position)
        repeats += kind == "repeat"
        options += kind == "option"
        if repeats > _MOST_REPEATS or options > _MOST_OPTIONS:
            raise PatternError("the pattern has too many repetitions", position)
        if kind in {"repeat", "option", "branch"}:
            open_groups[-1] = True
        if kind == "open":
            open_groups.append(False)
        atom_varies = kind == "close" and _close(open_groups)


def _close(open_groups: list[bool]) -> bool:
    varies = open_groups[-1]
    if len(open_groups) > 1:
        open_groups.pop()
        open_groups[-1] = open_groups[-1] or varies
    return varies
