"""Which environments of a project count as production: by its policy file, by GitLab's tier, or by the context."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_tui.domain.contexts import ContextKind
from mlops_tui.domain.environments import Environment
from mlops_tui.domain.errors import ConfigError, NotAllowedError
from mlops_tui.domain.policy import Policy
from mlops_tui.domain.projects import Project
from mlops_tui.domain.promotions import is_production
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class Production:
    """What production is in one project; ``policy`` is empty where the file is wrong or may not be read."""

    kind: ContextKind
    policy: Policy

    def counts(self, environment: Environment, model: str) -> bool:
        """Whether a model is in production there."""
        return is_production(environment, environment.name, self.kind, self.policy.for_model(model))


async def read_production(session: Session, project: Project) -> Production:
    """Read it for what is shown; a policy file that is wrong refuses actions, and must not empty a list."""
    try:
        policy = await session.policy(project)
    except (ConfigError, NotAllowedError):
        policy = Policy()
    return Production(session.context.kind, policy)
