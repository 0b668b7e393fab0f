"""What a project has delivered: its environments and the history of its deployments, read together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mlops_tui.domain.deployments import Deployment, DeploymentStatus, live_version
from mlops_tui.domain.environments import Environment
from mlops_tui.domain.projects import Project
from mlops_tui.gitlab.deployments import list_deployments
from mlops_tui.gitlab.environments import list_environments
from mlops_tui.operations.session import Session

HISTORY = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """Environments and deployments of one project, newest deployment first."""

    project: Project
    environments: tuple[Environment, ...]
    deployments: tuple[Deployment, ...]

    def environment(self, name: str) -> Environment | None:
        """The environment of this name, or None."""
        return next((item for item in self.environments if item.name == name), None)

    def under_way(self, environment: str) -> tuple[Deployment, ...]:
        """Deployments there that have begun and not ended; those that wait for a person are not under way."""
        return tuple(
            item
            for item in self.deployments
            if item.environment == environment and item.status in {DeploymentStatus.CREATED, DeploymentStatus.RUNNING}
        )

    def waiting(self, model: str, environment: str) -> tuple[Deployment, ...]:
        """Deployments there that a person may let run over what is live now, of the model or of nobody knows what."""
        live = live_version(self.deployments, model, environment).deployment
        return tuple(
            item
            for item in self.deployments
            if item.environment == environment
            and item.status is DeploymentStatus.BLOCKED
            and (item.deployed is None or item.deployed.model == model)
            and (live is None or item.id > live.id)
        )


async def read_delivery(session: Session, project: Project, limit: int = HISTORY) -> Delivery:
    """Read both lists at once; ``limit`` is how many of the newest deployments are looked at."""
    environments, deployments = await asyncio.gather(
        list_environments(session.transport, project.ref),
        list_deployments(session.transport, project.ref, session.deployment_book(project.ref), limit=limit),
    )
    return Delivery(project, tuple(environments), tuple(deployments))
