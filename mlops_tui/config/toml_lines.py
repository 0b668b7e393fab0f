"""Lines of a TOML text: ``tomllib`` tells them for syntax errors only, people need them for wrong keys too."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from mlops_tui.domain.errors import ConfigError

_SYNTAX_PLACE = re.compile(r"\s*\(at line (\d+), column (\d+)\)$")
_HEADER = re.compile(r"^\s*\[{1,2}(?P<key>[^\]]+)\]{1,2}\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*(?P<key>(?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9_.\s-])+?)\s*=")
_KEY_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Read a TOML text. Raises ConfigError with the line of a syntax error."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        message = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        place = _SYNTAX_PLACE.search(message)
        raise ConfigError(
            "The settings file is no valid TOML",
            why=_SYNTAX_PLACE.sub("", message)[:200],
            remedy="Text goes in quotes, tables in [brackets], and every key stands once",
            source=source,
            line=int(place.group(1)) if place else None,
        ) from None


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line (from 1) on which a key is set, or the nearest table around it; None where neither is found.

    ``location`` is the path of keys, as in ``("contexts", "work", "url")``; positions in lists are left out.
    """
    wanted = tuple(part for part in location if isinstance(part, str))
    lines = _keys_by_line(text)
    for length in range(len(wanted), 0, -1):
        for number, key in lines:
            if key == wanted[:length]:
                return number
    return None


def _keys_by_line(text: str) -> list[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _parts(header["key"])
            found.append((number, table))
        elif assignment := _ASSIGNMENT.match(line):
            found.append((number, table + _parts(assignment["key"])))
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(next(part for part in match if part is not None) for match in _groups(dotted))


def _groups(dotted: str) -> list[tuple[str | None, ...]]:
    return [match.groups() for match in _KEY_PART.finditer(dotted)]
