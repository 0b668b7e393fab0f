"""Approvals of merge requests (GitLab: lib/api and ee/lib/ee/api, merge_request_approvals.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, issuables
from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.commits import readable_project
from mlops_tui.sandbox.issuables import MERGE_REQUEST, Issuable
from mlops_tui.sandbox.merge_request_rules import progress
from mlops_tui.sandbox.parameters import optional
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.users import user_basic

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_ISSUABLE_FIELDS = ("id", "iid", "title", "description", "state", "created_at", "updated_at")


def _find(context: Context) -> Issuable:
    iid = context.number("merge_request_iid")
    return issuables.find(context, MERGE_REQUEST, readable_project(context), iid)


def _approvals(context: Context, found: Issuable) -> list[Row]:
    return context.database.all(
        "SELECT * FROM merge_request_approvals WHERE merge_request_id = ? ORDER BY approved_at", (found.id,)
    )


def _eligible(context: Context, found: Issuable) -> bool:
    """Tell whether the caller may approve now: a Developer, not yet, not the own one, while it is open."""
    if context.user is None or found.row["state"] != "opened":
        return False
    approved = {row["user_id"] for row in _approvals(context, found)}
    own = context.user.id == found.row["author_id"]
    return not own and context.user.id not in approved and context.role(found.project) >= Role.DEVELOPER


def _needed(context: Context, found: Issuable, approver_ids: list[int]) -> tuple[int, int]:
    """Return how many approvals are required over all rules, and how many of them are left."""
    if not context.settings.premium:
        return 0, 0
    rules = progress(context.database, found.project, approver_ids)
    if not rules:
        required = int(found.project.attribute("approvals_before_merge", 0))
        return required, max(0, required - len(approver_ids))
    required = sum(rule["approvals_required"] for rule, _ in rules)
    return required, sum(max(0, rule["approvals_required"] - len(counted)) for rule, counted in rules)


def _entity(context: Context, found: Issuable) -> dict[str, Any]:
    rows = _approvals(context, found)
    required, left = _needed(context, found, [row["user_id"] for row in rows])
    votes = {
        "user_has_approved": context.user is not None and context.user.id in {row["user_id"] for row in rows},
        "user_can_approve": _eligible(context, found),
        "approved": not left if required else bool(rows) or context.settings.enterprise,
        "approved_by": [
            {"user": user_basic(context, row["user_id"]), "approved_at": row["approved_at"]} for row in rows
        ],
    }
    if not context.settings.enterprise:
        return votes
    return {
        **{name: found.row[name] for name in _ISSUABLE_FIELDS},
        "project_id": found.project.id,
        "merge_status": "can_be_merged",
        "approvals_required": required,
        "approvals_left": left,
        "require_password_to_approve": False,
        "suggested_approvers": [],
        "approvers": [],
        "approver_groups": [],
        "approval_rules_left": [],
        "has_approval_rules": bool(required),
        "merge_request_approvers_available": context.settings.premium,
        "multiple_approval_rules_available": context.settings.premium,
        "invalid_approvers_rules": [],
        **votes,
    }


async def show(context: Context) -> Response:
    """`GET .../approvals`."""
    return context.json(_entity(context, _find(context)))


async def approve(context: Context) -> Response:
    """`POST .../approve`; a given `sha` must still be the head."""
    user = context.authenticate()
    given = context.declare(optional("sha"))
    found = _find(context)
    context.require(found.project, Role.DEVELOPER)
    head = found.row["sha"]
    if given.get("sha") and given["sha"] != head:
        raise errors.conflict(f"SHA does not match HEAD of source branch: {head}")
    if not _eligible(context, found):
        raise errors.unauthorized()
    values = {"merge_request_id": found.id, "user_id": user.id, "approved_at": context.timestamp()}
    with context.database.transaction():
        context.database.insert("merge_request_approvals", values)
        issuables.add_note(context, found, "approved this merge request", system=True)
    return context.json(_entity(context, found), 201)


async def unapprove(context: Context) -> Response:
    """`POST .../unapprove`; 404 when the caller had not approved."""
    user = context.authenticate()
    found = _find(context)
    with context.database.transaction():
        gone = context.database.execute(
            "DELETE FROM merge_request_approvals WHERE merge_request_id = ? AND user_id = ?", (found.id, user.id)
        )
        if not gone.rowcount:
            raise errors.not_found()
        issuables.add_note(context, found, "unapproved this merge request", system=True)
    return context.json(_entity(context, found), 201)


_MERGE_REQUEST = "/projects/{id}/merge_requests/{merge_request_iid}"
ROUTES = [
    route("GET", f"{_MERGE_REQUEST}/approvals", show),
    route("POST", f"{_MERGE_REQUEST}/approve", approve),
    route("POST", f"{_MERGE_REQUEST}/unapprove", unapprove),
]
