"""Deploy freezes of an environment, and the weight of its canary ingress.

GitLab: app/graphql/types/ci/freeze_period_type.rb, app/graphql/mutations/environments/canary_ingress/update.rb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import clusters, freeze_periods, protection
from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.graphql.operations import not_available
from mlops_tui.sandbox.graphql.projects import project_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

# GitLab's own words, with the blanks that are missing in them.
_DEACTIVATED = (
    "This endpoint was deactivated as part of the certificate-basedkubernetes integration removal. "
    "See Epic:https://gitlab.com/groups/gitlab-org/configure/-/epics/8"
)


def _freezes(environment: Row, operation: Operation) -> list[dict[str, Any]] | None:
    """Return the freezes of the whole project: they are not bound to an environment."""
    if operation.role(project_of(operation, environment)) < Role.REPORTER:
        return None
    now = operation.context.now()
    rows = operation.database.all(
        "SELECT * FROM freeze_periods WHERE project_id = ? ORDER BY id", (environment["project_id"],)
    )
    return [_freeze(row, freeze_periods.window(row, now)) for row in rows]


def _freeze(row: Row, window: freeze_periods.Window) -> dict[str, Any]:
    return {
        "status": "ACTIVE" if window.is_active else "INACTIVE",
        "startCron": row["freeze_start"],
        "endCron": row["freeze_end"],
        "cronTimezone": row["cron_timezone"],
        "startTime": timestamp(window.start) if window.start else None,
        "endTime": timestamp(window.end) if window.end else None,
    }


def _update_canary(_parent: None, operation: Operation, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    """Refuse as nearly every instance does; with clusters connected by certificate the weight would be set."""
    row = operation.database.one("SELECT * FROM environments WHERE id = ?", (input["id"],))
    if row is None or operation.user is None or not operation.may_mutate():
        raise not_available()
    if operation.role(project_of(operation, row)) < Role.DEVELOPER:
        raise not_available()
    services = operation.context.services
    if not protection.may_deploy(services, operation.user.id, row):
        raise not_available()
    answer = {"clientMutationId": input.get("client_mutation_id")}
    if not clusters.is_connected(services, row["project_id"]):
        return {**answer, "errors": [_DEACTIVATED]}
    if not 0 <= input["weight"] <= 100:
        return {**answer, "errors": ["Canary weight must be specified and valid range (0..100)."]}
    operation.database.execute(
        "INSERT INTO canary_ingress_weights (environment_id, weight) VALUES (?, ?)"
        " ON CONFLICT (environment_id) DO UPDATE SET weight = excluded.weight",
        (row["id"], input["weight"]),
    )
    return {**answer, "errors": []}


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Environment": {"deployFreezes": _freezes},
    "Mutation": {"environmentsCanaryIngressUpdate": _update_canary},
}
