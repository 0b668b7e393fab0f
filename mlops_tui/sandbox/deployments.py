"""Deployments (GitLab: lib/api/deployments.rb, app/finders/deployments_finder.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import approvals, ci_entities, environment_records, errors, internal_ids, merge_requests, users
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.delivery_access import JOB_TOKEN, may_use, open_project
from mlops_tui.sandbox.paging import PAGING, paginate, paginate_sequence
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.repository import resolve_ref
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.transitions import FINISHED_DEPLOYMENT, change_deployment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

STATUSES = ("created", "running", "success", "failed", "canceled", "skipped", "blocked")
_WRITABLE_STATUSES = ("running", "success", "failed", "canceled")
_ORDERS = ("id", "iid", "created_at", "updated_at", "finished_at")
_FILTERS = (
    optional("order_by", default="id", values=_ORDERS),
    optional("sort", default="asc", values=("asc", "desc")),
    *(optional(f"{column}_{side}", Kind.TIME) for column in ("updated", "finished") for side in ("after", "before")),
    optional("environment"),
    optional("status", values=STATUSES),
    *PAGING,
)
_EVENTS = {"running": "run", "success": "succeed", "failed": "drop", "canceled": "cancel"}


def entity(context: Context, row: Row) -> dict[str, Any]:
    """Return GitLab's Deployment; `deployable` is a whole Job."""
    database = context.database
    environment = database.one("SELECT * FROM environments WHERE id = ?", (row["environment_id"],))
    job = database.one("SELECT * FROM ci_jobs WHERE id = ?", (row["job_id"],))
    return {
        "id": row["id"],
        "iid": row["iid"],
        "ref": row["ref"],
        "sha": row["sha"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "user": users.user_basic(context, row["user_id"]),
        "environment": environment_records.basic(environment) if environment else None,
        "deployable": ci_entities.job(context, job) if job else None,
        "status": row["status"],
    }


def extended(context: Context, row: Row) -> dict[str, Any]:
    """Return GitLab's DeploymentExtended: on an enterprise build with what is known of approvals."""
    licensed = approvals.summary(context, row) if context.settings.enterprise else {}
    return {**entity(context, row), **licensed}


def find(context: Context, project: Project) -> Row:
    """Return the deployment that the path names.

    Raises:
        ApiError: 404 `404 Not found`.
    """
    row = context.database.one(
        "SELECT * FROM deployments WHERE project_id = ? AND id = ?", (project.id, context.number("deployment_id"))
    )
    if row is None:
        raise errors.record_not_found()
    return row


def last_successful(database: Database, environment_id: int) -> Row | None:
    """Return the deployment an environment runs now."""
    return database.one(
        "SELECT * FROM deployments WHERE environment_id = ? AND status = 'success' "
        "ORDER BY finished_at DESC, id DESC LIMIT 1",
        (environment_id,),
    )


async def list_deployments(context: Context) -> Response:
    """`GET /projects/:id/deployments`; the oldest first unless asked otherwise."""
    given = context.declare(*_FILTERS)
    project = open_project(context)
    _check_filters(given)
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])
    for name, condition in {
        "updated_after": "updated_at >= ?",
        "updated_before": "updated_at <= ?",
        "finished_after": "finished_at >= ?",
        "finished_before": "finished_at <= ?",
        "environment": "environment_id = (SELECT id FROM environments WHERE project_id = deployments.project_id"
        " AND name = ?)",
        "status": "status = ?",
    }.items():
        if given.get(name):
            conditions.append(condition)
            arguments.append(given[name])
    # GitLab sorts by id where asked for iid or created_at.
    column = given["order_by"] if given["order_by"] in {"updated_at", "finished_at"} else "id"
    direction = given["sort"].upper()
    select = f"SELECT * FROM deployments WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this module
    order = f"{column} {direction}, id {direction}"
    return paginate(context, select, arguments, lambda row: entity(context, row), order=order)


def _check_filters(given: Mapping[str, Any]) -> None:
    """Refuse combinations that GitLab refuses, in its order."""
    updated = any(given.get(name) for name in ("updated_after", "updated_before"))
    finished = any(given.get(name) for name in ("finished_after", "finished_before"))
    if updated and finished:
        raise errors.bad_request("Both `updated_at` filter and `finished_at` filter can not be specified")
    if updated and given["order_by"] != "updated_at":
        raise errors.bad_request("`updated_at` filter requires `updated_at` sort")
    if finished and given["order_by"] != "finished_at":
        raise errors.bad_request("`finished_at` filter requires `finished_at` sort.")
    if given["order_by"] == "finished_at" and not finished and given.get("status") not in FINISHED_DEPLOYMENT:
        raise errors.bad_request(
            "`finished_at` sort requires `finished_at` filter or a filter with at least one of the finished statuses."
        )
    if finished and given.get("status") != "success":
        raise errors.bad_request("`finished_at` filter must be combined with `success` status filter.")


async def show(context: Context) -> Response:
    """`GET /projects/:id/deployments/:deployment_id`."""
    project = open_project(context)
    return context.json(extended(context, find(context, project)))


