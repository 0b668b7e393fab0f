"""What needs a person's attention: a line each, with the place where it can be looked into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class MatterKind(IntEnum):
    """What a matter is about; the smaller number is told first."""

    JOURNAL_BROKEN = 1
    UNSETTLED = 2
    ROLLOUT_WRONG = 3
    DEPLOYMENT_FAILED = 4
    ALERT_FIRING = 5
    ROLLOUT_WAITING = 6
    DEPLOYMENT_WAITING = 7
    LIVE_UNKNOWN = 8
    ROLLOUT_RUNNING = 9
    DEPLOYMENT_RUNNING = 10
    RUN_FAILED = 11
    NEWER_VERSION = 12


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
    rollout_id: str = ""
    is_production: bool = False

    @property
    def key(self) -> str:
        """What names it for good."""
        return " ".join(
            (self.kind.name, self.project, self.model, self.version, self.environment, self.run_id, self.title)
        )
