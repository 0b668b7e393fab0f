"""What issues and merge requests have in common: labels, assignees, notes, reactions, open and closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, labels
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.users import user_basic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context


@dataclass(frozen=True, slots=True)
class Noun:
    """One of the two kinds: its record's name, its table and its URL segment."""

    type: str
    table: str
    segment: str
    title: str
    reference: str


ISSUE = Noun("Issue", "issues", "issues", "issue", "#")
MERGE_REQUEST = Noun("MergeRequest", "merge_requests", "merge_requests", "merge request", "!")
NOUNS = (ISSUE, MERGE_REQUEST)


@dataclass(frozen=True, slots=True)
class Issuable:
    """One issue or merge request, with its project."""

    noun: Noun
    project: Project
    row: Row

    @property
    def id(self) -> int:
        """The global id."""
        return int(self.row["id"])

    @property
    def url(self) -> str:
        """The API path, below `/projects`."""
        return f"/projects/{self.project.id}/{self.noun.segment}/{self.row['iid']}"


def find(context: Context, noun: Noun, project: Project, iid: int) -> Issuable:
    """Return an issue or merge request of a project.

    Raises:
        ApiError: 404 when missing, or confidential to a caller below Reporter who did not write it.
    """
    row = context.database.one(
        f"SELECT * FROM {noun.table} WHERE project_id = ? AND iid = ?",  # noqa: S608 - a literal of `Noun`
        (project.id, iid),
    )
    if row is None or (noun is ISSUE and not may_read_issue(context, project, row)):
        raise errors.record_not_found()
    return Issuable(noun, project, row)


def reread(context: Context, issuable: Issuable) -> Issuable:
    """Return the same record as it is now."""
    return find(context, issuable.noun, issuable.project, issuable.row["iid"])


def may_read_issue(context: Context, project: Project, row: Row) -> bool:
    """Tell whether a caller may see an issue, which for confidential ones takes a Planner or its author."""
    if not row["confidential"]:
        return True
    own = context.user is not None and context.user.id == row["author_id"]
    return own or context.role(project) >= Role.PLANNER


def may_change(context: Context, issuable: Issuable) -> bool:
    """Tell whether a caller may edit and close: its author and assignees, else a Planner or above."""
    if context.user is None:
        return False
    role = context.role(issuable.project)
    needed = Role.PLANNER if issuable.noun is ISSUE else Role.DEVELOPER
    involved = {issuable.row["author_id"], *assignee_ids(context, issuable)}
    return role >= needed or context.user.id in involved


def assignee_ids(context: Context, issuable: Issuable) -> list[int]:
    """Return the ids of the assignees."""
    rows = context.database.all(
        "SELECT user_id FROM assignees WHERE target_type = ? AND target_id = ? ORDER BY user_id",
        (issuable.noun.type, issuable.id),
    )
    return [row["user_id"] for row in rows]


def assign(context: Context, issuable: Issuable, user_ids: Sequence[int]) -> None:
    """Set the assignees; the Free tier keeps the first only."""
    place = (issuable.noun.type, issuable.id)
    chosen = list(dict.fromkeys(number for number in user_ids if number))
    if not context.settings.premium:
        chosen = chosen[:1]
    context.database.execute("DELETE FROM assignees WHERE target_type = ? AND target_id = ?", place)
    for user_id in chosen:
        if context.database.value("SELECT 1 FROM users WHERE id = ?", (user_id,)):
            context.database.execute("INSERT INTO assignees VALUES (?, ?, ?)", (*place, user_id))


def set_state(context: Context, issuable: Issuable, state: str) -> bool:
    """Open or close; return whether that changed anything. A state change leaves a system note."""
    if issuable.row["state"] == state or issuable.row["state"] == "merged":
        return False
    closed = state == "closed"
    now, user = context.timestamp(), context.authenticate()
    changes = {
        "state": state,
        "updated_at": now,
        "closed_at": now if closed else None,
        "closed_by_id": user.id if closed else None,
    }
    context.database.update(issuable.noun.table, issuable.id, changes)
    add_note(context, issuable, "closed" if closed else "reopened", system=True)
    return True


def add_note(
    context: Context,
    issuable: Issuable,
    body: str,
    *,
    system: bool = False,
    internal: bool = False,
    created_at: str | None = None,
    author_id: int | None = None,
) -> int:
    """Store a note and return its id."""
    at = created_at or context.timestamp()
    values = {
        "project_id": issuable.project.id,
        "noteable_type": issuable.noun.type,
        "noteable_id": issuable.id,
        "author_id": author_id or context.authenticate().id,
        "body": body,
        "system": int(system),
        "internal": int(internal),
    }
    return context.database.insert("notes", {**values, "created_at": at, "updated_at": at})


def touch(context: Context, issuable: Issuable) -> None:
    """Record that something about it changed now."""
    context.database.update(issuable.noun.table, issuable.id, {"updated_at": context.timestamp()})


def entity(context: Context, issuable: Issuable, *, with_labels_details: bool = False) -> dict[str, Any]:
    """Return the fields that both kinds show alike."""
    row, project = issuable.row, issuable.project
    assignees = [user_basic(context, user_id) for user_id in assignee_ids(context, issuable)]
    carried = labels.labels_of(context.database, issuable.noun.type, issuable.id)
    short = f"{issuable.noun.reference}{row['iid']}"
    return {
        "id": row["id"],
        "iid": row["iid"],
        "project_id": project.id,
        "title": row["title"],
        "description": row["description"],
        "state": row["state"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "closed_by": user_basic(context, row["closed_by_id"]),
        "labels": [labels.entity(label) if with_labels_details else label["name"] for label in carried],
        "milestone": None,
        "assignees": assignees,
        "author": user_basic(context, row["author_id"]),
        "assignee": assignees[0] if assignees else None,
        "user_notes_count": _note_count(context, issuable),
        **_votes(context, issuable),
        "discussion_locked": None if row["discussion_locked"] is None else bool(row["discussion_locked"]),
        "web_url": context.url(f"/{project.full_path}/-/{issuable.noun.segment}/{row['iid']}"),
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "task_completion_status": _tasks(row["description"] or ""),
        "references": {"short": short, "relative": short, "full": f"{project.full_path}{short}"},
        "imported": False,
        "imported_from": "none",
    }


def _note_count(context: Context, issuable: Issuable) -> int:
    statement = "SELECT count(*) FROM notes WHERE noteable_type = ? AND noteable_id = ? AND NOT system"
    return int(context.database.value(statement, (issuable.noun.type, issuable.id)))


def _votes(context: Context, issuable: Issuable) -> dict[str, int]:
    statement = "SELECT count(*) FROM award_emoji WHERE awardable_type = ? AND awardable_id = ? AND name = ?"
    place = (issuable.noun.type, issuable.id)
    return {
        "upvotes": context.database.value(statement, (*place, "thumbsup")),
        "downvotes": context.database.value(statement, (*place, "thumbsdown")),
    }


def _tasks(description: str) -> dict[str, int]:
    boxes = [line.strip()[2:5].lower() for line in description.splitlines() if line.strip()[:2] in ("- ", "* ")]
    return {"count": sum(box in ("[ ]", "[x]") for box in boxes), "completed_count": boxes.count("[x]")}
