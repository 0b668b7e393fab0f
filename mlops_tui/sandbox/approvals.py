"""Approvals of deployments to protected environments.

GitLab: ee/app/services/deployments/approval_service.rb, ee/app/services/ee/ci/process_build_service.rb.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import protection, users

if TYPE_CHECKING:
    from mlops_tui.sandbox.authentication import User
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context, Services


class Gate(Enum):
    """Whether a job may go to its environment now."""

    OPEN = auto()
    APPROVAL_MISSING = auto()
    REFUSED = auto()


def gate(services: Services, job: Row) -> Gate:
    """Tell whether protection stops a job whose turn it is."""
    environment = job_environment(services.database, job)
    if environment is None:
        return Gate.OPEN
    if protection.approval_rules(services, environment):
        return Gate.APPROVAL_MISSING if is_waiting(services, job) else Gate.OPEN
    if not protection.may_deploy(services, job["user_id"], environment):
        return Gate.REFUSED
    return Gate.OPEN


def job_environment(database: Database, job: Row) -> Row | None:
    """Return the environment a job is for, or None."""
    return database.one("SELECT * FROM environments WHERE id = ?", (job["environment_id"],))


def is_waiting(services: Services, job: Row) -> bool:
    """Tell whether the deployment of a job still lacks approvals."""
    deployment = services.database.one("SELECT * FROM deployments WHERE job_id = ?", (job["id"],))
    return deployment is not None and pending_count(services, deployment) > 0


def pending_count(services: Services, deployment: Row) -> int:
    """Return how many approvals a deployment still lacks over all its rules; 0 when nothing protects it."""
    environment = services.database.one("SELECT * FROM environments WHERE id = ?", (deployment["environment_id"],))
    if environment is None:
        return 0
    return sum(
        max(0, rule["required_approvals"] - approved_count(services.database, deployment["id"], rule["id"]))
        for rule in protection.approval_rules(services, environment)
    )


def may_decide(services: Services, deployment: Row, user: User | None) -> bool:
    """Tell whether any approval rule admits a user."""
    environment = services.database.one("SELECT * FROM environments WHERE id = ?", (deployment["environment_id"],))
    if environment is None or user is None:
        return False
    project = protection.find_environment_project(services.database, environment)
    rules = protection.approval_rules(services, environment)
    return any(protection.admits(services.database, rule, user, project) for rule in rules)


def approved_count(database: Database, deployment_id: int, rule_id: int) -> int:
    """Return how many people have approved a deployment under a rule."""
    count = database.value(
        "SELECT count(*) FROM deployment_approvals "
        "WHERE deployment_id = ? AND approval_rule_id = ? AND status = 'approved'",
        (deployment_id, rule_id),
    )
    return int(count)


def summary(context: Context, deployment: Row) -> dict[str, Any]:
    """Return what the extended deployment of an enterprise build says of approvals; all empty when unprotected.

    Each rule carries the approvals of all deployments it was ever used for, as GitLab's does.
    """
    database = context.database
    environment = database.one("SELECT * FROM environments WHERE id = ?", (deployment["environment_id"],))
    rules = protection.approval_rules(context.services, environment) if environment else []
    given = database.all("SELECT * FROM deployment_approvals WHERE deployment_id = ? ORDER BY id", (deployment["id"],))
    shown = [
        {
            **protection.rule_entity(database, rule),
            "deployment_approvals": [
                entity(context, approval)
                for approval in database.all(
                    "SELECT * FROM deployment_approvals WHERE approval_rule_id = ? ORDER BY id", (rule["id"],)
                )
            ],
        }
        for rule in rules
    ]
    return {
        "pending_approval_count": pending_count(context.services, deployment),
        "approvals": [entity(context, approval) for approval in given],
        "approval_summary": {"rules": shown},
    }


def entity(context: Context, approval: Row) -> dict[str, Any]:
    """Return GitLab's deployment Approval."""
    return {
        "user": users.user_basic(context, approval["user_id"]),
        "status": approval["status"],
        "created_at": approval["created_at"],
        "comment": approval["comment"],
    }
