"""GitLab's HTTP endpoint for alerts, which takes an authorization key of its own and no token.

The fields are GitLab's (doc/operations/incident_management/integrations.md). Alerts of the same fingerprint are counted
as one, and an ``end_time`` resolves it.
"""

from __future__ import annotations

from urllib.parse import quote

from mlops_tui.domain.alert_board import Alert
from mlops_tui.domain.alert_issues import facts, issue_title
from mlops_tui.domain.api_calls import ApiCall, Door, Method
from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.marked_texts import fenced
from mlops_tui.domain.policy import AlertIntegration


def notify_call(integration: AlertIntegration, alert: Alert) -> ApiCall:
    """Tell the endpoint of an alert that fires, or that is over."""
    status = alert.status
    body: dict[str, JsonValue] = {
        "title": issue_title(alert),
        "description": fenced(facts(alert)),
        "severity": alert.rule.severity.value,
        "fingerprint": alert.fingerprint,
        "monitoring_tool": "mlops-tui",
        "service": alert.subject.model,
    }
    if status.fired_at is not None:
        body["start_time"] = instant(status.fired_at)
    if alert.subject.environment:
        body["gitlab_environment_name"] = alert.subject.environment
    is_over = status.is_over and status.resolved_at is not None
    if is_over and status.resolved_at is not None:
        body["end_time"] = instant(status.resolved_at)
    purpose = "resolve the alert in GitLab" if is_over else "raise the alert in GitLab"
    project = "/".join(quote(part, safe="") for part in alert.subject.project.split("/"))
    path = f"/{project}/alerts/notify/{integration.name}/{integration.id}.json"
    return ApiCall(Method.POST, path, body, purpose, door=Door.ALERTS)
