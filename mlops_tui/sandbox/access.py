"""Who may do what where: the ladder of roles, projects and their visibility."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_tui.sandbox.authentication import User
    from mlops_tui.sandbox.database import Database, Row


class Role(IntEnum):
    """GitLab's access levels; a higher number may do everything a lower one may (GitLab: lib/gitlab/access.rb)."""

    NONE = 0
    MINIMAL = 5
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    SECURITY_MANAGER = 25
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50
    ADMIN = 60


@dataclass(frozen=True, slots=True)
class Project:
    """One project; `attributes` holds its less common settings by their REST names."""

    id: int
    namespace_id: int
    name: str
    path: str
    full_path: str
    description: str | None
    visibility: str
    default_branch: str
    creator_id: int | None
    created_at: str
    last_activity_at: str
    attributes: Mapping[str, Any]

    @classmethod
    def from_row(cls, row: Row) -> Project:
        """Read a row of `projects`."""
        return cls(**{**dict(row), "attributes": json.loads(row["attributes"])})

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return one setting, or the default when it was never set."""
        return self.attributes.get(name, default)


def find_project(database: Database, reference: str) -> Project | None:
    """Find a project by numeric id or full path; neither rights nor renames are looked at."""
    if reference.isascii() and reference.isdigit():
        row = database.one("SELECT * FROM projects WHERE id = ?", (int(reference),))
    else:
        row = database.one("SELECT * FROM projects WHERE full_path = ?", (reference,))
    return Project.from_row(row) if row else None


def moved_project(database: Database, reference: str) -> int | None:
    """Return the id of the project that used to live at a path."""
    found = database.value("SELECT project_id FROM project_redirects WHERE full_path = ?", (reference,))
    return None if found is None else int(found)


def group_ancestry(database: Database, namespace_id: int) -> list[int]:
    """Return a group's id and those of all groups above it, nearest first."""
    rows = database.all(
        "WITH RECURSIVE above (id, parent_id, depth) AS ("
        " SELECT id, parent_id, 0 FROM namespaces WHERE id = ?"
        " UNION ALL SELECT n.id, n.parent_id, depth + 1 FROM namespaces n JOIN above ON n.id = above.parent_id)"
        " SELECT id FROM above ORDER BY depth",
        (namespace_id,),
    )
    return [row["id"] for row in rows]


def group_role(database: Database, user: User | None, namespace_id: int) -> Role:
    """Return a user's highest role on a group, direct or inherited."""
    if user is None:
        return Role.NONE
    if user.admin:
        return Role.ADMIN
    ancestry = group_ancestry(database, namespace_id)
    marks = ", ".join("?" for _ in ancestry)
    level = database.value(
        f"SELECT max(access_level) FROM members WHERE user_id = ? AND source_type = 'group' AND source_id IN ({marks})",  # noqa: S608 - only marks are formatted in
        (user.id, *ancestry),
    )
    return Role(level or 0)


def project_role(database: Database, user: User | None, project: Project) -> Role:
    """Return a user's highest role on a project, direct or inherited from its groups."""
    if user is None:
        return Role.NONE
    direct = database.value(
        "SELECT access_level FROM members WHERE user_id = ? AND source_type = 'project' AND source_id = ?",
        (user.id, project.id),
    )
    return max(Role(direct or 0), group_role(database, user, project.namespace_id))


def is_visible(visibility: str, user: User | None, role: Role) -> bool:
    """Tell whether a user may see that a project or group of this visibility exists."""
    return visibility == "public" or role >= Role.GUEST or (visibility == "internal" and user is not None)
