"""CI pipelines (GitLab: lib/api/ci/pipelines.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import ci_entities, errors, job_actions, jobs, pipeline_creation, scheduler
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.delivery_access import open_pipeline_project, open_project, require_job
from mlops_tui.sandbox.paging import PAGING, paginate, paginate_sequence
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.statuses import CANCELABLE, JOB_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

SOURCES = (
    "push", "web", "trigger", "schedule", "api", "external", "pipeline", "chat", "webide", "merge_request_event",
    "external_pull_request_event", "parent_pipeline", "ondemand_dast_scan", "ondemand_dast_validation",
    "security_orchestration_policy", "container_registry_push", "duo_workflow",
)  # fmt: skip
_SCOPES = ("ai_workflows", "api", "read_api")
_READ = Policy(scopes=_SCOPES)
_JOB = Policy(scopes=_SCOPES, job_token=True)
_WRITE = Policy(scopes=_SCOPES, authenticated=True)
_FILTERS = (
    optional("scope", values=("running", "pending", "finished", "branches", "tags")),
    optional("status", values=JOB_STATUSES),
    optional("source", values=SOURCES),
    optional("ref"),
    optional("sha"),
    optional("name"),
    optional("username"),
    optional("yaml_errors", Kind.BOOLEAN),
    *(optional(f"{column}_{side}", Kind.TIME) for column in ("updated", "created") for side in ("before", "after")),
    optional("order_by", default="id", values=("id", "status", "ref", "updated_at", "user_id")),
    optional("sort", default="desc", values=("asc", "desc")),
    *PAGING,
)
SCOPE_CONDITIONS = {
    "running": "status = 'running'",
    "pending": "status = 'pending'",
    "finished": "status IN ('success', 'failed', 'canceled')",
    "branches": "NOT tag AND id IN (SELECT max(id) FROM ci_pipelines GROUP BY project_id, ref, tag)",
    "tags": "tag AND id IN (SELECT max(id) FROM ci_pipelines GROUP BY project_id, ref, tag)",
}
_CONDITIONS = {
    "status": "status = ?",
    "source": "source = ?",
    "ref": "ref = ?",
    "sha": "sha = ?",
    "name": "name = ?",
    "username": "user_id = (SELECT id FROM users WHERE username = ?)",
    "updated_before": "updated_at <= ?",
    "updated_after": "updated_at >= ?",
    "created_before": "created_at <= ?",
    "created_after": "created_at >= ?",
}
_VARIABLE = (required("key"), required("value"), optional("variable_type", values=("env_var", "file")))


def find(context: Context, project: Project) -> Row:
    """Return the pipeline that the path names.

    Raises:
        ApiError: 404 `404 Not found`.
    """
    return _load(context, project, context.number("pipeline_id"))


def _load(context: Context, project: Project, pipeline_id: int) -> Row:
    row = context.database.one("SELECT * FROM ci_pipelines WHERE project_id = ? AND id = ?", (project.id, pipeline_id))
    if row is None:
        raise errors.record_not_found()
    return row


def _named(context: Context, row: Row) -> dict[str, Any]:
    return {**ci_entities.pipeline_full(context, row), "name": row["name"]}


async def list_pipelines(context: Context) -> Response:
    """`GET /projects/:id/pipelines`: the newest first."""
    given = context.declare(*_FILTERS)
    project = open_pipeline_project(context)
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])
    if given.get("scope"):
        conditions.append(SCOPE_CONDITIONS[given["scope"]])
    if given.get("yaml_errors"):
        conditions.append("0")
    for name, condition in _CONDITIONS.items():
        if given.get(name):
            conditions.append(condition)
            arguments.append(given[name])
    select = f"SELECT * FROM ci_pipelines WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this module
    order = f"{given['order_by']} {given['sort'].upper()}, id {given['sort'].upper()}"

    def render(row: Row) -> dict[str, Any]:
        return {**ci_entities.pipeline_basic(context, row), "name": row["name"]}

    return paginate(context, select, arguments, render, order=order)


async def show(context: Context) -> Response:
    """`GET /projects/:id/pipelines/:pipeline_id`."""
    project = open_pipeline_project(context)
    return context.json(_named(context, find(context, project)))


async def show_latest(context: Context) -> Response:
    """`GET /projects/:id/pipelines/latest`: of the newest commit of a ref; 403 when it has none."""
    given = context.declare(optional("ref"))
    project = open_pipeline_project(context)
    ref = given.get("ref") or project.default_branch
    revision = pipeline_creation.find_revision(context.database, project.id, ref)
    row = context.database.one(
        "SELECT * FROM ci_pipelines WHERE project_id = ? AND ref = ? AND sha = ? ORDER BY id DESC LIMIT 1",
        (project.id, ref, revision.sha if revision else None),
    )
    if row is None:
        raise errors.forbidden()
    return context.json(_named(context, row))


async def create(context: Context) -> Response:
    """`POST /projects/:id/pipeline`; the answer has no `name`."""
    given = context.declare(
        required("ref", blank=False),
        optional("variables", Kind.HASHES, children=_VARIABLE),
        optional("inputs", Kind.HASH),
    )
    project = open_project(context)
    row = pipeline_creation.create(
        context, project, given["ref"], given.get("inputs") or {}, given.get("variables") or ()
    )
    return context.json(ci_entities.pipeline_full(context, row), 201)


async def retry(context: Context) -> Response:
    """`POST /projects/:id/pipelines/:pipeline_id/retry`."""
    project = open_pipeline_project(context)
    row = find(context, project)
    context.require(project, Role.DEVELOPER)
    job_actions.retry_pipeline(context, project, row)
    return context.json(_named(context, _load(context, project, row["id"])), 201)


async def cancel(context: Context) -> Response:
    """`POST /projects/:id/pipelines/:pipeline_id/cancel`: 200 in any case."""
    project = open_pipeline_project(context)
    row = find(context, project)
    context.require(project, Role.DEVELOPER)
    for job in context.database.all(
        "SELECT * FROM ci_jobs WHERE pipeline_id = ? AND retried = 0 AND environment_id IS NOT NULL", (row["id"],)
    ):
        if job["status"] in CANCELABLE:
            require_job(context, project, job)
    with context.database.transaction():
        scheduler.cancel_pipeline(context.services, row["id"], context.timestamp())
    return context.json(_named(context, _load(context, project, row["id"])))


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/pipelines/:pipeline_id`; Owner."""
    project = open_pipeline_project(context)
    row = find(context, project)
    context.require(project, Role.OWNER)
    with context.database.transaction():
        context.database.execute("DELETE FROM ci_pipelines WHERE id = ?", (row["id"],))
    return no_content()