async def create(context: Context) -> Response:
    """`POST /projects/:id/deployments`: a deployment that something other than GitLab's CI made."""
    given = context.declare(
        required("environment"),
        required("sha"),
        required("ref"),
        required("tag", Kind.BOOLEAN),
        required("status", values=_WRITABLE_STATUSES),
    )
    project = open_project(context, Role.DEVELOPER)
    now = context.timestamp()
    with context.database.transaction():
        environment = environment_records.find(context.database, project.id, given["environment"])
        if environment is None:
            complaint = environment_records.name_complaint(given["environment"])
            if complaint:
                raise errors.validation({"environment": [complaint]})
            environment_records.create(context.database, project.id, given["environment"], now)
            environment = environment_records.find(context.database, project.id, given["environment"])
        if environment is None or not may_use(context, environment):
            raise errors.forbidden()
        _check_revision(context, project, given)
        last = last_successful(context.database, environment["id"])
        wanted = (given["ref"], int(given["tag"]), given["sha"], given["status"])
        if last is not None and (last["ref"], last["tag"], last["sha"], last["status"]) == wanted:
            return context.json(extended(context, last), 201)
        user = context.authenticate()
        columns = {"ref": given["ref"], "tag": int(given["tag"]), "sha": given["sha"], "user_id": user.id}
        row = insert(context.database, environment, now, **columns, status="created", job_id=None)
        change_deployment(context.database, row, given["status"], now)
    return context.json(extended(context, _again(context, row)), 201)


def _check_revision(context: Context, project: Project, given: Mapping[str, Any]) -> None:
    sha = resolve_ref(context.database, project.id, given["sha"])
    if sha is None or sha != given["sha"]:
        raise errors.validation({"sha": ["The commit does not exist"]})
    if resolve_ref(context.database, project.id, given["ref"]) is None:
        raise errors.validation({"ref": ["The branch or tag does not exist"]})


def insert(database: Database, environment: Row, now: str, **columns: Any) -> Row:
    """Insert a deployment to an environment with the next `iid` of its project and return it."""
    project_id = environment["project_id"]
    values = {
        "iid": internal_ids.allocate(database, project_id, "deployments"),
        "project_id": project_id,
        "environment_id": environment["id"],
        "created_at": now,
        "updated_at": now,
        **columns,
    }
    row = database.one("SELECT * FROM deployments WHERE id = ?", (database.insert("deployments", values),))
    if row is None:
        raise LookupError("the deployment just made is gone")
    return row


def _again(context: Context, row: Row) -> Row:
    found = context.database.one("SELECT * FROM deployments WHERE id = ?", (row["id"],))
    return found or row


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/deployments/:deployment_id`, for deployments without a job."""
    given = context.declare(required("status", values=_WRITABLE_STATUSES))
    project = open_project(context)
    row = find(context, project)
    context.require(project, Role.DEVELOPER)
    if row["job_id"] is not None:
        raise errors.forbidden("Deployments created using GitLab CI can not be updated using the API")
    environment = context.database.one("SELECT * FROM environments WHERE id = ?", (row["environment_id"],))
    if environment is not None and not may_use(context, environment):
        raise errors.forbidden()
    status = given["status"]
    if row["status"] == status or (status == "running" and row["status"] not in {"created", "blocked"}):
        raise errors.validation({"status": [f'cannot transition via "{_EVENTS[status]}"']})
    with context.database.transaction():
        change_deployment(context.database, row, status, context.timestamp())
    return context.json(extended(context, _again(context, row)))


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/deployments/:deployment_id`; Maintainer."""
    project = open_project(context)
    row = find(context, project)
    context.require(project, Role.MAINTAINER)
    if row["status"] == "running":
        raise errors.message(400, "Cannot destroy running deployment")
    last = last_successful(context.database, row["environment_id"])
    if last is not None and last["id"] == row["id"]:
        raise errors.message(400, "Deployment currently deployed to environment")
    with context.database.transaction():
        context.database.execute("DELETE FROM deployments WHERE id = ?", (row["id"],))
    return no_content()


async def list_merge_requests(context: Context) -> Response:
    """`GET /projects/:id/deployments/:deployment_id/merge_requests`."""
    given = context.declare(optional("state", values=("opened", "closed", "locked", "merged", "all")))
    project = open_project(context)
    row = find(context, project)
    found = merge_requests.of_commit(context, project, row["sha"], given.get("state"))
    return paginate_sequence(context, found)


_DEPLOYMENTS = "/projects/{id}/deployments"
ROUTES = [
    route("GET", _DEPLOYMENTS, list_deployments, JOB_TOKEN),
    route("POST", _DEPLOYMENTS, create, JOB_TOKEN),
    route("GET", f"{_DEPLOYMENTS}/{{deployment_id}}", show, JOB_TOKEN),
    route("PUT", f"{_DEPLOYMENTS}/{{deployment_id}}", edit, JOB_TOKEN),
    route("DELETE", f"{_DEPLOYMENTS}/{{deployment_id}}", delete, JOB_TOKEN),
    route("GET", f"{_DEPLOYMENTS}/{{deployment_id}}/merge_requests", list_merge_requests, JOB_TOKEN),
]
