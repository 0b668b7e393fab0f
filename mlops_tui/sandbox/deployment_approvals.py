"""Deciding on deployments that wait for approval.

GitLab: ee/lib/ee/api/deployments.rb, ee/app/services/deployments/approval_service.rb. Approving never starts the job;
rejecting ends it for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_tui.sandbox import approvals, deployments, errors, protection, scheduler
from mlops_tui.sandbox.delivery_access import JOB_TOKEN, open_project
from mlops_tui.sandbox.job_actions import REJECTED
from mlops_tui.sandbox.parameters import optional, required
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.statuses import COMPLETED
from mlops_tui.sandbox.transitions import find_job

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

STATUSES = ("approved", "rejected")
_LONGEST_COMMENT = 255


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides; `represented_as` names the rule it is meant for."""

    status: str
    comment: str | None = None
    represented_as: str | None = None


def decide(context: Context, project: Project, deployment: Row, decision: Decision) -> Row:
    """Record a decision and return it; a rejection fails the deployment's job.

    Raises:
        ApiError: 400 with GitLab's reason, checked in its order.
    """
    rule = _check(context, project, deployment, decision)
    now, user = context.timestamp(), context.authenticate()
    key = (deployment["id"], user.id, rule["id"])
    found = "SELECT * FROM deployment_approvals WHERE deployment_id = ? AND user_id = ? AND approval_rule_id = ?"
    before = context.database.one(found, key)
    if before is not None and before["status"] == decision.status:
        return before
    with context.database.transaction():
        context.database.execute(
            "INSERT INTO deployment_approvals"
            " (deployment_id, user_id, approval_rule_id, status, comment, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (deployment_id, user_id, approval_rule_id)"
            " DO UPDATE SET status = excluded.status, comment = excluded.comment, updated_at = excluded.updated_at",
            (*key, decision.status, decision.comment, now, now),
        )
        if decision.status == "rejected":
            _drop(context, deployment, now)
    stored = context.database.one(found, key)
    if stored is None:
        raise LookupError("the approval just made is gone")
    return stored


def _check(context: Context, project: Project, deployment: Row, decision: Decision) -> Row:
    """Return the rule under which the caller may decide."""
    services, user = context.services, context.authenticate()
    environment = context.database.one("SELECT * FROM environments WHERE id = ?", (deployment["environment_id"],))
    if environment is None or not protection.protections(services, environment):
        raise _refused("This environment is not protected.")
    own = deployment["user_id"] == user.id
    if decision.status == "approved" and own and not _own_approvals_allowed(project):
        raise _refused(
            "You cannot approve your own deployment. "
            "This configuration can be adjusted in the protected environment settings."
        )
    rules = protection.approval_rules(services, environment)
    if not rules:
        raise _refused("Deployment approvals is not configured for this environment.")
    if approvals.pending_count(services, deployment) == 0:
        raise _refused("This deployment is not waiting for approvals.")
    admitting = [rule for rule in rules if protection.admits(context.database, rule, user, project)]
    if not admitting:
        raise _refused(
            "You don't have permission to approve this deployment. Contact the project or group owner for help."
        )
    rule = _represented(context, admitting, decision.represented_as)
    if len(decision.comment or "") > _LONGEST_COMMENT:
        raise errors.validation([f"Comment is too long (maximum is {_LONGEST_COMMENT} characters)"])
    return rule


def _refused(text: str) -> errors.ApiError:
    return errors.message(400, text)


def _own_approvals_allowed(project: Project) -> bool:
    return bool(project.attribute("allow_pipeline_trigger_approve_deployment", default=False))


def _represented(context: Context, admitting: list[Row], name: str | None) -> Row:
    """Return the first rule, or the first one whose name contains what the caller wants to stand for."""
    if not name:
        return admitting[0]
    for rule in admitting:
        if name in (protection.entry_name(context.database, rule) or ""):
            return rule
    raise _refused(
        "There are no approval rules for the given `represent_as` parameter. Use a valid User/Group/Role name instead."
    )


def _drop(context: Context, deployment: Row, now: str) -> None:
    """Fail the job of a rejected deployment; GitLab answers 500 where it has ended already, and stores nothing."""
    if deployment["job_id"] is None:
        return
    job = find_job(context.database, deployment["job_id"])
    if job["status"] in COMPLETED:
        raise errors.message(500, "500 Internal Server Error")
    scheduler.end_job(context.services, job, "failed", now, reason=REJECTED)


async def approve(context: Context) -> Response:
    """`POST /projects/:id/deployments/:deployment_id/approval`; unknown to the community build."""
    if not context.settings.enterprise:
        raise errors.unknown_route()
    given = context.declare(required("status", values=STATUSES), optional("comment"), optional("represented_as"))
    project = open_project(context)
    decision = Decision(given["status"], given.get("comment"), given.get("represented_as"))
    approval = decide(context, project, deployments.find(context, project), decision)
    return context.json(approvals.entity(context, approval), 201)


ROUTES = [route("POST", "/projects/{id}/deployments/{deployment_id}/approval", approve, JOB_TOKEN)]
