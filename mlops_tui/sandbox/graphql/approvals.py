"""Approvals of deployments.

GitLab: ee/app/graphql/ee/types/deployment_type.rb, ee/app/graphql/mutations/deployments/deployment_approve.rb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import approvals, deployment_approvals, protection, scheduler
from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.errors import ApiError
from mlops_tui.sandbox.graphql.operations import not_available
from mlops_tui.sandbox.graphql.pipelines import reason
from mlops_tui.sandbox.graphql.projects import project_of, visible_project
from mlops_tui.sandbox.graphql.scalars import global_id
from mlops_tui.sandbox.graphql.users import user, user_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver


def _rules(deployment: Row, operation: Operation) -> list[Row]:
    environment = operation.database.one("SELECT * FROM environments WHERE id = ?", (deployment["environment_id"],))
    return protection.approval_rules(operation.context.services, environment) if environment else []


def _given(deployment: Row, operation: Operation, rule_id: int | None = None) -> list[Row]:
    return operation.database.all(
        "SELECT * FROM deployment_approvals"
        " WHERE deployment_id = ? AND (? IS NULL OR approval_rule_id = ?) ORDER BY id",
        (deployment["id"], rule_id, rule_id),
    )


def _summary(deployment: Row, operation: Operation) -> dict[str, Any]:
    """Return the progress of every rule; a single rejection makes the whole rejected."""
    rules = [_rule(deployment, rule, operation) for rule in _rules(deployment, operation)]
    pending = sum(rule["pendingApprovalCount"] for rule in rules)
    rejected = any(rule["status"] == "REJECTED" for rule in rules)
    return {
        "status": "REJECTED" if rejected else "PENDING_APPROVAL" if pending else "APPROVED",
        "totalRequiredApprovals": sum(rule["requiredApprovals"] for rule in rules),
        "totalPendingApprovalCount": pending,
        "rules": rules,
    }


def _rule(deployment: Row, rule: Row, operation: Operation) -> dict[str, Any]:
    given = _given(deployment, operation, rule["id"])
    approved = sum(approval["status"] == "approved" for approval in given)
    pending = max(0, rule["required_approvals"] - approved)
    rejected = any(approval["status"] == "rejected" for approval in given)
    level = rule["access_level"]
    admitted = operation.user is not None and protection.admits(
        operation.database, rule, operation.user, project_of(operation, deployment)
    )
    return {
        "group": _group(rule, operation),
        "user": user(operation, rule["user_id"]),
        "accessLevel": None if level is None else {"integerValue": level, "stringValue": Role(level).name},
        "requiredApprovals": rule["required_approvals"],
        "approvedCount": approved,
        "pendingApprovalCount": pending,
        "status": "REJECTED" if rejected else "PENDING_APPROVAL" if pending else "APPROVED",
        "canApprove": admitted,
        "approvals": given,
    }


def _group(rule: Row, operation: Operation) -> dict[str, Any] | None:
    row = operation.database.one("SELECT * FROM namespaces WHERE id = ?", (rule["group_id"],))
    return {"id": global_id("Group", row["id"]), "name": row["name"], "fullPath": row["full_path"]} if row else None


def _approve(_parent: None, operation: Operation, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    scheduler.advance(operation.context.services)
    row = operation.database.one("SELECT * FROM deployments WHERE id = ?", (input["id"],))
    project = visible_project(operation, row["project_id"]) if row else None
    if row is None or project is None or not operation.may_mutate() or operation.role(project) < Role.REPORTER:
        raise not_available()
    decision = deployment_approvals.Decision(input["status"].lower(), input.get("comment"), input.get("represented_as"))
    answer: dict[str, Any] = {"clientMutationId": input.get("client_mutation_id"), "errors": []}
    try:
        return {**answer, "deploymentApproval": deployment_approvals.decide(operation.context, project, row, decision)}
    except ApiError as error:
        return {**answer, "errors": [reason(error)]}


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Deployment": {
        "pendingApprovalCount": lambda row, op: approvals.pending_count(op.context.services, row),
        "approvals": _given,
        "approvalSummary": _summary,
    },
    "DeploymentApproval": {
        "user": user_in("user_id"),
        "status": lambda row, _operation: row["status"].upper(),
    },
    "Mutation": {"approveDeployment": _approve},
}
CALL_LIMITS = {"Deployment.pendingApprovalCount": 1, "Deployment.approvals": 1, "Deployment.approvalSummary": 1}
