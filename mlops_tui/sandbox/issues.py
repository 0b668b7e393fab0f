"""Issues (GitLab: lib/api/issues.rb, lib/api/entities/issue.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, issuables, labels, quick_actions
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.internal_ids import allocate, observe
from mlops_tui.sandbox.issuables import ISSUE, Issuable
from mlops_tui.sandbox.issue_filters import FILTERS, conditions
from mlops_tui.sandbox.paging import Key, keyset_unavailable, paginate, paginate_keyset, wants_keyset
from mlops_tui.sandbox.parameters import Kind, at_least_one, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_KEYSETS = ("id", "title", "created_at", "updated_at", "due_date", "relative_position")
_FIELDS = (
    optional("description", max_length=1_048_576),
    optional("assignee_ids", Kind.COMMA_INTEGERS),
    optional("assignee_id", Kind.INTEGER),
    optional("milestone_id", Kind.INTEGER),
    optional("labels", Kind.COMMA_TEXTS),
    optional("due_date", Kind.DATE),
    optional("confidential", Kind.BOOLEAN),
    optional("discussion_locked", Kind.BOOLEAN),
    optional("issue_type", values=("issue", "incident", "test_case", "task")),
)
_READ = Policy(job_token=True)


def entity(
    context: Context, issue: Issuable, *, with_labels_details: bool = False, single: bool = True
) -> dict[str, Any]:
    """Return GitLab's Issue; lists leave out `subscribed`."""
    row = issue.row
    kind = row["issue_type"]
    shown = issuables.entity(context, issue, with_labels_details=with_labels_details)
    shown |= {
        "type": kind.upper(),
        "merge_requests_count": 0,
        "start_date": None,
        "due_date": row["due_date"],
        "confidential": bool(row["confidential"]),
        "issue_type": kind,
        "has_tasks": shown["task_completion_status"]["count"] > 0,
        "_links": {
            "self": context.api_url(issue.url),
            "notes": context.api_url(f"{issue.url}/notes"),
            "award_emoji": context.api_url(f"{issue.url}/award_emoji"),
            "project": context.api_url(f"/projects/{issue.project.id}"),
            "closed_as_duplicate_of": None,
        },
        "severity": "UNKNOWN",
        "moved_to_id": None,
        "service_desk_reply_to": None,
    }
    if single:
        shown["subscribed"] = context.user is not None and context.user.id == row["author_id"]
    if context.settings.premium:
        shown |= {"weight": None, "epic_iid": None, "epic": None, "iteration": None}
    if context.settings.ultimate:
        shown["health_status"] = None
    return shown


async def list_issues(context: Context) -> Response:
    """`GET /projects/:id/issues`: all states, newest first, unless told otherwise."""
    given = context.declare(*FILTERS)
    project = context.project()
    chosen, arguments = conditions(context, project, given)
    select = f"SELECT * FROM issues WHERE {' AND '.join(chosen)}"  # noqa: S608 - literals of this module

    def render(row: Row) -> dict[str, Any]:
        details = given["with_labels_details"]
        return entity(context, Issuable(ISSUE, project, row), with_labels_details=details, single=False)

    descending = given["sort"] == "desc"
    column = given["order_by"]
    if wants_keyset(context):
        if column not in _KEYSETS:
            raise keyset_unavailable()
        return paginate_keyset(context, select, arguments, render, key=Key(column, descending=descending, cursor=True))
    known = column if column in ("created_at", "due_date", "title", "updated_at") else "id"
    direction = "DESC" if descending else "ASC"
    return paginate(context, select, arguments, render, order=f"{known} {direction}, id {direction}")


async def show(context: Context) -> Response:
    """`GET /projects/:id/issues/:issue_iid`."""
    iid = context.number("issue_iid")
    return context.json(entity(context, issuables.find(context, ISSUE, context.project(), iid)))


