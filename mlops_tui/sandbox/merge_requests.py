"""Merge requests (GitLab: lib/api/merge_requests.rb, lib/api/entities/merge_request_basic.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import commits, issuables
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.issuables import MERGE_REQUEST, Issuable
from mlops_tui.sandbox.paging import paginate, paginate_sequence
from mlops_tui.sandbox.parameters import Kind, optional
from mlops_tui.sandbox.repository import commit_row
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.users import user_basic

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_READ = Policy(job_token=True)
_STATES = ("opened", "closed", "locked", "merged", "all")
_FILTERS = (
    optional("state", default="all", values=_STATES),
    optional("order_by", default="created_at", values=("created_at", "updated_at", "merged_at", "title")),
    optional("sort", default="desc", values=("asc", "desc")),
    optional("labels", Kind.COMMA_TEXTS),
    optional("with_labels_details", Kind.BOOLEAN, default=False),
    optional("search"),
    optional("source_branch"),
    optional("target_branch"),
    optional("author_id", Kind.INTEGER),
    optional("author_username"),
    optional("iids", Kind.INTEGERS),
    optional("updated_after", Kind.TIME),
    optional("updated_before", Kind.TIME),
    optional("created_after", Kind.TIME),
    optional("created_before", Kind.TIME),
)
_CONDITIONS = {
    "source_branch": "source_branch = ?",
    "target_branch": "target_branch = ?",
    "author_id": "author_id = ?",
    "author_username": "author_id = (SELECT id FROM users WHERE username = ?)",
    "search": "instr(lower(title || ' ' || coalesce(description, '')), lower(?))",
    "updated_after": "updated_at >= ?",
    "updated_before": "updated_at <= ?",
    "created_after": "created_at >= ?",
    "created_before": "created_at <= ?",
}
_HAS_LABEL = (
    "EXISTS (SELECT 1 FROM label_links l JOIN labels b ON b.id = l.label_id"
    " WHERE l.target_type = 'MergeRequest' AND l.target_id = merge_requests.id AND b.name = ?)"
)


def basic(context: Context, project: Project, row: Row, *, with_labels_details: bool = False) -> dict[str, Any]:
    """Return GitLab's MergeRequestBasic."""
    shown = issuables.entity(context, Issuable(MERGE_REQUEST, project, row), with_labels_details=with_labels_details)
    opened = row["state"] == "opened"
    merged_by = user_basic(context, row["merged_by_id"])
    return shown | {
        "merged_by": merged_by,
        "merge_user": merged_by,
        "merged_at": row["merged_at"],
        "target_branch": row["target_branch"],
        "source_branch": row["source_branch"],
        "reviewers": [],
        "source_project_id": project.id,
        "target_project_id": project.id,
        "draft": bool(row["draft"]),
        "work_in_progress": bool(row["draft"]),
        "merge_when_pipeline_succeeds": False,
        "merge_status": "can_be_merged",
        "detailed_merge_status": "mergeable" if opened else "not_open",
        "sha": row["sha"],
        "merge_commit_sha": row["merge_commit_sha"],
        "squash_commit_sha": None,
        "should_remove_source_branch": None,
        "force_remove_source_branch": True,
        "reference": f"!{row['iid']}",
        "squash": False,
        "squash_on_merge": False,
        "has_conflicts": False,
        "blocking_discussions_resolved": True,
        **({"approvals_before_merge": None} if context.settings.premium else {}),
    }


def of_commit(context: Context, project: Project, sha: str, state: str | None = None) -> list[dict[str, Any]]:
    """Return the merge requests that brought a commit in, newest first."""
    rows = context.database.all(
        "SELECT DISTINCT m.* FROM merge_requests m LEFT JOIN merge_request_commits c ON c.merge_request_id = m.id"
        " WHERE m.project_id = ? AND (c.sha = ? OR m.merge_commit_sha = ?) ORDER BY m.id DESC",
        (project.id, sha, sha),
    )
    return [basic(context, project, row) for row in rows if state in (None, "all", row["state"])]


async def list_merge_requests(context: Context) -> Response:
    """`GET /projects/:id/merge_requests`."""
    given = context.declare(*_FILTERS)
    project = commits.readable_project(context)
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])
    if given["state"] != "all":
        conditions.append("state = ?")
        arguments.append(given["state"])
    for name, condition in _CONDITIONS.items():
        if given.get(name) is not None:
            conditions.append(condition)
            arguments.append(given[name])
    if iids := given.get("iids"):
        conditions.append(f"iid IN ({', '.join(str(number) for number in iids)})")
    for label in given.get("labels") or []:
        conditions.append(_HAS_LABEL)
        arguments.append(label)
    select = f"SELECT * FROM merge_requests WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this module

    def render(row: Row) -> dict[str, Any]:
        return basic(context, project, row, with_labels_details=given["with_labels_details"])

    order = f"{given['order_by']} {given['sort']}, id {given['sort']}"
    return paginate(context, select, arguments, render, order=order)


async def list_of_commit(context: Context) -> Response:
    """`GET /projects/:id/repository/commits/:sha/merge_requests`."""
    given = context.declare(optional("state", values=_STATES))
    project = commits.readable_project(context)
    sha = commit_row(context.database, project.id, context.path["sha"])["sha"]
    return paginate_sequence(context, of_commit(context, project, sha, given.get("state")))


def _find(context: Context) -> Issuable:
    iid = context.number("merge_request_iid")
    return issuables.find(context, MERGE_REQUEST, commits.readable_project(context), iid)


async def show(context: Context) -> Response:
    """`GET /projects/:id/merge_requests/:merge_request_iid`."""
    found = _find(context)
    count = context.database.value("SELECT count(*) FROM merge_request_commits WHERE merge_request_id = ?", (found.id,))
    content = basic(context, found.project, found.row)
    content |= {
        "subscribed": False,
        "changes_count": str(count),
        "latest_build_started_at": None,
        "latest_build_finished_at": None,
        "first_deployed_to_production_at": None,
        "pipeline": None,
        "head_pipeline": None,
        "diff_refs": {"base_sha": None, "head_sha": found.row["sha"], "start_sha": None},
        "merge_error": None,
        "user": {"can_merge": issuables.may_change(context, found)},
    }
    return context.json(content)


async def list_commits(context: Context) -> Response:
    """`GET /projects/:id/merge_requests/:merge_request_iid/commits`."""
    found = _find(context)
    rows = context.database.all(
        "SELECT c.* FROM commits c JOIN merge_request_commits m ON m.sha = c.sha"
        " WHERE m.merge_request_id = ? AND c.project_id = ? ORDER BY c.committed_at DESC",
        (found.id, found.project.id),
    )
    return paginate_sequence(context, [commits.basic(context, found.project, row) for row in rows])


_MERGE_REQUEST = "/projects/{id}/merge_requests/{merge_request_iid}"
ROUTES = [
    route("GET", "/projects/{id}/merge_requests", list_merge_requests, _READ),
    route("GET", _MERGE_REQUEST, show, _READ),
    route("GET", f"{_MERGE_REQUEST}/commits", list_commits),
    route("GET", "/projects/{id}/repository/commits/{sha}/merge_requests", list_of_commit, _READ),
]
