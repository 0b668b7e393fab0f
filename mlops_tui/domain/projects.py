"""Projects, the people in them and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """GitLab's access levels; the number counts on the ladder (GitLab: lib/gitlab/access.rb)."""

    NONE = 0
    MINIMAL = 5
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    SECURITY = 25
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50
    ADMIN = 60

    @property
    def title(self) -> str:
        """The role as GitLab's pages write it."""
        return self.name.capitalize()


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot; ``name`` is for reading, ``username`` identifies."""

    id: int
    username: str
    name: str


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """Enough of a project to address it: ``id`` for calls, ``path`` ("acme/fraud") for people."""

    id: int
    path: str

    @property
    def name(self) -> str:
        """The last segment of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Project:
    """A project and this token's place in it.

    ``has_deployment_approvals`` is whether the instance's licence makes protected environments work, read from the keys
    of the project itself, since routes answer without a licence too (GitLab: ee/lib/ee/api/entities/project.rb).
    ``triggerer_may_approve`` is the project's own setting; ``has_merge_request_rules`` is probed in the same way.
    """

    ref: ProjectRef
    default_branch: str
    web_url: str
    role: Role
    has_deployment_approvals: bool = False
    triggerer_may_approve: bool = False
    has_merge_request_rules: bool = False
