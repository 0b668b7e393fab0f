"""Jobs: the steps of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.pipelines import PipelineStatus
from mlops_tui.domain.projects import ProjectRef


@dataclass(frozen=True, slots=True)
class Job:
    """One job; ``failure_reason`` is GitLab's word, empty unless it failed."""

    id: int
    project: ProjectRef
    name: str
    stage: str
    ref: str
    status: PipelineStatus
    pipeline_id: int
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    username: str
    failure_reason: str
    web_url: str
    sha: str = ""


@dataclass(frozen=True, slots=True)
class JobLog:
    """A job's whole log so far, made safe to draw; ``is_complete`` once the job has ended."""

    job_id: int
    lines: tuple[str, ...]
    size: int
    is_complete: bool
