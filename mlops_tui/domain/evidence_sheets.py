"""Evidence sheets: what a decision is made on, frozen, with a digest that names it.

The subject is what is decided: when any of it changes, the decision does not hold. Observations are what was known at
the time, each with its own moment; they change all the time and are only kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlops_tui.domain.canonical import JsonValue, digest, instant

SCHEMA = "mlops-tui/evidence/1"
_FILE = re.compile(r"evidence-(?P<digest>[0-9a-f]{64})\.json")
_MARK = re.compile(r"evidence sha256:(?P<digest>[0-9a-f]{64}) journal (?P<journal>[0-9a-f]{16})")

Subject = Mapping[str, JsonValue]


class Keeping(StrEnum):
    """Where a sheet is kept."""

    PACKAGE = "package"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Observation:
    """Something known at ``as_of``; ``text`` says why it is not available where it is not."""

    name: str
    as_of: datetime
    is_available: bool
    text: str
    value: JsonValue = None


def mark(evidence: str, journal_head: str) -> str:
    """What goes into every comment: the sheet, and where the journal stood.

    A journal whose tail was cut off no longer holds the head that was written here.
    """
    return f"evidence sha256:{evidence} journal {journal_head[:16]}"


def read_mark(comment: str) -> tuple[str, str] | None:
    """The digest and the beginning of the journal's head in a comment, or None."""
    found = _MARK.search(comment)
    return (found["digest"], found["journal"]) if found else None


def file_name(evidence: str) -> str:
    """The package file that keeps a sheet."""
    return f"evidence-{evidence}.json"


def is_evidence_file(path: str) -> bool:
    """Whether a file of a version keeps a sheet, and is no part of the model."""
    return _FILE.fullmatch(path) is not None


def document(subject: Subject, observations: tuple[Observation, ...]) -> dict[str, JsonValue]:
    """The sheet as it is kept."""
    return {
        "schema": SCHEMA,
        "digest": digest(subject),
        "subject": subject,
        "observations": [
            {
                "name": item.name,
                "as_of": instant(item.as_of),
                "available": item.is_available,
                "text": item.text,
                "value": item.value,
            }
            for item in observations
        ],
    }


def is_intact(kept: Mapping[str, JsonValue]) -> bool:
    """Whether a kept sheet is the one that its digest names."""
    return kept.get("schema") == SCHEMA and digest(kept.get("subject")) == kept.get("digest")
