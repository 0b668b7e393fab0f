"""Errors of the engine in the words of graphql-ruby, which clients match on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLError

_UNDEFINED_FIELD = re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'")
_UNKNOWN_ARGUMENT = re.compile(r"Unknown argument '(?P<argument>\w+)' on field '(?P<type>\w+)\.(?P<field>\w+)'")
_MISSING_ARGUMENT = re.compile(r"Argument '(?P<type>\w+)\.(?P<field>\w+)\((?P<argument>\w+):\)' of type .* is required")
_NO_SELECTION = re.compile(r"Field '(?P<field>\w+)' of type '(?P<type>[^']+)' must have a selection of subfields")
_BAD_VARIABLE = re.compile(r"Variable '\$(?P<name>\w+)' has invalid value(?:[^']*type '(?P<type>[^']+)')?")


def _undefined_field(found: re.Match[str]) -> str:
    return f"Field '{found['field']}' doesn't exist on type '{found['type']}'"


def _unknown_argument(found: re.Match[str]) -> str:
    return f"Field '{found['field']}' doesn't accept argument '{found['argument']}'"


def _missing_argument(found: re.Match[str]) -> str:
    return f"Field '{found['field']}' is missing required arguments: {found['argument']}"


def _no_selection(found: re.Match[str]) -> str:
    kind = found["type"].strip("[]!")
    return (
        f"Field must have selections (field '{found['field']}' returns {kind} but has no selections."
        f" Did you mean '{found['field']} {{ ... }}'?)"
    )


def _bad_variable(found: re.Match[str]) -> str:
    return f"Variable ${found['name']}{_of_type(found['type'])} was provided invalid value"


_WORDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_UNDEFINED_FIELD, _undefined_field),
    (_UNKNOWN_ARGUMENT, _unknown_argument),
    (_MISSING_ARGUMENT, _missing_argument),
    (_NO_SELECTION, _no_selection),
    (_BAD_VARIABLE, _bad_variable),
)


def _of_type(name: str | None) -> str:
    return f" of type {name}" if name else ""


def reworded(text: str) -> str:
    """Return an error's text as graphql-ruby would have written it, or unchanged when it has no such text."""
    for pattern, words in _WORDS:
        found = pattern.match(text)
        if found is not None:
            return words(found)
    return text


def presented(error: GraphQLError) -> dict[str, Any]:
    """Return an error as it is answered."""
    shown: dict[str, Any] = dict(error.formatted)
    shown["message"] = reworded(error.message)
    undefined = _UNDEFINED_FIELD.match(error.message)
    if undefined is not None:
        shown["extensions"] = {
            "code": "undefinedField",
            "typeName": undefined["type"],
            "fieldName": undefined["field"],
        }
    return shown
