"""Environments and their deployments (GitLab: app/graphql/types/environment_type.rb, deployment_type.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from mlops_tui.sandbox import approvals, commits, protection, scheduler
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.graphql.connections import SqlListing
from mlops_tui.sandbox.graphql.projects import project_of
from mlops_tui.sandbox.graphql.scalars import global_id
from mlops_tui.sandbox.graphql.users import user

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

_SHORTEST_SEARCH = 3


def _readable(project: Project, operation: Operation) -> bool:
    """Bring the project up to now and tell whether the caller sees its environments."""
    scheduler.advance(operation.context.services)
    return project.visibility == "public" or operation.role(project) >= Role.REPORTER


def _environments(
    project: Project,
    operation: Operation,
    name: str | None = None,
    search: str | None = None,
    states: Sequence[str] | None = None,
    type: str | None = None,  # noqa: A002 - the argument's name
) -> SqlListing | None:
    if not _readable(project, operation):
        return None
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])
    if name:
        conditions.append("name = ?")
        arguments.append(name)
    if search:
        if len(search) < _SHORTEST_SEARCH:
            raise GraphQLError("Search query is less than 3 characters")
        conditions.append("substr(name, 1, ?) = ?")
        arguments += [len(search), search]
    if states:
        conditions.append(f"state IN ({', '.join('?' for _ in states)})")
        arguments += states
    if type:
        conditions.append("name GLOB ? || '/*'")
        arguments.append(type)
    select = f"SELECT * FROM environments WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this function
    return SqlListing(operation.database, select, tuple(arguments), descending=False)


def _environment(project: Project, operation: Operation, name: str | None = None) -> Row | None:
    if not _readable(project, operation):
        return None
    return operation.database.one("SELECT * FROM environments WHERE project_id = ? AND name = ?", (project.id, name))


def _deployment(project: Project, operation: Operation, iid: str) -> Row | None:
    if not _readable(project, operation) or not iid.isdigit():
        return None
    return operation.database.one("SELECT * FROM deployments WHERE project_id = ? AND iid = ?", (project.id, int(iid)))


def _last_deployment(environment: Row, operation: Operation, status: str) -> Row | None:
    """Return the newest deployment of a status; a finished one is the newest by when it finished."""
    if status == "SKIPPED":
        raise GraphQLError("lastDeployment is not supported for the status SKIPPED")
    finished = status in {"SUCCESS", "FAILED", "CANCELED"}
    order = "finished_at DESC, id DESC" if finished else "id DESC"
    return operation.database.one(
        f"SELECT * FROM deployments WHERE environment_id = ? AND status = ? ORDER BY {order} LIMIT 1",  # noqa: S608 - literals
        (environment["id"], status.lower()),
    )


def _deployments(
    environment: Row,
    operation: Operation,
    statuses: Sequence[str] | None = None,
    order_by: Mapping[str, str] | None = None,
) -> SqlListing:
    condition, arguments = "", [environment["id"]]
    if statuses:
        condition = f" AND status IN ({', '.join('?' for _ in statuses)})"
        arguments += [status.lower() for status in statuses]
    order = dict(order_by or {})
    if len(order) > 1:
        raise GraphQLError("orderBy parameter must contain one key-value pair.")
    if "finished_at" in order:
        condition += " AND finished_at IS NOT NULL"
    column, direction = next(iter(order.items()), ("id", "ASC"))
    select = f"SELECT * FROM deployments WHERE environment_id = ?{condition}"  # noqa: S608 - literals of this function
    return SqlListing(
        operation.database,
        select,
        tuple(arguments),
        column="finished_at" if column == "finished_at" else "id",
        descending=direction == "DESC",
    )


def _display_count(environment: Row, operation: Operation) -> str:
    count = operation.database.value("SELECT count(*) FROM deployments WHERE environment_id = ?", (environment["id"],))
    return str(count) if count < 1000 else "999+"


def _permissions(environment: Row, operation: Operation) -> dict[str, bool]:
    allowed = operation.user is not None and _may_change(environment, operation)
    names = ("updateEnvironment", "destroyEnvironment", "stopEnvironment")
    return dict.fromkeys(names, allowed)


def _may_change(environment: Row, operation: Operation) -> bool:
    services = operation.context.services
    if operation.user is None or operation.role(project_of(operation, environment)) < Role.DEVELOPER:
        return False
    return protection.may_deploy(services, operation.user.id, environment)


def _deployment_permissions(deployment: Row, operation: Operation) -> dict[str, bool]:
    role = operation.role(project_of(operation, deployment))
    return {
        "updateDeployment": role >= Role.DEVELOPER,
        "destroyDeployment": role >= Role.MAINTAINER,
        "approveDeployment": approvals.may_decide(operation.context.services, deployment, operation.user),
    }


def commit(operation: Operation, project: Project, sha: str) -> dict[str, Any] | None:
    """Return a commit as the resolvers of its fields expect it, or None."""
    found = commits.reference(operation.context, project, sha)
    if found is None:
        return None
    return {
        **found,
        "id": f"gid://gitlab/CommitPresenter/{found['id']}",
        "sha": found["id"],
        "web_path": operation.web_path(project, f"commit/{found['id']}"),
    }


def _commit(deployment: Row, operation: Operation) -> dict[str, Any] | None:
    return commit(operation, project_of(operation, deployment), deployment["sha"])


def _job(deployment: Row, operation: Operation) -> Row | None:
    return operation.database.one("SELECT * FROM ci_jobs WHERE id = ?", (deployment["job_id"],))


def _triggerer(deployment: Row, operation: Operation) -> dict[str, Any] | None:
    """Return the user of the job, who is not always the one of the deployment."""
    job = _job(deployment, operation)
    return user(operation, job["user_id"] if job else deployment["user_id"])


def _web_path(deployment: Row, operation: Operation) -> str:
    page = f"environments/{deployment['environment_id']}/deployments/{deployment['iid']}"
    return operation.web_path(project_of(operation, deployment), page)


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Project": {"environments": _environments, "environment": _environment, "deployment": _deployment},
    "Environment": {
        "id": lambda row, _operation: global_id("Environment", row["id"]),
        "path": lambda row, operation: operation.web_path(project_of(operation, row), f"environments/{row['id']}"),
        "tier": lambda row, _operation: row["tier"].upper(),
        "autoStopSetting": lambda row, _operation: row["auto_stop_setting"].upper(),
        "environmentType": lambda row, _operation: row["name"].partition("/")[0] if "/" in row["name"] else None,
        "deploymentsDisplayCount": _display_count,
        "lastDeployment": _last_deployment,
        "deployments": _deployments,
        "userPermissions": _permissions,
    },
    "Deployment": {
        "id": lambda row, _operation: global_id("Deployment", row["id"]),
        "iid": lambda row, _operation: str(row["iid"]),
        "tag": lambda row, _operation: bool(row["tag"]),
        "status": lambda row, _operation: row["status"].upper(),
        "refPath": lambda row, operation: operation.web_path(project_of(operation, row), f"tree/{row['ref']}"),
        "commit": _commit,
        "job": _job,
        "triggerer": _triggerer,
        "webPath": _web_path,
        "userPermissions": _deployment_permissions,
    },
}
CALL_LIMITS = {"Project.environments": 1, "Environment.deployments": 1}
GLOBAL_IDS = {"EnvironmentID": "Environment", "DeploymentID": "Deployment"}
