"""One way to write data, for every noun: a table for people, JSON for programs, Markdown for pages.

Standard output carries data only, without colour, so that a pipe gets what a person sees.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from mlops_tui.cli.errors import leave_pipe, tell
from mlops_tui.cli.options import Format
from mlops_tui.cli.tables import Column, layout
from mlops_tui.domain.canonical import JsonValue, instant, plain
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.text import clean

Item = Mapping[str, JsonValue]
_Data = TypeVar("_Data")

# Characters that JSON lets stand but that steer a terminal or turn the direction of text.
_STEERING = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~])")


@dataclass(frozen=True, slots=True)
class Listing:
    """Data of one noun, ready to be written.

    ``noun`` names the schema ("runs" = ``mlops-tui/runs/1``); ``as_of`` is when the data were read and ``source`` from
    where. Items may hold aware times, enums and numbers that JSON lacks; ``plain`` spells them.
    """

    noun: str
    columns: Sequence[Column]
    items: Sequence[Mapping[str, Any]]
    as_of: datetime
    source: str


def print_snapshot(
    snapshot: Snapshot[_Data],
    noun: str,
    columns: Sequence[Column],
    items: Iterable[Mapping[str, Any]],
    output: Format,
) -> None:
    """Write what was made of a snapshot's data; why the data are not newer goes to standard error."""
    if snapshot.error is not None:
        tell(f"These data are from {instant(snapshot.fetched_at)}: {snapshot.error}")
    print_listing(Listing(noun, columns, tuple(items), snapshot.fetched_at, snapshot.source), output)


def print_listing(listing: Listing, output: Format) -> None:
    """Write a listing to standard output."""
    items = [_plain_item(item) for item in listing.items]
    match output:
        case Format.JSON:
            write_json(
                {
                    "schema": f"mlops-tui/{listing.noun}/1",
                    "as_of": instant(listing.as_of),
                    "source": listing.source,
                    "items": items,
                }
            )
        case Format.NDJSON:
            for item in items:
                write_line(json_text(item))
        case Format.MARKDOWN:
            for line in _markdown(listing.columns, items):
                write_line(line)
        case Format.TABLE:
            rows = [_cells(listing.columns, item) for item in items]
            for line in layout(listing.columns, rows, _terminal_width()):
                write_line(line)


def write_json(document: JsonValue) -> None:
    """Write one JSON document."""
    write_line(json_text(document, indent=2))


def write_line(text: str) -> None:
    """Write one line of data, whatever the encoding of standard output can hold.

    Ends the program quietly when nobody reads any more: typer would take a broken pipe for an exit status of 1, which
    says that a gate refused.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    except BrokenPipeError:
        raise SystemExit(leave_pipe()) from None


def json_text(value: JsonValue, indent: int | None = None) -> str:
    """JSON that is safe to show in a terminal and that every encoding can hold where UTF-8 cannot be used."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    text = json.dumps(value, ensure_ascii=not is_unicode, indent=indent, allow_nan=False)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain_item(item: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {key: plain(value) for key, value in item.items()}


def _cells(columns: Sequence[Column], item: Item) -> list[str]:
    return [clean(_cell(column, item.get(column.key)), limit=2_000) for column in columns]


def _cell(column: Column, value: JsonValue) -> str:
    return _shown(column.show(value) if column.show else value)


def _shown(value: JsonValue) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int() | float():
            return repr(value)
        case Mapping():
            return " ".join(f"{key}={_shown(item)}" for key, item in value.items()) or "-"
        case _:
            return ", ".join(_shown(item) for item in value) or "-"


def _markdown(columns: Sequence[Column], items: Sequence[Item]) -> list[str]:
    rules = ["---:" if column.is_number else "---" for column in columns]
    rows = [[column.title for column in columns], rules]
    rows += [[_MARKDOWN.sub(r"\\\1", cell) for cell in _cells(columns, item)] for item in items]
    return [f"| {' | '.join(row)} |" for row in rows]


def _terminal_width() -> int | None:
    """The width of the terminal, None when standard output is something else and nothing may be cut off."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
