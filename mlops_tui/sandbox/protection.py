"""Who may deploy to a protected environment, and whose approval it needs.

GitLab: ee/app/models/protected_environment.rb, ee/app/models/protected_environments/authorizable.rb. Without a
Premium licence protections are kept but have no effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.access import Project, Role, group_ancestry, group_role, project_role
from mlops_tui.sandbox.authentication import find_user

if TYPE_CHECKING:
    from mlops_tui.sandbox.authentication import User
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Services


def protections(services: Services, environment: Row) -> list[Row]:
    """Return everything that protects an environment: by its name in the project, by its tier in the groups above."""
    if not services.settings.premium:
        return []
    database = services.database
    namespace = database.value("SELECT namespace_id FROM projects WHERE id = ?", (environment["project_id"],))
    groups = group_ancestry(database, namespace)
    marks = ", ".join("?" for _ in groups)
    return database.all(
        "SELECT * FROM protected_environments WHERE (project_id = ? AND name = ?) "  # noqa: S608 - only marks
        f"OR (name = ? AND group_id IN ({marks})) ORDER BY id",
        (environment["project_id"], environment["name"], environment["tier"], *groups),
    )


def approval_rules(services: Services, environment: Row) -> list[Row]:
    """Return the approval rules of everything that protects an environment."""
    return [
        rule
        for protection in protections(services, environment)
        for rule in services.database.all(
            "SELECT * FROM approval_rules WHERE protected_environment_id = ? ORDER BY id", (protection["id"],)
        )
    ]


def may_deploy(services: Services, user_id: int, environment: Row) -> bool:
    """Tell whether a user passes every protection of an environment; an administrator always does."""
    user = find_user(services.database, user_id)
    if user is None:
        return False
    project = find_environment_project(services.database, environment)
    for protection in protections(services, environment):
        entries = services.database.all(
            "SELECT * FROM deploy_access_levels WHERE protected_environment_id = ?", (protection["id"],)
        )
        if not user.admin and not any(admits(services.database, entry, user, project) for entry in entries):
            return False
    return True


def find_environment_project(database: Database, environment: Row) -> Project:
    """Return the project of an environment."""
    row = database.one("SELECT * FROM projects WHERE id = ?", (environment["project_id"],))
    if row is None:
        raise LookupError(f"no project {environment['project_id']}")
    return Project.from_row(row)


def admits(database: Database, entry: Row, user: User, project: Project) -> bool:
    """Tell whether a deploy access level or an approval rule admits a user."""
    if user.admin:
        return True
    if entry["user_id"] is not None:
        return bool(entry["user_id"] == user.id)
    if entry["group_id"] is None:
        return project_role(database, user, project) >= Role(entry["access_level"])
    if entry["group_inheritance_type"]:
        return group_role(database, user, entry["group_id"]) > Role.NONE
    member = "SELECT 1 FROM members WHERE source_type = 'group' AND source_id = ? AND user_id = ?"
    return database.value(member, (entry["group_id"], user.id)) is not None


def entry_name(database: Database, entry: Row) -> str | None:
    """Return how GitLab calls a deploy access level or an approval rule; None for roles without a name."""
    if entry["user_id"] is not None:
        name = database.value("SELECT name FROM users WHERE id = ?", (entry["user_id"],))
        return str(name)
    if entry["group_id"] is not None:
        return str(database.value("SELECT name FROM namespaces WHERE id = ?", (entry["group_id"],)))
    return {30: "Developers + Maintainers", 40: "Maintainers"}.get(entry["access_level"])


def level_entity(database: Database, entry: Row) -> dict[str, Any]:
    """Return GitLab's deploy access level."""
    return {
        "id": entry["id"],
        "access_level": entry["access_level"],
        "access_level_description": entry_name(database, entry),
        "user_id": entry["user_id"],
        "group_id": entry["group_id"],
        "group_inheritance_type": entry["group_inheritance_type"],
    }


def rule_entity(database: Database, rule: Row) -> dict[str, Any]:
    """Return GitLab's approval rule of a protected environment."""
    return {
        "id": rule["id"],
        "user_id": rule["user_id"],
        "group_id": rule["group_id"],
        "access_level": rule["access_level"],
        "access_level_description": entry_name(database, rule),
        "required_approvals": rule["required_approvals"],
        "group_inheritance_type": rule["group_inheritance_type"],
    }
