"""Commits (GitLab: lib/api/commits.rb, lib/api/entities/commit_detail.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.paging import paginate, paginate_sequence
from mlops_tui.sandbox.parameters import Kind, optional
from mlops_tui.sandbox.repository import commit_row, parents, resolve_ref
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_JOB = Policy(job_token=True)
_ANCESTRY = (
    "WITH RECURSIVE history (sha) AS (SELECT ? UNION SELECT p.parent_sha FROM commit_parents p"
    " JOIN history h ON p.sha = h.sha WHERE p.project_id = ? {first}) SELECT c.* FROM commits c"
    " WHERE c.project_id = ? AND c.sha IN (SELECT sha FROM history)"
)


def readable_project(context: Context) -> Project:
    """Return the project if the caller may read its code: anyone on public ones, Reporter on private ones.

    Raises:
        ApiError: 404 when not visible, 403 without the right.
    """
    project = context.project()
    if project.visibility == "private":
        context.require(project, Role.REPORTER)
    return project


def basic(context: Context, project: Project, row: Row) -> dict[str, Any]:
    """Return GitLab's Commit."""
    sha, message = row["sha"], row["message"]
    at = row["committed_at"].replace("Z", "+00:00")
    return {
        "id": sha,
        "short_id": sha[:8],
        "created_at": at,
        "parent_ids": parents(context.database, project.id, sha),
        "title": message.split("\n", 1)[0],
        "message": message,
        "author_name": row["author_name"],
        "author_email": row["author_email"],
        "authored_date": at,
        "committer_name": row["author_name"],
        "committer_email": row["author_email"],
        "committed_date": at,
        "trailers": {},
        "extended_trailers": {},
        "web_url": context.url(f"/{project.full_path}/-/commit/{sha}"),
    }


def reference(context: Context, project: Project, ref: str) -> dict[str, Any] | None:
    """Return GitLab's Commit of a ref, or None when it is unknown."""
    sha = resolve_ref(context.database, project.id, ref)
    row = context.database.one("SELECT * FROM commits WHERE project_id = ? AND sha = ?", (project.id, sha))
    return basic(context, project, row) if row else None


def _stats(row: Row) -> dict[str, int]:
    added, deleted = row["additions"], row["deletions"]
    return {"additions": added, "deletions": deleted, "total": added + deleted}


def _last_pipeline(context: Context, project: Project, sha: str) -> dict[str, Any] | None:
    """Return GitLab's PipelineBasic of the newest pipeline for a commit, whatever its ref."""
    row = context.database.one(
        "SELECT id, iid, sha, ref, status, source, created_at, updated_at, name FROM ci_pipelines"
        " WHERE project_id = ? AND sha = ? ORDER BY id DESC",
        (project.id, sha),
    )
    if row is None:
        return None
    web_url = context.url(f"/{project.full_path}/-/pipelines/{row['id']}")
    return {**dict(row), "project_id": project.id, "web_url": web_url}


async def list_commits(context: Context) -> Response:
    """`GET /projects/:id/repository/commits`; never with totals."""
    given = context.declare(
        optional("ref_name"),
        optional("since", Kind.TIME),
        optional("until", Kind.TIME),
        optional("path"),
        optional("author"),
        optional("all", Kind.BOOLEAN),
        optional("with_stats", Kind.BOOLEAN),
        optional("first_parent", Kind.BOOLEAN),
        optional("order", default="default", values=("default", "topo")),
        optional("trailers", Kind.BOOLEAN),
    )
    project = readable_project(context)
    select, arguments = _history(context, project, given)
    conditions = [select]
    for name, condition in {
        "since": "c.committed_at >= ?",
        "until": "c.committed_at <= ?",
        "author": "instr(lower(c.author_name || ' <' || c.author_email || '>'), lower(?))",
        "path": "EXISTS (SELECT 1 FROM tree_entries t WHERE t.project_id = c.project_id AND t.sha = c.sha"
        " AND t.last_commit_sha = c.sha AND (t.path = ? OR t.path GLOB ? || '/*'))",
    }.items():
        if given.get(name):
            conditions.append(condition)
            arguments += [given[name]] * condition.count("?")

    def render(row: Row) -> dict[str, Any]:
        stats = {"stats": _stats(row)} if given.get("with_stats") else {}
        return {**basic(context, project, row), **stats}

    statement = " AND ".join(conditions)
    order = "c.committed_at DESC, c.rowid DESC"
    return paginate(context, statement, arguments, render, order=order, without_count=True)


def _history(context: Context, project: Project, given: dict[str, Any]) -> tuple[str, list[Any]]:
    if given.get("all"):
        return "SELECT c.* FROM commits c WHERE c.project_id = ?", [project.id]
    ref = given.get("ref_name")
    sha = resolve_ref(context.database, project.id, ref or project.default_branch)
    if sha is None and ref:
        raise errors.parameter("ref_name is invalid")
    first = "AND p.position = 0" if given.get("first_parent") else ""
    return _ANCESTRY.format(first=first), [sha, project.id, project.id]


async def show(context: Context) -> Response:
    """`GET /projects/:id/repository/commits/:sha`; a branch or tag name works as well."""
    given = context.declare(optional("stats", Kind.BOOLEAN, default=True))
    project = readable_project(context)
    row = commit_row(context.database, project.id, context.path["sha"])
    pipeline = _last_pipeline(context, project, row["sha"])
    detail = {
        **basic(context, project, row),
        **({"stats": _stats(row)} if given["stats"] else {}),
        "status": pipeline["status"] if pipeline else None,
        "project_id": project.id,
        "last_pipeline": pipeline,
    }
    return context.json(detail)


async def list_refs(context: Context) -> Response:
    """`GET /projects/:id/repository/commits/:sha/refs`: the branches and tags that contain a commit."""
    given = context.declare(optional("type", default="all", values=("branch", "tag", "all")))
    project = readable_project(context)
    sha = commit_row(context.database, project.id, context.path["sha"])["sha"]
    found = []
    for kind, table in (("branch", "branches"), ("tag", "repository_tags")):
        if given["type"] not in ("all", kind):
            continue
        for row in context.database.all(f"SELECT * FROM {table} WHERE project_id = ?", (project.id,)):  # noqa: S608
            history = context.database.all(_ANCESTRY.format(first=""), (row["sha"], project.id, project.id))
            if sha in {commit["sha"] for commit in history}:
                found.append({"type": kind, "name": row["name"]})
    return paginate_sequence(context, found)


_COMMITS = "/projects/{id}/repository/commits"
ROUTES = [
    route("GET", _COMMITS, list_commits),
    route("GET", f"{_COMMITS}/{{sha}}", show, _JOB),
    route("GET", f"{_COMMITS}/{{sha}}/refs", list_refs),
]
