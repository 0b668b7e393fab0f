"""Members of projects and groups, with the roles they have there now."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_tui.domain.projects import ProjectRef, Role, User
from mlops_tui.gitlab.payloads import Name, Payload, read_all
from mlops_tui.gitlab.projects import role_of
from mlops_tui.gitlab.transport import Transport


@dataclass(frozen=True, slots=True)
class Member:
    """A person and their role, the highest where they have it in several ways."""

    user: User
    role: Role


class _Member(Payload):
    id: int
    username: Name
    name: Name = ""
    state: Name = "active"
    membership_state: Name = "active"
    access_level: int = 0


async def project_members(transport: Transport, project: ProjectRef) -> tuple[Member, ...]:
    """Everybody who belongs to a project, by inheritance and invitation too; blocked people are left out."""
    return await _members(transport, f"/api/v4/projects/{project.id}/members/all")


async def group_members(transport: Transport, group_id: int, *, inherited: bool) -> tuple[Member, ...]:
    """Who belongs to a group itself, or to the groups above it too."""
    return await _members(transport, f"/api/v4/groups/{group_id}/members{'/all' if inherited else ''}")


async def _members(transport: Transport, path: str) -> tuple[Member, ...]:
    found: list[Member] = []
    async for rows in transport.pages(path):
        found += [
            Member(User(row.id, row.username, row.name or row.username), role_of(row.access_level))
            for row in read_all(_Member, rows, "the members")
            if (row.state, row.membership_state) == ("active", "active")
        ]
    return tuple(sorted(found, key=lambda member: member.user.username))
