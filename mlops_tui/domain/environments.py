"""Environments: where versions are deployed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlops_tui.domain.projects import ProjectRef


class Tier(StrEnum):
    """GitLab's deployment tiers."""

    PRODUCTION = "production"
    STAGING = "staging"
    TESTING = "testing"
    DEVELOPMENT = "development"
    OTHER = "other"

    @classmethod
    def parse(cls, word: str) -> Tier:
        """Read a tier; unknown words are OTHER."""
        try:
            return cls(word.lower())
        except ValueError:
            return cls.OTHER


class EnvironmentState(StrEnum):
    """Whether an environment runs."""

    AVAILABLE = "available"
    STOPPING = "stopping"
    STOPPED = "stopped"
    UNKNOWN = "unknown"

    @classmethod
    def parse(cls, word: str) -> EnvironmentState:
        """Read a state; unknown words are UNKNOWN."""
        try:
            return cls(word.lower())
        except ValueError:
            return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of a project."""

    id: int
    project: ProjectRef
    name: str
    tier: Tier
    state: EnvironmentState
    external_url: str = ""
    updated_at: datetime | None = None
    web_url: str = ""
