"""Projects, and the roots of every query (GitLab: app/graphql/types/query_type.rb, project_type.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.access import Project, Role, find_project, is_visible
from mlops_tui.sandbox.graphql.operations import not_available
from mlops_tui.sandbox.graphql.scalars import global_id
from mlops_tui.sandbox.metadata import REVISION
from mlops_tui.sandbox.mlflow import may_write

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlops_tui.sandbox.graphql.operations import Operation, Resolver


def visible_project(operation: Operation, reference: str | int) -> Project | None:
    """Return a project by full path or id when the caller may see it."""
    project = find_project(operation.database, str(reference))
    if project is None or not is_visible(project.visibility, operation.user, operation.role(project)):
        return None
    return project


def project_of(operation: Operation, row: Any) -> Project:
    """Return the project of a record that the caller was already allowed to see.

    Raises:
        GraphQLError: when it is gone.
    """
    project = find_project(operation.database, str(row["project_id"]))
    if project is None:
        raise not_available()
    return project


def writable_project(operation: Operation, reference: str | int) -> Project:
    """Return the project whose model registry a mutation wants to change.

    Raises:
        GraphQLError: when it is missing, not visible, or the caller or the token may not write.
    """
    project = visible_project(operation, reference)
    allowed = project is not None and may_write(project, operation.role(project), "model_registry")
    if project is None or not allowed or not operation.may_mutate():
        raise not_available()
    return project


def _project(_parent: None, operation: Operation, full_path: str) -> Project | None:
    """Find a project by its full path; a number is a path, too."""
    project = visible_project(operation, full_path)
    return project if project is not None and project.full_path.lower() == full_path.lower() else None


def _max_access_level(project: Project, operation: Operation) -> dict[str, Any]:
    role = operation.role(project)
    return {"integerValue": int(role), "stringValue": "NO_ACCESS" if role is Role.NONE else role.name}


def _attribute(name: str) -> Callable[[Project, Operation], Any]:
    return lambda project, _operation: getattr(project, name)


def _echo(_parent: None, operation: Operation, text: str) -> str:
    return f'"{operation.user.username if operation.user else "nil"}" says: {text}'


def _metadata(_parent: None, operation: Operation) -> dict[str, Any]:
    settings = operation.context.settings
    return {"version": settings.version, "revision": REVISION, "enterprise": settings.enterprise}


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Query": {
        "echo": _echo,
        "metadata": _metadata,
        "project": _project,
        "queryComplexity": lambda _parent, operation: {"score": operation.score, "limit": operation.limit},
    },
    "Project": {
        "id": lambda project, _operation: global_id("Project", project.id),
        "fullPath": _attribute("full_path"),
        "webUrl": lambda project, operation: operation.context.url(f"/{project.full_path}"),
        "maxAccessLevel": _max_access_level,
    },
}
GLOBAL_IDS = {"ProjectID": "Project"}
