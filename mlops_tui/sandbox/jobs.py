"""CI jobs (GitLab: lib/api/ci/jobs.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from mlops_tui.sandbox import ci_entities, errors, job_actions
from mlops_tui.sandbox.access import Project, find_project, project_role
from mlops_tui.sandbox.authentication import Policy, find_user, issue_job_token
from mlops_tui.sandbox.delivery_access import open_pipeline_project
from mlops_tui.sandbox.logs import trace
from mlops_tui.sandbox.paging import PAGING, Key, paginate, paginate_keyset, wants_keyset
from mlops_tui.sandbox.parameters import Kind, Parameter, optional, required
from mlops_tui.sandbox.routing import hook, route
from mlops_tui.sandbox.statuses import JOB_STATUSES
from mlops_tui.sandbox.users import user_basic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_SCOPES = ("ai_workflows", "api", "read_api")
# GitLab names all scopes of a route in its refusals, whatever the verb.
_SIGNED_IN = Policy(scopes=_SCOPES, authenticated=True)
_LIST = Policy(scopes=_SCOPES, authenticated=True, job_token=True, limiter="jobs_index")
_VARIABLES = optional("job_variables_attributes", Kind.HASHES, children=(required("key"), required("value")))


def scope_parameter(context: Context) -> Parameter:
    """Declare `scope`, which is one job status or a list of them."""
    several = isinstance(context.params.get("scope"), list)
    return optional("scope", Kind.TEXTS if several else Kind.TEXT, values=JOB_STATUSES)


def with_scope(given: Mapping[str, Any], conditions: list[str], arguments: list[Any]) -> None:
    """Add the condition of a given `scope`."""
    scope = given.get("scope")
    if not scope:
        return
    wanted = scope if isinstance(scope, list) else [scope]
    conditions.append(f"status IN ({', '.join('?' for _ in wanted)})")
    arguments += wanted


def find(context: Context, project: Project) -> Row:
    """Return the job that the path names.

    Raises:
        ApiError: 404 `404 Not found`.
    """
    row = context.database.one(
        "SELECT * FROM ci_jobs WHERE project_id = ? AND id = ?", (project.id, context.number("job_id"))
    )
    if row is None:
        raise errors.record_not_found()
    return row


async def list_jobs(context: Context) -> Response:
    """`GET /projects/:id/jobs`: the newest first, never with totals."""
    given = context.declare(scope_parameter(context), optional("ref"), *PAGING)
    project = open_pipeline_project(context)
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])
    with_scope(given, conditions, arguments)
    if given.get("ref"):
        conditions.append("pipeline_id IN (SELECT id FROM ci_pipelines WHERE project_id = ? AND ref = ?)")
        arguments += [project.id, given["ref"]]
    select = f"SELECT * FROM ci_jobs WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this module

    def render(row: Row) -> dict[str, Any]:
        return ci_entities.job(context, row)

    if wants_keyset(context):
        return paginate_keyset(context, select, arguments, render, key=Key(cursor=True))
    return paginate(context, select, arguments, render, order="id DESC", without_count=True)


async def show(context: Context) -> Response:
    """`GET /projects/:id/jobs/:job_id`."""
    project = open_pipeline_project(context)
    return context.json(ci_entities.job(context, find(context, project)))


async def show_trace(context: Context) -> Response:
    """`GET /projects/:id/jobs/:job_id/trace`: always the whole log; a Range is not looked at."""
    project = open_pipeline_project(context)
    row = find(context, project)
    headers = {"Content-Type": "text/plain", "Content-Disposition": f'infile; filename="{row["id"]}.log"'}
    return Response(trace(row, context.now()), headers=headers)


async def play(context: Context) -> Response:
    """`POST /projects/:id/jobs/:job_id/play`; `job_inputs` are accepted and ignored, as their feature is off."""
    given = context.declare(_VARIABLES, optional("job_inputs", Kind.HASH))
    project = open_pipeline_project(context)
    variables = {entry["key"]: entry["value"] for entry in given.get("job_variables_attributes") or ()}
    row = job_actions.play(context, project, find(context, project), variables)
    return context.json(ci_entities.job(context, row))


async def retry(context: Context) -> Response:
    """`POST /projects/:id/jobs/:job_id/retry`: answers the new job."""
    given = context.declare(optional("inputs", Kind.HASH))
    project = open_pipeline_project(context)
    row = find(context, project)
    if given.get("inputs"):
        raise errors.forbidden("The inputs parameter is not available")
    return context.json(ci_entities.job(context, job_actions.retry(context, project, row)), 201)


async def cancel(context: Context) -> Response:
    """`POST /projects/:id/jobs/:job_id/cancel`."""
    given = context.declare(optional("force", Kind.BOOLEAN, default=False))
    project = open_pipeline_project(context)
    row = job_actions.cancel(context, project, find(context, project), force=given["force"])
    return context.json(ci_entities.job(context, row), 201)


async def erase(context: Context) -> Response:
    """`POST /projects/:id/jobs/:job_id/erase`."""
    project = open_pipeline_project(context)
    row = job_actions.erase(context, project, find(context, project))
    return context.json(ci_entities.job(context, row), 201)


def _own_job(context: Context) -> Row:
    """Return the job whose token the caller has.

    Raises:
        ApiError: 401 for an anonymous caller, 404 for any other token.
    """
    context.authenticate()
    job_id = context.job.job_id if context.job else None
    row = context.database.one("SELECT * FROM ci_jobs WHERE id = ?", (job_id,))
    if row is None:
        raise errors.not_found("Job")
    return row


async def show_own(context: Context) -> Response:
    """`GET /job`, for job tokens only."""
    return context.json(ci_entities.job(context, _own_job(context)))


async def show_agents(context: Context) -> Response:
    """`GET /job/allowed_agents`, for job tokens only."""
    row = _own_job(context)
    project = find_project(context.database, str(row["project_id"]))
    user = find_user(context.database, row["user_id"])
    role = project_role(context.database, user, project) if project else 0
    content: dict[str, Any] = {
        "allowed_agents": [],
        "job": {"id": row["id"]},
        "pipeline": {"id": row["pipeline_id"]},
        "project": {"id": row["project_id"], "groups": [{"id": project.namespace_id}] if project else []},
        "user": {**(user_basic(context, row["user_id"]) or {}), "roles_in_project": _roles(int(role))},
    }
    environment = context.database.one("SELECT * FROM environments WHERE id = ?", (row["environment_id"],))
    if environment is not None:
        content["environment"] = {"tier": environment["tier"], "slug": environment["slug"]}
    return context.json(content)


def _roles(level: int) -> list[str]:
    names = ((10, "guest"), (20, "reporter"), (30, "developer"), (40, "maintainer"), (50, "owner"))
    return [name for needed, name in names if level >= needed]


async def fail_next(context: Context) -> Response:
    """`POST /-/sandbox/job_faults`: the next job of `project` whose name fits the glob `job` fails with `message`."""
    given = context.declare(
        required("project"),
        required("job"),
        optional("message", default="ERROR: the sandbox was asked to let this job fail"),
        optional("exit_code", Kind.INTEGER, default=1, minimum=1),
    )
    project = find_project(context.database, given["project"])
    if project is None:
        raise errors.not_found("Project")
    values = {"job_name": given["job"], "message": given["message"], "exit_code": given["exit_code"]}
    context.database.insert("ci_job_faults", {"project_id": project.id, **values})
    return context.json(values, 201)


async def hand_out_token(context: Context) -> Response:
    """`POST /-/sandbox/jobs/:job_id/token`: what a running job would find in `CI_JOB_TOKEN`."""
    row = context.database.one("SELECT * FROM ci_jobs WHERE id = ?", (context.number("job_id"),))
    if row is None or row["status"] != "running":
        raise errors.not_found("Job")
    token = issue_job_token(context.database, row["id"], row["project_id"], row["user_id"])
    return context.json({"token": token}, 201)


_ONE = "/projects/{id}/jobs/{job_id}"
ROUTES = [
    route("GET", "/projects/{id}/jobs", list_jobs, _LIST),
    route("GET", _ONE, show, _SIGNED_IN),
    route("GET", f"{_ONE}/trace", show_trace, _SIGNED_IN),
    route("POST", f"{_ONE}/play", play, _SIGNED_IN),
    route("POST", f"{_ONE}/retry", retry, _SIGNED_IN),
    route("POST", f"{_ONE}/cancel", cancel, _SIGNED_IN),
    route("POST", f"{_ONE}/erase", erase, _SIGNED_IN),
    route("GET", "/job", show_own, Policy(job_token=True)),
    route("GET", "/job/allowed_agents", show_agents, Policy(job_token=True)),
    hook("POST", "/job_faults", fail_next),
    hook("POST", "/jobs/{job_id}/token", hand_out_token),
]
