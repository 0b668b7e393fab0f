"""The monitoring part of a policy file as frozen records."""

from __future__ import annotations

from mlops_tui.config.monitoring_schema import AlertTable, EscalationTable, MonitoringTable, RetrainTable
from mlops_tui.domain import policy


def monitoring_policy(table: MonitoringTable) -> policy.MonitoringPolicy:
    """What is watched of a model, as the file says it."""
    return policy.MonitoringPolicy(
        features={name: policy.FeatureType(feature.type) for name, feature in table.features.items()},
        window=table.window,
        reference=table.reference,
        alerts=tuple(_alert(alert) for alert in table.alerts),
        escalation=_escalation(table.escalation),
        retrain=_retrain(table.retrain) if table.retrain else None,
    )


def _alert(table: AlertTable) -> policy.AlertRule:
    return policy.AlertRule(
        name=table.name,
        metric=table.metric,
        above=table.above,
        below=table.below,
        hold=table.hold,
        clear_below=table.clear_below,
        clear_above=table.clear_above,
        severity=policy.Severity(table.severity),
        environment=table.environment,
        arm=table.arm,
        min_samples=table.min_samples,
    )


def _escalation(table: EscalationTable) -> policy.EscalationPolicy:
    integration = table.integration
    return policy.EscalationPolicy(
        opens_issue=table.issue,
        is_confidential=table.confidential,
        remind_after=table.remind,
        integration=policy.AlertIntegration(integration.name, integration.id) if integration else None,
    )


def _retrain(table: RetrainTable) -> policy.RetrainPolicy:
    return policy.RetrainPolicy(
        job=table.job,
        cooldown=table.cooldown,
        budget_per_month=table.budget_per_month,
        is_automatic=table.automatic,
        triggers=tuple(table.triggers),
        evidence=table.evidence,
        windows=table.windows,
        ref=table.ref,
        handover=policy.Handover(table.handover),
        parameters=table.parameters.model_dump(exclude_none=True),
        play=table.play,
    )
