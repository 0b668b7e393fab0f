"""Values as text of ClickHouse's SQL.

Whatever is not a plain letter, digit or harmless sign stands as an escape, so that no value can end its literal, and
none is taken for a variable by a server that fills in templates before it runs a query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_PLAIN = re.compile(rb"[A-Za-z0-9_.,:;/ +=@*-]")


def quoted(text: str) -> str:
    """A text as a literal."""
    return f"'{''.join(_escaped(byte) for byte in text.encode('utf-8', 'surrogatepass'))}'"


def identifier(*parts: str) -> str:
    """A name with its parts, such as that of a table in its database."""
    return ".".join(f"`{''.join(_escaped(byte) for byte in part.encode())}`" for part in parts)


def array(items: Iterable[str], of: str) -> str:
    """An array of literals; ``of`` is their type, which an empty one could not tell."""
    listed = ", ".join(items)
    return f"[{listed}]" if listed else f"CAST([], 'Array({of})')"


def listed(values: Iterable[str]) -> str:
    """Texts one after the other, for ``IN``."""
    return ", ".join(map(quoted, values))


def texts(values: Iterable[str]) -> str:
    """An array of texts."""
    return array(map(quoted, values), "String")


def doubles(values: Iterable[float]) -> str:
    """An array of finite numbers, each exactly."""
    return array((f"toFloat64({value!r})" for value in map(float, values)), "Float64")


def choice(value: str, cases: Sequence[tuple[str, str]], otherwise: str) -> str:
    """What belongs to the text that ``value`` is; both sides of a case are SQL."""
    if not cases:
        return otherwise
    tests = ", ".join(f"{value} = {wanted}, {result}" for wanted, result in cases)
    return f"multiIf({tests}, {otherwise})"


def all_of(conditions: Iterable[str]) -> str:
    """Conditions that all have to hold."""
    return " AND ".join(conditions) or "1"


def any_of(conditions: Iterable[str]) -> str:
    """Conditions one of which has to hold."""
    return f"({' OR '.join(conditions)})"


def _escaped(byte: int) -> str:
    character = bytes((byte,))
    return character.decode() if _PLAIN.fullmatch(character) else f"\\x{byte:02x}"
