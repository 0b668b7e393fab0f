"""One spelling for every JSON value, so that equal things have equal digests.

UTF-8, keys sorted, separators "," and ":", floats as Python's ``repr``, NaN and the infinities as strings, times as
UTC with milliseconds.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z; ``moment`` must be aware."""
    if moment.tzinfo is None:
        message = "a moment without a time zone has no place in a record"
        raise ValueError(message)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical_json(value: object) -> str:
    """The canonical text of ``value``: mappings, sequences, text, numbers, booleans, None, enums and aware times."""
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


def plain(value: object) -> JsonValue:
    """Spell a value in what JSON has: times in UTC with milliseconds, enums by value, NaN and the infinities as text.

    Sets are sorted. Raises TypeError for what has no form in JSON.
    """
    match value:
        case Enum():
            return plain(value.value)
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else repr(value)
        case datetime():
            return instant(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case Sequence() | set() | frozenset():
            items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
            return [plain(item) for item in items]
        case _:
            message = f"{type(value).__name__} has no canonical JSON form"
            raise TypeError(message)
