"""Where a model can be promoted to, and what serves there."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_tui.domain.deployments import LiveVersion, live_version
from mlops_tui.domain.environments import Tier
from mlops_tui.domain.projects import Project
from mlops_tui.domain.promotions import is_production
from mlops_tui.operations.deliveries import read_delivery
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class Destination:
    """An environment of GitLab or of the project's policy file, with what serves the model there."""

    name: str
    tier: Tier
    is_production: bool
    live: LiveVersion


async def destinations(session: Session, project: Project, model: str) -> tuple[Destination, ...]:
    """Every environment that a version of ``model`` may be promoted to, production last."""
    delivery = await read_delivery(session, project)
    policy = (await session.policy(project)).for_model(model)
    names = {item.name for item in delivery.environments} | set(policy.environments)
    found: list[Destination] = []
    for name in sorted(names):
        place = delivery.environment(name)
        live = live_version(delivery.deployments, model, name)
        tier = place.tier if place else Tier.OTHER
        found.append(Destination(name, tier, is_production(place, name, session.context.kind, policy), live))
    return tuple(sorted(found, key=lambda item: item.is_production))
