"""Pipelines and the state words that they share with jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlops_tui.domain.projects import ProjectRef


class PipelineStatus(StrEnum):
    """GitLab's states of pipelines and jobs (GitLab: app/models/concerns/ci/has_status.rb)."""

    CREATED = "created"
    WAITING_FOR_RESOURCE = "waiting_for_resource"
    PREPARING = "preparing"
    WAITING_FOR_CALLBACK = "waiting_for_callback"
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELING = "canceling"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    MANUAL = "manual"
    SCHEDULED = "scheduled"
    UNKNOWN = "unknown"

    @classmethod
    def parse(cls, word: str) -> PipelineStatus:
        """Read a state; unknown words are UNKNOWN."""
        try:
            return cls(word)
        except ValueError:
            return cls.UNKNOWN

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in {
            PipelineStatus.SUCCESS,
            PipelineStatus.FAILED,
            PipelineStatus.CANCELED,
            PipelineStatus.SKIPPED,
        }

    @property
    def waits_for_a_person(self) -> bool:
        """Whether somebody has to play a job."""
        return self is PipelineStatus.MANUAL


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline; ``name`` is what our templates set to "MODEL VERSION -> ENVIRONMENT"."""

    id: int
    project: ProjectRef
    ref: str
    sha: str
    status: PipelineStatus
    source: str
    name: str
    created_at: datetime | None
    updated_at: datetime | None
    username: str
    web_url: str


@dataclass(frozen=True, slots=True)
class PipelineInput:
    """One declared input of a project's pipeline (``spec:inputs``)."""

    name: str
    type: str
    is_required: bool
    default: str = ""
    options: tuple[str, ...] = field(default=())
