"""Model cards: Markdown with front matter, and how complete one is.

The standard fields follow Mitchell et al., "Model Cards for Model Reporting" (2019), as far as a decision needs them. A
field counts as given where the front matter has its key, or the text has a heading or a bold term of its name, with
something behind it. Front matter is read in its simplest form only: ``key: value`` and lists of ``- item``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum

_HEADING = re.compile(r"^#{1,6}[ \t]+(?P<title>.+?)[ \t#]*$")
_BOLD = re.compile(r"\*\*(?P<title>[^*\n]{1,60}?):?\*\*:?[ \t]*(?P<text>[^*\n]*)")
_KEY = re.compile(r"^(?P<key>[A-Za-z][\w -]{0,60}):[ \t]*(?P<value>.*)$")
_EMPTY = frozenset({"", "-", "n/a", "none", "null", "todo", "tbd", "...", "[]", "{}"})


class CardField(StrEnum):
    """What a card has to tell."""

    INTENDED_USE = "intended use"
    TRAINING_DATA = "training data"
    METRICS = "metrics"
    LIMITS = "limits"
    OWNERS = "owners"


_NAMES: Mapping[CardField, tuple[str, ...]] = {
    CardField.INTENDED_USE: ("intended use", "intended uses", "use", "usage", "purpose", "uses"),
    CardField.TRAINING_DATA: ("training data", "data", "dataset", "datasets", "training"),
    CardField.METRICS: ("metrics", "evaluation", "performance", "results"),
    CardField.LIMITS: ("limits", "limitations", "known limits", "known limitations", "risks", "caveats"),
    CardField.OWNERS: ("owners", "owner", "team", "contact", "contacts", "maintainers"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """A card taken apart: the front matter's keys in lower case, and the text below it."""

    front: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class CardReport:
    """Which standard fields a card has and which it lacks, in the order of the schema."""

    given: tuple[CardField, ...]
    missing: tuple[CardField, ...]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    @property
    def summary(self) -> str:
        """For instance "4 of 5, without owners"."""
        without = f", without {', '.join(self.missing)}" if self.missing else ""
        return f"{len(self.given)} of {len(CardField)}{without}"


def read_card(markdown: str) -> Card:
    """Take a card apart; a front matter that never ends is text."""
    lines = markdown.lstrip("\ufeff").splitlines()
    if lines and lines[0].strip() == "---":
        for number, line in enumerate(lines[1:], start=1):
            if line.strip() in {"---", "..."}:
                return Card(_front(lines[1:number]), "\n".join(lines[number + 1 :]))
    return Card({}, markdown)


def check_card(markdown: str) -> CardReport:
    """How complete a card is."""
    card = read_card(markdown)
    told = {_plain(key) for key, value in card.front.items() if _is_given(value)}
    told |= {_plain(title) for title, text in (*_sections(card.text), *_terms(card.text)) if _is_given(text)}
    given = tuple(field for field in CardField if any(_names(field, title) for title in told))
    return CardReport(given, tuple(field for field in CardField if field not in given))


def card_changes(before: str, after: str) -> tuple[str, ...]:
    """The lines in which two cards differ, each with its sign, without the heads that name files."""
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return tuple(line for line in lines if not line.startswith(("---", "+++")))


def _front(lines: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    key = ""
    for line in lines:
        found = _KEY.match(line)
        if found:
            key = found["key"].lower()
            values[key] = found["value"].strip().strip("\"'")
        elif key and line.strip() and not line.lstrip().startswith("#"):
            values[key] = f"{values[key]} {line.strip().removeprefix('- ').strip()}".strip()
    return values


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Each heading with the text up to the next one."""
    title, body = "", list[str]()
    for line in text.splitlines():
        found = _HEADING.match(line)
        if found is None:
            body.append(line)
            continue
        if title:
            yield title, "\n".join(body)
        title, body = found["title"], []
    if title:
        yield title, "\n".join(body)


def _terms(text: str) -> Iterator[tuple[str, str]]:
    for found in _BOLD.finditer(text):
        yield found["title"], found["text"]


def _plain(title: str) -> str:
    return " ".join(re.sub(r"[^a-z ]+", " ", title.lower().replace("_", " ")).split())


def _names(field: CardField, title: str) -> bool:
    return any(title == name or title.startswith(f"{name} on ") for name in _NAMES[field])


def _is_given(text: str) -> bool:
    return text.strip().lower() not in _EMPTY
