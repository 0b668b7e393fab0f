"""Approval rules of merge requests, a Premium feature.

GitLab: ee/lib/api/project_approval_rules.rb, ee/lib/ee/api/merge_request_approvals.rb. The rules of a project hold for
each of its merge requests; overriding them for a single one is left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, issuables
from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.commits import readable_project
from mlops_tui.sandbox.issuables import MERGE_REQUEST, Issuable
from mlops_tui.sandbox.paging import paginate_sequence
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.users import user_basic

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

_ANY = "any_approver"
_MOST = 100


def rules_of(database: Database, project: Project) -> list[Row]:
    """Return the rules of a project, the rule for everybody first."""
    return database.all(
        "SELECT * FROM merge_request_rules WHERE project_id = ? ORDER BY rule_type <> ?, id", (project.id, _ANY)
    )


def admitted_ids(database: Database, rule: Row) -> list[int]:
    """Return the people that a rule names, the direct members of its groups among them."""
    found = list(json.loads(rule["user_ids"]))
    for group_id in json.loads(rule["group_ids"]):
        rows = database.all(
            "SELECT user_id FROM members WHERE source_type = 'group' AND source_id = ? ORDER BY user_id", (group_id,)
        )
        found += [row["user_id"] for row in rows]
    return list(dict.fromkeys(found))


def progress(database: Database, project: Project, approver_ids: list[int]) -> list[tuple[Row, list[int]]]:
    """Return each rule with those of the approvers that count for it."""
    counted = []
    for rule in rules_of(database, project):
        known = admitted_ids(database, rule)
        everybody = rule["rule_type"] == _ANY
        counted.append((rule, [user_id for user_id in approver_ids if everybody or user_id in known]))
    return counted


def _entity(context: Context, rule: Row) -> dict[str, Any]:
    database = context.database
    groups = [
        database.one("SELECT id, name, full_path FROM namespaces WHERE id = ?", (group_id,))
        for group_id in json.loads(rule["group_ids"])
    ]
    return {
        "id": rule["id"],
        "name": rule["name"],
        "rule_type": rule["rule_type"],
        "report_type": None,
        "eligible_approvers": [user_basic(context, user_id) for user_id in admitted_ids(database, rule)],
        "approvals_required": rule["approvals_required"],
        "users": [user_basic(context, user_id) for user_id in json.loads(rule["user_ids"])],
        "groups": [{"id": row["id"], "name": row["name"], "full_path": row["full_path"]} for row in groups if row],
        "contains_hidden_groups": False,
    }


def _licensed_project(context: Context, minimum: Role) -> Project:
    """Return the project of the path.

    Raises:
        ApiError: the community build does not know the route, and without a licence it answers 403.
    """
    if not context.settings.enterprise:
        raise errors.unknown_route()
    context.authenticate()
    project = context.project(minimum)
    if not context.settings.premium:
        raise errors.forbidden()
    return project


async def list_rules(context: Context) -> Response:
    """`GET /projects/:id/approval_rules`."""
    project = _licensed_project(context, Role.REPORTER)
    return paginate_sequence(context, [_entity(context, rule) for rule in rules_of(context.database, project)])


async def create(context: Context) -> Response:
    """`POST /projects/:id/approval_rules`; Maintainer."""
    given = context.declare(
        required("name"),
        required("approvals_required", Kind.INTEGER, minimum=0, maximum=_MOST),
        optional("rule_type", values=("regular", _ANY)),
        optional("user_ids", Kind.COMMA_INTEGERS),
        optional("group_ids", Kind.COMMA_INTEGERS),
    )
    project = _licensed_project(context, Role.MAINTAINER)
    taken = "SELECT 1 FROM merge_request_rules WHERE project_id = ? AND name = ?"
    if context.database.value(taken, (project.id, given["name"])):
        raise errors.validation({"name": ["has already been taken"]})
    values = {
        "project_id": project.id,
        "name": given["name"],
        "rule_type": given.get("rule_type") or "regular",
        "approvals_required": given["approvals_required"],
        "user_ids": json.dumps(given.get("user_ids") or []),
        "group_ids": json.dumps(given.get("group_ids") or []),
    }
    with context.database.transaction():
        rule_id = context.database.insert("merge_request_rules", values)
    (rule,) = context.database.all("SELECT * FROM merge_request_rules WHERE id = ?", (rule_id,))
    return context.json(_entity(context, rule), 201)


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/approval_rules/:rule_id`; Maintainer."""
    project = _licensed_project(context, Role.MAINTAINER)
    gone = context.database.execute(
        "DELETE FROM merge_request_rules WHERE project_id = ? AND id = ?", (project.id, context.number("rule_id"))
    )
    if not gone.rowcount:
        raise errors.record_not_found()
    return no_content()


def _find(context: Context) -> Issuable:
    iid = context.number("merge_request_iid")
    return issuables.find(context, MERGE_REQUEST, readable_project(context), iid)


async def show_state(context: Context) -> Response:
    """`GET .../merge_requests/:iid/approval_state`: every rule with those who approved under it."""
    if not context.settings.enterprise:
        raise errors.unknown_route()
    found = _find(context)
    if not context.settings.premium:
        raise errors.forbidden()
    rows = context.database.all(
        "SELECT user_id FROM merge_request_approvals WHERE merge_request_id = ? ORDER BY approved_at, user_id",
        (found.id,),
    )
    approvers = [row["user_id"] for row in rows]
    rules = [
        _entity(context, rule)
        | {
            "section": None,
            "source_rule": None,
            "overridden": False,
            "code_owner": False,
            "approved_by": [user_basic(context, user_id) for user_id in counted],
            "approved": len(counted) >= rule["approvals_required"],
        }
        for rule, counted in progress(context.database, found.project, approvers)
    ]
    return context.json({"approval_rules_overwritten": False, "rules": rules})


async def list_diffs(context: Context) -> Response:
    """`GET .../merge_requests/:iid/diffs`: the files that differ from the target branch; the texts are left out."""
    found = _find(context)
    database, project = context.database, found.project
    base = database.value(
        "SELECT sha FROM branches WHERE project_id = ? AND name = ?", (project.id, found.row["target_branch"])
    )
    rows = database.all(
        "SELECT path, max(side = 0) AS old, max(side = 1) AS new, count(DISTINCT blob_id) AS kinds FROM ("
        " SELECT path, blob_id, 0 AS side FROM tree_entries WHERE project_id = ? AND sha = ?"
        " UNION ALL SELECT path, blob_id, 1 FROM tree_entries WHERE project_id = ? AND sha = ?"
        ") GROUP BY path HAVING NOT (old AND new AND kinds = 1) ORDER BY path",
        (project.id, base, project.id, found.row["sha"]),
    )
    shown = [
        {
            "old_path": row["path"],
            "new_path": row["path"],
            "new_file": not row["old"],
            "deleted_file": not row["new"],
            "renamed_file": False,
            "diff": "",
        }
        for row in rows
    ]
    return paginate_sequence(context, shown)


_MERGE_REQUEST = "/projects/{id}/merge_requests/{merge_request_iid}"
ROUTES = [
    route("GET", "/projects/{id}/approval_rules", list_rules),
    route("POST", "/projects/{id}/approval_rules", create),
    route("DELETE", "/projects/{id}/approval_rules/{rule_id}", delete),
    route("GET", f"{_MERGE_REQUEST}/approval_state", show_state),
    route("GET", f"{_MERGE_REQUEST}/diffs", list_diffs),
]