async def edit_metadata(context: Context) -> Response:
    """`PUT /projects/:id/pipelines/:pipeline_id/metadata`: sets the name."""
    given = context.declare(required("name"))
    project = open_pipeline_project(context)
    row = find(context, project)
    context.require(project, Role.DEVELOPER)
    if len(given["name"] or "") > 255:
        raise errors.message(400, "Failed to update pipeline - Name is too long (maximum is 255 characters)")
    context.database.update("ci_pipelines", row["id"], {"name": given["name"], "updated_at": context.timestamp()})
    return context.json(_named(context, _load(context, project, row["id"])))


async def list_variables(context: Context) -> Response:
    """`GET /projects/:id/pipelines/:pipeline_id/variables`: not paginated."""
    project = open_pipeline_project(context)
    row = find(context, project)
    user = context.authenticate()
    own = row["user_id"] == user.id
    context.require(project, Role.DEVELOPER if own else Role.MAINTAINER)
    rows = context.database.all("SELECT * FROM ci_pipeline_variables WHERE pipeline_id = ? ORDER BY id", (row["id"],))
    return context.json(
        [
            {"variable_type": one["variable_type"], "key": one["key"], "value": one["value"], "raw": False}
            for one in rows
        ]
    )


async def list_jobs(context: Context) -> Response:
    """`GET /projects/:id/pipelines/:pipeline_id/jobs`, with totals."""
    given = context.declare(
        jobs.scope_parameter(context), optional("include_retried", Kind.BOOLEAN, default=False), *PAGING
    )
    project = open_pipeline_project(context)
    conditions, arguments = ["pipeline_id = ?"], list[Any]([find(context, project)["id"]])
    jobs.with_scope(given, conditions, arguments)
    if not given["include_retried"]:
        conditions.append("NOT retried")
    select = f"SELECT * FROM ci_jobs WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this module
    return paginate(context, select, arguments, lambda row: ci_entities.job(context, row), order="id DESC")


async def list_bridges(context: Context) -> Response:
    """`GET /projects/:id/pipelines/:pipeline_id/bridges`: always empty, as nothing triggers other projects here."""
    context.declare(jobs.scope_parameter(context))
    find(context, open_pipeline_project(context))
    return paginate_sequence(context, [])


async def show_test_report(context: Context) -> Response:
    """`GET /projects/:id/pipelines/:pipeline_id/test_report`: empty, as jobs write no reports here."""
    find(context, open_pipeline_project(context))
    counts: Mapping[str, int] = dict.fromkeys(
        ("total_time", "total_count", "success_count", "failed_count", "skipped_count", "error_count"), 0
    )
    return context.json({**counts, "test_suites": []})


async def show_test_report_summary(context: Context) -> Response:
    """`GET /projects/:id/pipelines/:pipeline_id/test_report_summary`: empty."""
    find(context, open_pipeline_project(context))
    counts: dict[str, Any] = dict.fromkeys(("time", "count", "success", "failed", "skipped", "error"), 0)
    return context.json({"total": {**counts, "suite_error": None}, "test_suites": []})


_PIPELINES = "/projects/{id}/pipelines"
_ONE = f"{_PIPELINES}/{{pipeline_id}}"
ROUTES = [
    route("POST", "/projects/{id}/pipeline", create, _WRITE),
    route("GET", _PIPELINES, list_pipelines, _JOB),
    route("GET", f"{_PIPELINES}/latest", show_latest, _READ),
    route("GET", _ONE, show, _JOB),
    route("DELETE", _ONE, delete, _WRITE),
    route("POST", f"{_ONE}/retry", retry, _WRITE),
    route("POST", f"{_ONE}/cancel", cancel, _WRITE),
    route("PUT", f"{_ONE}/metadata", edit_metadata, Policy(scopes=_SCOPES, authenticated=True, job_token=True)),
    route("GET", f"{_ONE}/variables", list_variables, _READ),
    route("GET", f"{_ONE}/jobs", list_jobs, _JOB),
    route("GET", f"{_ONE}/bridges", list_bridges, _JOB),
    route("GET", f"{_ONE}/test_report", show_test_report, _READ),
    route("GET", f"{_ONE}/test_report_summary", show_test_report_summary, _READ),
]
