"""Protected environments: who may deploy to them and whose approval they need."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import NotAllowedError, NotFoundError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.protected_environments import AccessEntry, ProtectedEnvironment, RequiredApproval
from mlops_tui.gitlab.hosts import path_segment
from mlops_tui.gitlab.payloads import Name, Payload, read, read_all
from mlops_tui.gitlab.projects import role_of
from mlops_tui.gitlab.transport import Transport


class _Entry(Payload):
    id: int
    access_level: int | None = None
    access_level_description: Name = ""
    user_id: int | None = None
    group_id: int | None = None
    group_inheritance_type: int | None = 0
    required_approvals: int = 1

    def access(self) -> AccessEntry:
        role = role_of(self.access_level) if self.access_level is not None else None
        name = self.access_level_description or (f"{role.title} and above" if role is not None else "")
        return AccessEntry(name, role, self.user_id, self.group_id, bool(self.group_inheritance_type))


class _Protected(Payload):
    name: Name
    deploy_access_levels: tuple[_Entry, ...] = ()
    approval_rules: tuple[_Entry, ...] = ()


async def list_protected(transport: Transport, project: ProjectRef) -> tuple[ProtectedEnvironment, ...] | None:
    """The project's own protections by name; None where this token may not see them (they need Maintainer).

    Those of the groups above are not among them.
    """
    found: list[ProtectedEnvironment] = []
    try:
        async for rows in transport.pages(f"/api/v4/projects/{project.id}/protected_environments"):
            found += [_record(row) for row in read_all(_Protected, rows, "the protected environments")]
    except (NotAllowedError, NotFoundError):
        return None
    return tuple(found)


def protect_call(
    project: ProjectRef, name: str, deployers: Sequence[AccessEntry], approvals: Sequence[RequiredApproval]
) -> ApiCall:
    """Protect an environment."""
    body: dict[str, JsonValue] = {
        "name": name,
        "deploy_access_levels": [_spelled(item) for item in deployers],
        "approval_rules": [_spelled(item.access) | {"required_approvals": item.count} for item in approvals],
    }
    return ApiCall(Method.POST, f"/api/v4/projects/{project.id}/protected_environments", body, f"protect {name}")


def add_rules_call(project: ProjectRef, name: str, approvals: Sequence[RequiredApproval]) -> ApiCall:
    """Add approval rules to an environment that is protected already; what it has stays."""
    body: dict[str, JsonValue] = {
        "approval_rules": [_spelled(item.access) | {"required_approvals": item.count} for item in approvals]
    }
    path = f"/api/v4/projects/{project.id}/protected_environments/{path_segment(name)}"
    return ApiCall(Method.PUT, path, body, f"add approval rules to {name}")


def read_protected(body: object) -> ProtectedEnvironment:
    """The protection in an answer: GitLab leaves out entries that do not suit it without a word."""
    return _record(read(_Protected, body, "the protected environment"))


def _record(row: _Protected) -> ProtectedEnvironment:
    return ProtectedEnvironment(
        row.name,
        tuple(item.access() for item in row.deploy_access_levels),
        tuple(RequiredApproval(item.access(), item.required_approvals) for item in row.approval_rules),
    )


def _spelled(entry: AccessEntry) -> dict[str, JsonValue]:
    if entry.user_id is not None:
        return {"user_id": entry.user_id}
    if entry.group_id is not None:
        return {"group_id": entry.group_id, "group_inheritance_type": int(entry.is_inherited)}
    return {"access_level": int(entry.role or 0)}
