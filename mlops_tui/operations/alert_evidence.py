"""What alerts say elsewhere: on an evidence sheet about the model of a version, and on the overview."""

from __future__ import annotations

from mlops_tui.domain.alert_board import Alert
from mlops_tui.domain.alert_issues import value_text
from mlops_tui.domain.alerts import AlertState
from mlops_tui.domain.attention import Matter, MatterKind
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.evidence_sheets import Observation
from mlops_tui.domain.projects import Project
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.alerts import evaluate
from mlops_tui.operations.session import Session

ALERTS = "open alerts"
_NONE = "no rule of the policy file watches this model"


async def alert_observation(session: Session, project: Project, model: str) -> Observation:
    """Which alerts of a model fire, and of which too little is known to tell."""
    now = session.clock.now()
    if not model:
        return Observation(ALERTS, now, False, "no model is named")
    try:
        alerts = (await evaluate(session, model, project)).data.alerts
    except MlopsError as error:
        return Observation(ALERTS, now, False, error.why or error.what)
    if not alerts:
        return Observation(ALERTS, now, False, _NONE)
    open_ones = [item for item in alerts if item.status.is_firing]
    unknown = sum(item.status.state is AlertState.INSUFFICIENT for item in alerts)
    value: list[JsonValue] = [
        {
            "alert": item.rule.name,
            "environment": item.subject.environment,
            "severity": item.rule.severity.value,
            "limit": item.limit,
            "value": item.status.value,
            "state": item.status.state.value,
            "issue": item.issue.web_url if item.issue else "",
        }
        for item in alerts
    ]
    firing = ", ".join(item.rule.name for item in open_ones)
    parts = [f"{len(open_ones)} of {len(alerts)} fire: {firing}" if open_ones else f"none of {len(alerts)} fires"]
    if unknown:
        parts.append(f"of {unknown} too little is known to tell")
    return Observation(ALERTS, now, True, "; ".join(parts), value)


async def alert_matters(session: Session) -> Snapshot[tuple[Matter, ...]]:
    """A matter for each alert that fires and that nobody silenced."""
    snapshot = await evaluate(session)
    now = session.clock.now()
    return session.snapshot(tuple(_matter(item) for item in snapshot.data.alerts if item.counts(now)))


def _matter(alert: Alert) -> Matter:
    by = f", {alert.acknowledgement.by} looks after it" if alert.acknowledgement else ""
    return Matter(
        kind=MatterKind.ALERT_FIRING,
        title=alert.title,
        detail=f"{alert.rule.metric} {alert.limit}: {value_text(alert)}{by}",
        at=alert.status.fired_at,
        project=alert.subject.project,
        model=alert.subject.model,
        environment=alert.subject.environment,
        is_production=alert.is_production,
    )
