"""What guards an environment: deploy freezes, and whether this token's user may change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.errors import RemoteError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.payloads import GraphQLPayload, Moment, Name, read
from mlops_tui.gitlab.transport import Transport

_GUARDS = """query($project: ID!, $name: String!) { project(fullPath: $project) { environment(name: $name) {
userPermissions { updateEnvironment } deployFreezes { status endTime } } } }"""


@dataclass(frozen=True, slots=True)
class EnvironmentGuard:
    """How an environment is guarded; ``frozen_until`` is None where no freeze holds or its end is not known."""

    environment: str
    may_change: bool
    is_frozen: bool
    frozen_until: datetime | None


class _Permissions(GraphQLPayload):
    update_environment: bool = True


class _Freeze(GraphQLPayload):
    status: Name = ""
    end_time: Moment | None = None


class _Environment(GraphQLPayload):
    user_permissions: _Permissions = _Permissions()
    deploy_freezes: tuple[_Freeze, ...] | None = ()


async def read_guards(transport: Transport, project: ProjectRef, names: Sequence[str]) -> tuple[EnvironmentGuard, ...]:
    """The guards of some environments, in one request; an environment that is not there is left out."""
    queries = [(_GUARDS, {"project": project.path, "name": name}) for name in names]
    results = await transport.graphql_many(queries, what="read what guards the environments")
    found: list[EnvironmentGuard] = []
    for name, result in zip(names, results, strict=True):
        if isinstance(result, RemoteError):
            continue
        environment = (result.get("project") or {}).get("environment")
        if not isinstance(environment, dict):
            continue
        row = read(_Environment, environment, "the environment's guards")
        active = [item for item in row.deploy_freezes or () if item.status == "ACTIVE"]
        ends = [item.end_time for item in active if item.end_time is not None]
        may_change = row.user_permissions.update_environment
        found.append(EnvironmentGuard(name, may_change, bool(active), max(ends, default=None)))
    return tuple(found)
