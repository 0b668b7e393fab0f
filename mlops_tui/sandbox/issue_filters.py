"""What a list of issues can be narrowed by (GitLab: lib/api/issues.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.parameters import Kind, optional

if TYPE_CHECKING:
    from mlops_tui.sandbox.request import Context

_ORDERS = (
    "created_at", "due_date", "label_priority", "milestone_due", "popularity", "priority", "relative_position",
    "title", "updated_at", "weight",
)  # fmt: skip
FILTERS = (
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
_HAS_LABEL = (
    "EXISTS (SELECT 1 FROM label_links l JOIN labels b ON b.id = l.label_id"
    " WHERE l.target_type = 'Issue' AND l.target_id = issues.id AND b.name = ?)"
)
_HAS_ANY_LABEL = "EXISTS (SELECT 1 FROM label_links l WHERE l.target_type = 'Issue' AND l.target_id = issues.id)"
_ASSIGNED_TO = (
    "EXISTS (SELECT 1 FROM assignees a JOIN users u ON u.id = a.user_id"
    " WHERE a.target_type = 'Issue' AND a.target_id = issues.id AND {condition})"
)


def conditions(context: Context, project: Project, given: dict[str, Any]) -> tuple[list[str], list[Any]]:
    """Return the conditions on the table `issues` for the declared `FILTERS`, and their arguments."""
    found, arguments = ["project_id = ?"], list[Any]([project.id])

    def add(condition: str, *values: Any) -> None:
        found.append(condition)
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
    return found, arguments


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
