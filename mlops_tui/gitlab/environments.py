"""Environments as GitLab's REST API tells them."""

from __future__ import annotations

from datetime import datetime

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.environments import Environment, EnvironmentState, Tier
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.payloads import Moment, Name, Payload, read, read_all
from mlops_tui.gitlab.transport import Transport


class _Environment(Payload):
    id: int
    name: Name
    state: Name = ""
    tier: Name = ""
    external_url: Name = ""
    updated_at: Moment | None = None


async def list_environments(transport: Transport, project: ProjectRef) -> list[Environment]:
    """The environments of a project, production first, then by name."""
    environments: list[Environment] = []
    async for rows in transport.pages(f"/api/v4/projects/{project.id}/environments"):
        environments += [_record(row, project) for row in read_all(_Environment, rows, "the environments")]
    order = list(Tier)
    return sorted(environments, key=lambda environment: (order.index(environment.tier), environment.name))


def stop_call(environment: Environment) -> ApiCall:
    """Stop an environment: GitLab runs its stop job where there is one, else it only marks it as stopped."""
    path = f"/api/v4/projects/{environment.project.id}/environments/{environment.id}/stop"
    return ApiCall(Method.POST, path, {}, f"stop {environment.name}")


def read_environment(body: object, project: ProjectRef) -> Environment:
    """The environment in an answer."""
    return _record(read(_Environment, body, "the environment"), project)


def _record(row: _Environment, project: ProjectRef) -> Environment:
    updated_at: datetime | None = row.updated_at
    return Environment(
        id=row.id,
        project=project,
        name=row.name,
        tier=Tier.parse(row.tier),
        state=EnvironmentState.parse(row.state),
        external_url=row.external_url,
        updated_at=updated_at,
    )
