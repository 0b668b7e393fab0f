"""The grammar of the command line: ``:view /filter @context``, and ``/filter`` alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.domain.errors import UsageError


class CommandError(UsageError):
    """A command that cannot be read; ``column`` counts characters from 1."""

    def __init__(self, reason: str, *, column: int, remedy: str = "") -> None:
        super().__init__("Cannot read the command", why=f"column {column}: {reason}", remedy=remedy)
        self.reason = reason
        self.column = column


@dataclass(frozen=True, slots=True)
class ViewName:
    """A view as the command line knows it."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """Where to go: a view (None stays), what to keep there (None keeps all), in which context (None stays)."""

    view: str | None = None
    filter: str | None = None
    context: str | None = None


_CONTEXT = re.compile(r"(?:^|\s)@(?P<name>[\w.-]*)\s*$")
_FILTER = re.compile(r"(?:^|\s)/(?P<text>.*)$", re.DOTALL)
CONTEXT_WORDS = ("ctx", "context")
QUIT_WORDS = ("q", "quit")


def parse_command(text: str, views: Sequence[ViewName], contexts: Sequence[str]) -> Command:
    """Read what was typed after the colon.

    The filter starts at the first slash behind a blank and ends at an ``@context`` at the very end of the line.
    ``:ctx NAME`` is the same as ``@NAME``.

    Raises:
        CommandError: an unknown view or context, or words that belong nowhere.
    """
    rest, context = _take_context(text, contexts)
    found = _FILTER.search(rest)
    filter_text = found["text"].strip() if found else None
    words = list(re.finditer(r"\S+", rest[: found.start()] if found else rest))
    if words and words[0].group() in CONTEXT_WORDS and len(words) == 2:
        _check_context(words[1].group(), contexts, words[1].start() + 1)
        return Command(None, filter_text, words[1].group())
    if len(words) > 1:
        remedy = "A filter starts with a slash, a context with @"
        raise CommandError(f"{words[1].group()!r} is too much", column=words[1].start() + 1, remedy=remedy)
    view = _view(words[0].group(), words[0].start() + 1, views) if words else None
    return Command(view, filter_text, context)


def complete(text: str, views: Sequence[ViewName], contexts: Sequence[str]) -> str | None:
    """The whole line that ``text`` most likely begins, or None."""
    context = _CONTEXT.search(text)
    if context is not None:
        start = context.start("name")
        return _first(text[:start], text[start:], contexts)
    if " " in text or not text:
        return None
    names = [view.name for view in views] + ["ctx", "quit"] + [alias for view in views for alias in view.aliases]
    return _first("", text, names)


def _first(before: str, typed: str, names: Sequence[str]) -> str | None:
    return next((before + name for name in names if name.startswith(typed) and name != typed), None)


def _take_context(text: str, contexts: Sequence[str]) -> tuple[str, str | None]:
    found = _CONTEXT.search(text)
    if found is None:
        return text, None
    _check_context(found["name"], contexts, found.start("name") + 1)
    return text[: found.start()], found["name"]


def _check_context(name: str, contexts: Sequence[str], column: int) -> None:
    if name not in contexts:
        known = ", ".join(contexts) or "none"
        raise CommandError(f"there is no context {name!r}", column=column, remedy=f"There are: {known}")


def _view(word: str, column: int, views: Sequence[ViewName]) -> str:
    for view in views:
        if word == view.name or word in view.aliases:
            return view.name
    if word in (*CONTEXT_WORDS, *QUIT_WORDS):
        return word
    starting = [view.name for view in views if view.name.startswith(word)]
    if len(starting) == 1:
        return starting[0]
    known = ", ".join(view.name for view in views)
    raise CommandError(f"there is no view {word!r}", column=column, remedy=f"There are: {known}")
