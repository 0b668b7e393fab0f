"""What needs a person's attention: a line each, with the place where it can be looked into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class MatterKind(IntEnum):
    """What a matter is about; the smaller number is told first."""

    JOURNAL_BROKEN = 1
    UNSETTLED = 2
    DEPLOYMENT_FAILED = 3
    DEPLOYMENT_WAITING = 4
    LIVE_UNKNOWN = 5
    DEPLOYMENT_RUNNING = 6
    RUN_FAILED = 7
    NEWER_VERSION = 8


@dataclass(frozen=True, slots=True)
class Matter:
    """One line.

    ``title`` names the thing and ``detail`` says what about it; ``at`` is when it began. The rest leads to its place
    and is empty where it does not apply.
    """

    kind: MatterKind
    title: str
    detail: str
    at: datetime | None
    project: str = ""
    model: str = ""
    version: str = ""
    environment: str = ""
    run_id: str = ""
    is_production: bool = False

    @property
    def key(self) -> str:
        """What names it for good."""
        return " ".join(
            (self.kind.name, self.project, self.model, self.version, self.environment, self.run_id, self.title)
        )
