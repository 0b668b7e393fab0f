"""Runs: one execution of a training script, with what it logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlops_tui.domain.projects import ProjectRef


class RunStatus(StrEnum):
    """MLflow's states of a run; UNKNOWN stands for a word this version does not know."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def parse(cls, word: str) -> RunStatus:
        """Read a state in any case."""
        return cls.__members__.get(word.upper(), cls.UNKNOWN)

    @property
    def is_live(self) -> bool:
        """Whether the run may still log something."""
        return self in {RunStatus.RUNNING, RunStatus.SCHEDULED}


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One logged value; ``timestamp`` is None where the source does not tell it (GraphQL)."""

    step: int
    value: float
    timestamp: datetime | None


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """Every value that a run logged under one name, in step order.

    ``is_complete`` is False when the server has no history route and only the latest value could be had.
    """

    run_id: str
    metric: str
    points: tuple[MetricPoint, ...]
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its list row shows it.

    ``id`` is MLflow's run id, a UUID; ``iid`` is GitLab's own number where it is known; ``metrics`` holds the value
    logged last per name.
    """

    id: str
    project: ProjectRef
    experiment_iid: int
    experiment: str
    name: str
    status: RunStatus
    started_at: datetime | None
    ended_at: datetime | None
    user_id: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    iid: int | None = None

    @property
    def job_id(self) -> int | None:
        """The CI job that ran it, from the tag ``gitlab.CI_JOB_ID``."""
        value = self.tags.get("gitlab.CI_JOB_ID", "")
        return int(value) if value.isdecimal() else None

    @property
    def commit_sha(self) -> str | None:
        """The commit that MLflow's client logged, if it did."""
        return self.tags.get("mlflow.source.git.commit") or None
