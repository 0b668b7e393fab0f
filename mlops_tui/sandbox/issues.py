"""Issues (GitLab: lib/api/issues.rb, lib/api/entities/issue.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, issuables, labels, quick_actions
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.internal_ids import allocate, observe
from mlops_tui.sandbox.issuables import ISSUE, Issuable
from mlops_tui.sandbox.paging import Key, keyset_unavailable, paginate, paginate_keyset, wants_keyset
from mlops_tui.sandbox.parameters import Kind, at_least_one, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_ORDERS = (
    "created_at", "due_date", "label_priority", "milestone_due", "popularity", "priority", "relative_position",
    "title", "updated_at", "weight",
)  # fmt: skip
_KEYSETS = ("id", "title", "created_at", "updated_at", "due_date", "relative_position")
_FILTERS = (
    optional("state", default="all", values=("opened", "closed", "all")),
    optional("labels", Kind.COMMA_TEXTS),
    optional(
        "scope", default="all", values=("created_by_me", "assigned_to_me", "created-by-me", "assigned-to-me", "all")
    ),
    optional("order_by", default="created_at", values=_ORDERS),
    optional("sort", default="desc", values=("asc", "desc")),
    optional("search"),
    optional("in"),
    optional("author_id", Kind.INTEGER),
    optional("author_username"),
    optional("assignee_id"),
    optional("assignee_username", Kind.COMMA_TEXTS),
    optional("iids", Kind.INTEGERS),
    optional("created_after", Kind.TIME),
    optional("created_before", Kind.TIME),
    optional("updated_after", Kind.TIME),
    optional("updated_before", Kind.TIME),
    optional("confidential", Kind.BOOLEAN),
    optional("issue_type", values=("issue", "incident", "test_case", "requirement", "task")),
    optional("my_reaction_emoji"),
    optional("with_labels_details", Kind.BOOLEAN, default=False),
    optional("not", Kind.HASH, children=(optional("labels", Kind.COMMA_TEXTS), optional("author_username"))),
)
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
_HAS_LABEL = (
    "EXISTS (SELECT 1 FROM label_links l JOIN labels b ON b.id = l.label_id"
    " WHERE l.target_type = 'Issue' AND l.target_id = issues.id AND b.name = ?)"
)
_HAS_ANY_LABEL = "EXISTS (SELECT 1 FROM label_links l WHERE l.target_type = 'Issue' AND l.target_id = issues.id)"
_ASSIGNED_TO = (
    "EXISTS (SELECT 1 FROM assignees a JOIN users u ON u.id = a.user_id"
    " WHERE a.target_type = 'Issue' AND a.target_id = issues.id AND {condition})"
)


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


def _conditions(context: Context, project: Project, given: dict[str, Any]) -> tuple[list[str], list[Any]]:
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])

    def add(condition: str, *values: Any) -> None:
        conditions.append(condition)
        arguments.extend(values)

    if context.role(project) < Role.PLANNER:
        add("(NOT confidential OR author_id = ?)", context.user.id if context.user else 0)
    if given["state"] != "all":
        add("state = ?", given["state"])
    for name, condition in {
        "created_after": "created_at >= ?",
        "created_before": "created_at <= ?",
        "updated_after": "updated_at >= ?",
        "updated_before": "updated_at <= ?",
        "author_id": "author_id = ?",
        "author_username": "author_id = (SELECT id FROM users WHERE username = ?)",
        "confidential": "confidential = ?",
        "issue_type": "issue_type = ?",
    }.items():
        if given.get(name) is not None:
            add(condition, given[name])
    if search := given.get("search"):
        fields = (given.get("in") or "title,description").split(",")
        matches = [
            f"instr(lower(coalesce({name}, '')), lower(?))" for name in ("title", "description") if name in fields
        ]
        add(f"({' OR '.join(matches)})", *[search] * len(matches))
    if given.get("iids"):
        add(f"iid IN ({', '.join('?' for _ in given['iids'])})", *given["iids"])
    _add_labels(given, add)
    _add_people(context, given, add)
    return conditions, arguments


def _add_labels(given: dict[str, Any], add: Any) -> None:
    for name in given.get("labels") or []:
        match name.lower():
            case "none":
                add(f"NOT {_HAS_ANY_LABEL}")
            case "any":
                add(_HAS_ANY_LABEL)
            case _:
                add(_HAS_LABEL, name)
    excluded = given.get("not") or {}
    for name in excluded.get("labels") or []:
        add(f"NOT {_HAS_LABEL}", name)
    if excluded.get("author_username"):
        add("author_id IS NOT (SELECT id FROM users WHERE username = ?)", excluded["author_username"])


def _add_people(context: Context, given: dict[str, Any], add: Any) -> None:
    scope = given["scope"].replace("-", "_")
    if scope == "created_by_me":
        add("author_id = ?", context.authenticate().id)
    elif scope == "assigned_to_me":
        add(_ASSIGNED_TO.format(condition="u.id = ?"), context.authenticate().id)
    for username in given.get("assignee_username") or []:
        add(_ASSIGNED_TO.format(condition="u.username = ?"), username)
    if assignee := given.get("assignee_id"):
        if assignee.lower() == "none":
            add(f"NOT {_ASSIGNED_TO.format(condition='1')}")
        elif assignee.lower() == "any":
            add(_ASSIGNED_TO.format(condition="1"))
        else:
            add(_ASSIGNED_TO.format(condition="u.id = ?"), assignee)
    if emoji := given.get("my_reaction_emoji"):
        add(
            "EXISTS (SELECT 1 FROM award_emoji e WHERE e.awardable_type = 'Issue' AND e.awardable_id = issues.id"
            " AND e.user_id = ? AND e.name = ?)",
            context.authenticate().id,
            emoji,
        )


async def list_issues(context: Context) -> Response:
    """`GET /projects/:id/issues`: all states, newest first, unless told otherwise."""
    given = context.declare(*_FILTERS)
    project = context.project()
    conditions, arguments = _conditions(context, project, given)
    select = f"SELECT * FROM issues WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this module

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
