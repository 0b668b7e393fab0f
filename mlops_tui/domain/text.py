"""Text from elsewhere, made safe to draw.

Names, descriptions and job logs are written by strangers: an escape sequence in one could set the reader's clipboard
or title, a bidirectional override could make one name look like another. What leaves here holds no control character
but the newline and the tab where they belong, and no invisible character that changes how its neighbours look.
Square brackets and other markup stay as they are: they are text, and the screens draw text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

NAME_LIMIT = 300
BLOCK_LIMIT = 100_000
LINE_LIMIT = 2_000

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_MOST_MARKS = 4

# A string sequence (OSC, DCS, SOS, PM, APC, and the title of screen) ends at its terminator or with the line, so that
# one left open cannot swallow what follows.
_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_k]|[\x90\x98\x9d-\x9f])[^\x07\x18\x1a\x1b\x9c\x85\r\n]*(?:\x1b\\|[\x07\x18\x1a\x9c])?"
    r"|(?:\x1b\[|\x9b)[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]?"
    r"|\x1b[\x20-\x2f]*[\x30-\x7e]?"
)
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_UNUSUAL = re.compile(r"[^\x20-\x7e\n\t]+")
_BLANK = re.compile(r"[\n\t]+")

# Format characters that are drawn: the Arabic, Syriac and Kaithi signs that enclose the number after them.
_DRAWN_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Letters and marks that draw nothing: fillers, joiners and variation selectors.
_UNDRAWN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def clean(text: str, limit: int = NAME_LIMIT) -> str:
    """One line that is safe to draw, of at most ``limit`` characters, an ellipsis in place of the rest.

    Breaks and tabs become a space, what has no safe form becomes U+FFFD. Ordinary letters of every script stay, right
    to left ones too.
    """
    if text.isascii() and text.isprintable():
        return _shorten(text, limit)
    return _shorten(_BLANK.sub(" ", _plain(text)), limit)


def clean_block(text: str, limit: int = BLOCK_LIMIT) -> str:
    """Several lines that are safe to draw, of at most ``limit`` characters, whatever line breaks they came with."""
    return _shorten(_plain(text), limit)


def sentence(text: str) -> str:
    """The text with a capital letter at its beginning; names further on stay as they are."""
    return text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    """A number with its noun, for instance ``counted(1, "call")`` as 1 call; the plural adds an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[: limit - 1] + _ELLIPSIS if limit > 0 else ""


def _plain(text: str) -> str:
    without_sequences = _ESCAPE_SEQUENCE.sub("", text)
    return _UNUSUAL.sub(_readable, _LINE_BREAK.sub("\n", without_sequences))


def _readable(found: re.Match[str]) -> str:
    """The visible part of a stretch outside plain ASCII; piled-up marks would smear over the rows above and below."""
    characters: list[str] = []
    marks = 0
    for character in _UNDRAWN.sub("", found.group()):
        drawn = _drawn(character)
        if not drawn:
            continue
        marks = marks + 1 if unicodedata.category(drawn) in {"Mn", "Me"} else 0
        if marks <= _MOST_MARKS:
            characters.append(drawn)
    return "".join(characters)


def _drawn(character: str) -> str:
    if character.isprintable() or character in _DRAWN_FORMATS:
        return character
    match unicodedata.category(character):
        case "Cc" | "Cf":
            return ""
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Co":
            return character
        case _:
            return "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class LogSection:
    """A foldable part of a job log: ``lines[start:end]``, the first of which is its heading.

    ``started`` and ``ended`` are Unix seconds as the runner wrote them; ``ended`` is None while the section is open.
    """

    name: str
    start: int
    end: int
    started: int
    ended: int | None
    collapsed: bool

    @property
    def seconds(self) -> int | None:
        """How long it took, or None while it is open."""
        return None if self.ended is None else max(0, self.ended - self.started)


@dataclass(frozen=True, slots=True)
class CleanLog:
    """A job log as plain lines, with the sections its runner marked, in the order of their start."""

    lines: tuple[str, ...]
    sections: tuple[LogSection, ...]


# GitLab: doc/ci/jobs/job_logs.md, "Custom collapsible sections".
_SECTION_MARK = re.compile(
    r"section_(?P<edge>start|end):(?P<time>\d{1,12}):(?P<name>[A-Za-z0-9_.-]{1,200})(?:\[(?P<options>[^\]\r\n]*)\])?"
    r"\r(?:\x1b\[0?K)?"
)
# GitLab Runner, feature flag FF_TIMESTAMPS: a time, the stream's number and kind, and "+" where a line goes on.
_LINE_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [0-9a-f]{2}[OE](?P<joint>[ +])")


def clean_log(text: str, line_limit: int = LINE_LIMIT) -> CleanLog:
    """Turn a raw job log into safe lines and sections.

    A carriage return starts its line over, as it does in GitLab's own log view: only the last thing written shows.
    Colours are dropped, runner time stamps are taken off and the lines they split are joined again. A section that
    never ends reaches to the last line; an end without a start is ignored.
    """
    reader = _LogReader(line_limit)
    for raw in _joined(text):
        reader.read(raw)
    return reader.finish()


def _joined(text: str) -> list[str]:
    raw_lines = text.split("\n")
    if raw_lines[-1] == "":
        raw_lines.pop()
    joined: list[list[str]] = []
    for raw in raw_lines:
        stamp = _LINE_STAMP.match(raw)
        content = raw[stamp.end() :] if stamp else raw
        if stamp and stamp["joint"] == "+" and joined:
            joined[-1].append(content)
        else:
            joined.append([content])
    return ["".join(parts) for parts in joined]


class _LogReader:
    """Collects lines and sections from the raw lines of one log."""

    def __init__(self, line_limit: int) -> None:
        self._line_limit = line_limit
        self._lines: list[str] = []
        self._sections: list[LogSection] = []
        self._open: dict[str, int] = {}

    def read(self, raw: str) -> None:
        """Take one raw line; a line that holds nothing but marks leaves no line."""
        marks = list(_SECTION_MARK.finditer(raw))
        line = _last_written(_SECTION_MARK.sub("", raw))
        for mark in marks:
            if mark["edge"] == "start":
                self._start(mark)
            else:
                self._end(mark)
        if line or not marks:
            self._lines.append(clean_block(line, self._line_limit).replace("\n", " "))

    def finish(self) -> CleanLog:
        """The log so far; open sections reach to its end."""
        last = len(self._lines)
        sections = (replace(part, end=last) if part.ended is None else part for part in self._sections)
        return CleanLog(tuple(self._lines), tuple(sections))

    def _start(self, mark: re.Match[str]) -> None:
        self._open[mark["name"]] = len(self._sections)
        here = len(self._lines)
        collapsed = "collapsed=true" in (mark["options"] or "")
        self._sections.append(LogSection(mark["name"], here, here, int(mark["time"]), None, collapsed))

    def _end(self, mark: re.Match[str]) -> None:
        position = self._open.pop(mark["name"], None)
        if position is not None:
            ended = replace(self._sections[position], end=len(self._lines), ended=int(mark["time"]))
            self._sections[position] = ended


def _last_written(raw: str) -> str:
    written = [part for part in _ESCAPE_SEQUENCE.sub("", raw).split("\r") if part]
    return written[-1] if written else ""
