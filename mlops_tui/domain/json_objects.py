"""JSON that people wrote: what would otherwise pass in silence is refused."""

from __future__ import annotations

from typing import Any


class RepeatedKeyError(ValueError):
    """A key stands twice in an object, so that nobody knows which value is meant."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key[:40]!r} stands twice")
        self.key = key


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of these pairs, for ``json.loads``. Raises RepeatedKeyError."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RepeatedKeyError(key)
        found[key] = value
    return found


def no_constant(name: str) -> None:
    """For ``json.loads``, which takes NaN and the infinities for numbers. Raises ValueError."""
    message = f"{name} is no number in JSON"
    raise ValueError(message)
