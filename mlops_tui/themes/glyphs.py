"""The signs that stand for states, and plain replacements for terminals without Unicode."""

from __future__ import annotations

import codecs
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color


class Sign(Enum):
    """A sign of one column: how it looks, and what replaces it where only ASCII can be shown."""

    OK = ("✓", "+")
    FAILED = ("✗", "x")
    WARNING = ("▲", "!")
    RUNNING = ("●", "*")
    WAITING = ("○", "o")
    PAUSED = ("◐", "=")
    STOPPED = ("■", "#")
    UNKNOWN = ("?", "?")
    CURSOR = ("▌", ">")
    MARK = ("◆", "@")
    ASCENDING = ("↑", "^")
    DESCENDING = ("↓", "v")
    BETTER = ("⊕", "+")
    WORSE = ("⊖", "-")
    ELLIPSIS = ("…", "~")
    CRUMB = ("▸", ">")
    MORE_LEFT = ("«", "<")
    MORE_RIGHT = ("»", ">")

    @property
    def glyph(self) -> str:
        """The sign in Unicode."""
        return self.value[0]

    @property
    def ascii(self) -> str:
        """The sign in ASCII."""
        return self.value[1]


SERIES_SIGNS = ("━", "┅", "╍", "┄", "═", "┈")

_BOXES = {
    "-": "─━┄┅┈┉╌╍═╴╶╸╺▃",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻▏▎▍▐▕",
    "+": "┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬╭╮╯╰╒╓╕╖╘╙╛╜╞╟╡╢╤╥╧╨╪╫┠┨┝┥┡┩┢┪▅",
    "#": "█▉▊▋▀▇▓▒▖▗▘▙▚▛▜▝▞▟",
    "_": "▁",
    ".": "▂░·",
    "=": "▄▔",
    ">": "→▶▸»",
    "<": "←◀◂«",
    "^": "↑▴△",
    "v": "↓▾▽",
    "'": "\u2018\u2019",
    '"': "“”",
    "*": "•★▆",
    "~": "≈±",
}
_TABLE = {ord(fancy): plain for plain, many in _BOXES.items() for fancy in many}
_TABLE |= {ord(sign.glyph): sign.ascii for sign in Sign}
_BRAILLE = range(0x2800, 0x2900)


def needs_ascii(encoding: str | None) -> bool:
    """Whether a terminal with this encoding cannot show the signs."""
    try:
        return codecs.lookup(encoding or "ascii").name not in {"utf-8", "utf-16", "utf-32"}
    except LookupError:
        return True


@lru_cache(maxsize=4096)
def to_ascii(text: str) -> str:
    """The text in ASCII, as wide as before: known signs by their replacement, others by question marks."""
    if text.isascii():
        return text
    return "".join(_replacement(character) for character in text)


def _replacement(character: str) -> str:
    code = ord(character)
    if code < 128:
        return character
    if code in _TABLE:
        return _TABLE[code]
    if code in _BRAILLE:
        return " " if code == _BRAILLE.start else "*"
    return "?" * cell_len(character)


class AsciiFilter(LineFilter):
    """Rewrites every drawn line in ASCII, whatever widget drew it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """The same segments with the same widths, in ASCII."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
