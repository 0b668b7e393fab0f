"""Alerts as rows and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_tui.cli.tables import Column

if TYPE_CHECKING:
    from mlops_tui.domain.alert_board import Alert
    from mlops_tui.operations.escalation import Escalated


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}"


COLUMNS = (
    Column("id", "id", is_whole=True),
    Column("state", "state"),
    Column("severity", "severity"),
    Column("alert", "rule"),
    Column("model", "model"),
    Column("environment", "environment"),
    Column("metric", "metric"),
    Column("value", "value", is_number=True, show=_number),
    Column("limit", "limit"),
    Column("n", "n", is_number=True),
    Column("since", "since"),
    Column("silenced until", "silenced_until"),
    Column("looked after by", "acknowledged_by"),
    Column("issue", "issue"),
    Column("why no value", "reason"),
)


def alert_item(alert: Alert, now: datetime) -> dict[str, Any]:
    """One alert; ``reason`` says why there is no value where there is none."""
    status = alert.status
    silence = alert.silence(now)
    acknowledgement = alert.acknowledgement
    return {
        "id": alert.id,
        "fingerprint": alert.fingerprint,
        "project": alert.subject.project,
        "model": alert.subject.model,
        "environment": alert.subject.environment or None,
        "production": alert.is_production,
        "rule": alert.rule.name,
        "severity": alert.rule.severity,
        "metric": alert.rule.metric,
        "limit": alert.limit,
        "state": status.state,
        "since": status.since,
        "value": status.value,
        "n": status.n,
        "has_data": status.has_data,
        "reason": alert.reason or None,
        "judged_until": status.judged_until,
        "fired_at": status.fired_at,
        "resolved_at": status.resolved_at,
        "firings": status.firings,
        "silenced_until": silence.until if silence else None,
        "acknowledged_by": acknowledgement.by if acknowledgement else None,
        "issue": alert.issue.web_url if alert.issue else None,
    }


def escalation_line(told: Escalated) -> str:
    """What became of telling an alert, as a sentence without a full stop."""
    if told.receipt is None:
        return f"{told.alert.title} could not be told: {told.refusal}"
    return f"{told.alert.title}: {told.receipt.outcome.value}, {told.receipt.message}"
