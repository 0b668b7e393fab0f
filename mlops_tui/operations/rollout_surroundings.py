"""What GitLab itself says against changing an environment now: a deploy freeze, or a protection that shuts us out."""

from __future__ import annotations

from mlops_tui.domain.errors import RemoteError
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.rollouts import Hindrance, Obstacle
from mlops_tui.gitlab.environment_guards import EnvironmentGuard, read_guards
from mlops_tui.operations.session import Session


async def guard_obstacles(
    session: Session, project: Project, environments: frozenset[str]
) -> dict[str, tuple[Obstacle, ...]]:
    """The obstacles of each environment, by name; read in one request, and none where GitLab does not tell."""
    if not environments:
        return {}
    try:
        guards = await read_guards(session.transport, project.ref, sorted(environments))
    except RemoteError:
        return {}
    return {guard.environment: tuple(_of(guard, project)) for guard in guards}


def _of(guard: EnvironmentGuard, project: Project) -> list[Obstacle]:
    found: list[Obstacle] = []
    if guard.is_frozen:
        until = f" until {guard.frozen_until:%Y-%m-%d %H:%M} UTC" if guard.frozen_until else ""
        found.append(Obstacle(Hindrance.FROZEN, f"A deploy freeze holds in {guard.environment}{until}"))
    if not guard.may_change and project.role >= Role.DEVELOPER:
        text = f"{guard.environment} is protected, and you are not among those who may deploy to it"
        found.append(Obstacle(Hindrance.PROTECTED, text))
    return found
