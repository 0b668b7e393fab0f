"""What a CI configuration says one pipeline consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class EnvironmentDefinition:
    """The `environment` of a job, with variables expanded."""

    name: str
    url: str | None
    action: str
    tier: str | None
    on_stop: str | None

    @property
    def creates_deployment(self) -> bool:
        """True for `action: start`, the only one that makes a deployment."""
        return self.action == "start"


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """One job of a pipeline to be.

    `needs` is None when the job waits for its stage; `variables` are those of the YAML file and the pipeline.
    `start_in` is in seconds and set for delayed jobs only.
    """

    name: str
    stage: str
    script: tuple[str, ...]
    when: str
    allow_failure: bool
    needs: tuple[str, ...] | None
    environment: EnvironmentDefinition | None
    resource_group: str | None
    manual_confirmation: str | None
    tags: tuple[str, ...]
    variables: Mapping[str, str]
    start_in: float | None


@dataclass(frozen=True, slots=True)
class PipelineDefinition:
    """What one run of the configuration consists of."""

    name: str | None
    stages: tuple[str, ...]
    jobs: tuple[JobDefinition, ...]
