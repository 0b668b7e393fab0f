"""Preferences: how the terminal dashboard looks and behaves for one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Clipboard(StrEnum):
    """How text is copied: AUTO picks what the terminal can do, OSC52 always sends the escape sequence, OFF never."""

    AUTO = "auto"
    OSC52 = "osc52"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person set up; ``keymap`` maps the id of an action to its keys: a list, or one text with commas.

    ``theme`` is None where the default of the terminal is wanted.
    """

    theme: str | None = None
    low_bandwidth: bool = False
    mouse: bool = True
    clipboard: Clipboard = Clipboard.AUTO
    keymap: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
