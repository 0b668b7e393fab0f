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


class Announcement(StrEnum):
    """How the terminal is told of news: its BELL, or a message by OSC9 or OSC777 where it understands them."""

    OFF = "off"
    BELL = "bell"
    OSC9 = "osc9"
    OSC777 = "osc777"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person set up; ``keymap`` maps the id of an action to its keys: a list, or one text with commas.

    ``theme`` is None where the default of the terminal is wanted. ``announce_command`` is a program with its arguments
    that is given each piece of news as one more argument, empty for none.
    """

    theme: str | None = None
    low_bandwidth: bool = False
    mouse: bool = True
    clipboard: Clipboard = Clipboard.AUTO
    announce: Announcement = Announcement.BELL
    announce_command: tuple[str, ...] = ()
    keymap: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
