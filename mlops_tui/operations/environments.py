"""What one can ask of environments: which there are, and what serves in each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mlops_tui.domain.deployments import DeploymentStatus, LiveVersion, live_steps, live_version
from mlops_tui.domain.environments import Environment
from mlops_tui.domain.projects import Project
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """An environment with every model version that serves in it; empty when no deployment names one."""

    project: Project
    environment: Environment
    live: tuple[LiveVersion, ...]


async def list_environments(session: Session) -> Snapshot[tuple[EnvironmentSummary, ...]]:
    """Every environment of every project of the context, production first within each project."""
    projects = await session.projects()
    deliveries = await asyncio.gather(*(read_delivery(session, project) for project in projects))
    return session.snapshot(tuple(row for delivery in deliveries for row in summaries(delivery)))


def summaries(delivery: Delivery) -> list[EnvironmentSummary]:
    """The rows of one project."""
    return [
        EnvironmentSummary(delivery.project, environment, _live_in(delivery, environment))
        for environment in delivery.environments
    ]


def _live_in(delivery: Delivery, environment: Environment) -> tuple[LiveVersion, ...]:
    models = {
        item.deployed.model
        for item in delivery.deployments
        if item.deployed and item.environment == environment.name and item.status is DeploymentStatus.SUCCESS
    }
    found: list[LiveVersion] = []
    for model in sorted(models):
        live = live_version(delivery.deployments, model, environment.name)
        if live.version is not None:
            found += [live, *live_steps(delivery.deployments, live)]
    return tuple(found)
