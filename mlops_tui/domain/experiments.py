"""Experiments: the folders that runs are kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_tui.domain.projects import ProjectRef


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment of a project; ``iid`` counts within the project and is MLflow's ``experiment_id``."""

    project: ProjectRef
    iid: int
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str | None:
        """The model whose own experiment this is, or None (GitLab keeps a model's runs in "[model]NAME")."""
        return self.name.removeprefix("[model]") if self.name.startswith("[model]") else None
