"""Projects as GitLab tells them, each asked for once a session, and the projects of groups."""

from __future__ import annotations

import asyncio
from typing import Any

from mlops_tui.domain.errors import NotAllowedError, NotFoundError
from mlops_tui.domain.projects import Project, ProjectRef, Role
from mlops_tui.gitlab.hosts import path_segment
from mlops_tui.gitlab.identity import current_user
from mlops_tui.gitlab.payloads import Name, Payload, read, read_all
from mlops_tui.gitlab.transport import Transport

# Left out of the answer unless the licence covers it (GitLab: ee/lib/ee/api/entities/project.rb).
_LICENCE_KEY = "allow_pipeline_trigger_approve_deployment"
_RULES_KEY = "approvals_before_merge"


class _Access(Payload):
    access_level: int = 0


class _Permissions(Payload):
    project_access: _Access | None = None
    group_access: _Access | None = None

    def level(self) -> int | None:
        levels = [access.access_level for access in (self.project_access, self.group_access) if access]
        return max(levels, default=None)


class _Project(Payload):
    id: int
    path_with_namespace: Name
    default_branch: Name = ""
    web_url: Name = ""
    permissions: _Permissions | None = None

    def ref(self) -> ProjectRef:
        return ProjectRef(self.id, self.path_with_namespace)


class ProjectDirectory:
    """Looks projects up by id or full path.

    ``GET /projects/:id`` has a limit of its own on GitLab, so each is asked for once and kept until ``forget``; several
    who ask at the same time share one request.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[str, Project] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._user_id: int | None = None

    async def project(self, reference: str | int) -> Project:
        """The project of this id or full path ("acme/fraud"); raises ``NotFoundError`` when it cannot be seen."""
        key = str(reference).strip("/")
        async with self._asking.setdefault(key, asyncio.Lock()):
            if key not in self._known:
                project = await self._read(key)
                for name in (key, project.ref.path, str(project.ref.id)):
                    self._known[name] = project
            return self._known[key]

    async def group_projects(self, group: str | int) -> list[ProjectRef]:
        """The projects of a group and its subgroups that are not archived, by path."""
        path = f"/api/v4/groups/{path_segment(str(group).strip('/'))}/projects"
        params = {"include_subgroups": True, "with_shared": False, "archived": False, "simple": True}
        found: list[ProjectRef] = []
        async for rows in self._transport.pages(path, params, what=f"read the projects of the group {group}"):
            found += [row.ref() for row in read_all(_Project, rows, "the projects")]
        return sorted(found, key=lambda ref: ref.path)

    def forget(self) -> None:
        """Ask anew from now on, for instance after roles were changed."""
        self._known.clear()

    async def _read(self, key: str) -> Project:
        what = f"read the project {key}"
        body: Any = (await self._transport.get(f"/api/v4/projects/{path_segment(key)}", what=what)).json()
        row = read(_Project, body, "the project")
        return Project(
            ref=row.ref(),
            default_branch=row.default_branch,
            web_url=row.web_url,
            role=await self._role(row),
            has_deployment_approvals=_LICENCE_KEY in body,
            triggerer_may_approve=body.get(_LICENCE_KEY) is True,
            has_merge_request_rules=_RULES_KEY in body,
        )

    async def _role(self, row: _Project) -> Role:
        """The token's own role.

        ``permissions`` know only direct and group membership; who comes by an invited group is looked up.
        """
        level = row.permissions.level() if row.permissions else None
        if level is not None:
            return role_of(level)
        if row.permissions is None:
            return Role.NONE
        try:
            if self._user_id is None:
                self._user_id = (await current_user(self._transport)).id
            path = f"/api/v4/projects/{row.id}/members/all/{self._user_id}"
            answer = await self._transport.get(path, what="read your role")
        except (NotAllowedError, NotFoundError):
            return Role.NONE
        return role_of(read(_Access, answer.json(), "your role").access_level)


def role_of(level: int) -> Role:
    """The role of an access level; one that is not known counts as the next lower one."""
    return max((role for role in Role if role <= level), default=Role.NONE)