async def create(context: Context) -> Response:
    """`POST /projects/:id/issues`; Guest and above on private projects. Quick actions in the description are done."""
    user = context.authenticate()
    given = context.declare(
        required("title"), *_FIELDS, optional("iid", Kind.INTEGER), optional("created_at", Kind.TIME)
    )
    project = context.project()
    if not (given["title"] or "").strip():
        raise errors.validation({"title": ["can't be blank"]})
    if len(given["title"]) > 255:
        raise errors.validation({"title": ["is too long (maximum is 255 characters)"]})
    privileged = context.role(project) >= Role.OWNER
    at = given.get("created_at") if privileged and given.get("created_at") else context.timestamp()
    with context.database.transaction():
        iid = _iid(context, project, given.get("iid") if privileged else None)
        values: dict[str, Any] = {"title": given["title"], "due_date": given.get("due_date")}
        values |= {"discussion_locked": given.get("discussion_locked")}
        values |= {"project_id": project.id, "iid": iid, "author_id": user.id, "created_at": at, "updated_at": at}
        values |= {"confidential": int(bool(given.get("confidential")))}
        context.database.insert("issues", {**values, "issue_type": given.get("issue_type") or "issue"})
        issue = issuables.find(context, ISSUE, project, iid)
        _apply(context, issue, given)
        body, _ = quick_actions.execute(context, issue, given.get("description") or "")
        context.database.update("issues", issue.id, {"description": body or None})
    return context.json(entity(context, issuables.reread(context, issue)), 201)


def _iid(context: Context, project: Project, wanted: int | None) -> int:
    if wanted is None:
        return allocate(context.database, project.id, "issues")
    taken = "SELECT 1 FROM issues WHERE project_id = ? AND iid = ?"
    if context.database.value(taken, (project.id, wanted)):
        raise errors.conflict("Duplicated issue")
    observe(context.database, project.id, "issues", wanted)
    return wanted


def _apply(context: Context, issue: Issuable, given: dict[str, Any]) -> None:
    """Set labels and assignees, which is left to those who may change the issue."""
    if not issuables.may_change(context, issue):
        return
    if given.get("labels") is not None:
        label_ids = labels.find_or_create(context, issue.project, given["labels"])
        labels.replace_links(context, ISSUE.type, issue.id, label_ids)
    assignees = given.get("assignee_ids")
    if assignees is None and "assignee_id" in given:
        assignees = [given["assignee_id"] or 0]
    if assignees is not None:
        issuables.assign(context, issue, assignees)


async def edit(context: Context) -> Response:
    """`PUT /projects/:id/issues/:issue_iid`; author, assignee or Planner and above."""
    context.authenticate()
    changes = (
        optional("title"),
        *_FIELDS,
        optional("state_event", values=("reopen", "close")),
        optional("add_labels", Kind.COMMA_TEXTS),
        optional("remove_labels", Kind.COMMA_TEXTS),
    )
    given = context.declare(*changes)
    at_least_one(given, [parameter.name for parameter in changes])
    project = context.project()
    issue = issuables.find(context, ISSUE, project, context.number("issue_iid"))
    if not issuables.may_change(context, issue):
        raise errors.forbidden()
    if "title" in given and not (given["title"] or "").strip():
        raise errors.validation({"title": ["can't be blank"]})
    with context.database.transaction():
        _edit(context, issue, given)
    return context.json(entity(context, issuables.reread(context, issue)))


def _edit(context: Context, issue: Issuable, given: dict[str, Any]) -> None:
    columns = ("title", "due_date", "confidential", "discussion_locked", "issue_type")
    values = {name: given[name] for name in columns if name in given}
    values["updated_at"] = context.timestamp()
    if "description" in given:
        values["description"], _ = quick_actions.execute(context, issue, given["description"] or "")
    context.database.update("issues", issue.id, values)
    _apply(context, issue, given)
    quick_actions.change_labels(context, issue, add=given.get("add_labels"), remove=given.get("remove_labels"))
    if event := given.get("state_event"):
        issuables.set_state(context, issuables.reread(context, issue), "closed" if event == "close" else "opened")


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/issues/:issue_iid`; Planner's own or Owner."""
    user = context.authenticate()
    project = context.project()
    issue = issuables.find(context, ISSUE, project, context.number("issue_iid"))
    if issue.row["author_id"] != user.id:
        context.require(project, Role.OWNER)
    with context.database.transaction():
        for table, prefix in (("notes", "noteable"), ("label_links", "target"), ("assignees", "target")):
            context.database.execute(
                f"DELETE FROM {table} WHERE {prefix}_type = 'Issue' AND {prefix}_id = ?",  # noqa: S608 - literals
                (issue.id,),
            )
        context.database.execute("DELETE FROM issues WHERE id = ?", (issue.id,))
    return no_content()


ROUTES = [
    route("GET", "/projects/{id}/issues", list_issues, _READ),
    route("POST", "/projects/{id}/issues", create),
    route("GET", "/projects/{id}/issues/{issue_iid}", show, _READ),
    route("PUT", "/projects/{id}/issues/{issue_iid}", edit),
    route("DELETE", "/projects/{id}/issues/{issue_iid}", delete),
]
