"""Alerts as people handle them: acknowledged, silenced for a while, told to GitLab, and closed there when over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mlops_tui.domain.alerts import AlertState, AlertStatus, AlertSubject, fingerprint
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.monitored_metrics import MetricSeries, MonitoredMetric
from mlops_tui.domain.policy import AlertRule, Severity

REMIND_AFTER = timedelta(days=1)

_SEVERITIES = {severity: place for place, severity in enumerate(Severity)}
_STATES = {
    AlertState.FIRING: 0,
    AlertState.PENDING: 1,
    AlertState.INSUFFICIENT: 2,
    AlertState.RESOLVED: 3,
    AlertState.OK: 4,
}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody looks after one firing of an alert, which ``episode`` names; a later firing is not covered."""

    episode: str
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """An alert is not told to anybody until then; it is still shown."""

    until: datetime
    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Handling:
    """What people said of an alert."""

    acknowledgement: Acknowledgement | None = None
    silence: Silence | None = None


@dataclass(frozen=True, slots=True)
class OpenAlertIssue:
    """The open issue of an alert; ``told_at`` is when it, or the newest note of ours on it, was written."""

    iid: int
    web_url: str
    fired_at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule of one model in one environment, with all that is known of it.

    ``version`` is what serves there, "" where that is not known. ``problem`` says why nothing could be judged.
    """

    subject: AlertSubject
    rule: AlertRule
    metric: MonitoredMetric
    status: AlertStatus
    series: MetricSeries
    handling: Handling = Handling()
    issue: OpenAlertIssue | None = None
    version: str = ""
    is_production: bool = False
    problem: str = ""

    @property
    def fingerprint(self) -> str:
        """What names it everywhere and for good."""
        return fingerprint(self.subject, self.rule.name)

    @property
    def id(self) -> str:
        """The beginning of its fingerprint, for people."""
        return self.fingerprint[:12]

    @property
    def title(self) -> str:
        """The rule, the model and where."""
        where = f" in {self.subject.environment}" if self.subject.environment else ""
        return f"{self.rule.name}: {self.subject.model}{where}"

    @property
    def limit(self) -> str:
        """What has to be passed for how long, as the policy says it."""
        return limit_text(self.rule)

    @property
    def acknowledgement(self) -> Acknowledgement | None:
        """Who looks after this firing."""
        given = self.handling.acknowledgement
        return given if given and self.status.is_firing and given.episode == self.status.episode else None

    def silence(self, now: datetime) -> Silence | None:
        """The silence that still lasts."""
        given = self.handling.silence
        return given if given is not None and given.until > now else None

    def counts(self, now: datetime) -> bool:
        """Whether it fires and nobody silenced it."""
        return self.status.is_firing and self.silence(now) is None


class EscalationStep(StrEnum):
    """What has to be told now."""

    OPEN = "open"
    REMIND = "remind"
    CLOSE = "close"


def needed_step(alert: Alert, now: datetime, remind_after: timedelta = REMIND_AFTER) -> EscalationStep | None:
    """What has to be told about an alert; too little data changes nothing.

    A silenced alert opens nothing and reminds nobody, but what is open is closed when it is over.
    """
    if alert.status.is_firing:
        if alert.silence(now) is not None:
            return None
        if alert.issue is None:
            return EscalationStep.OPEN
        is_due = alert.acknowledgement is None and now - alert.issue.told_at >= remind_after
        return EscalationStep.REMIND if is_due else None
    return EscalationStep.CLOSE if alert.issue is not None and alert.status.is_over else None


def restored(issue: OpenAlertIssue) -> AlertStatus:
    """The status of an alert of which nothing is known here but that GitLab has an open issue for it."""
    return AlertStatus(
        state=AlertState.FIRING,
        since=issue.fired_at,
        judged_until=issue.fired_at,
        fired_at=issue.fired_at,
        firings=1,
    )


def limit_text(rule: AlertRule) -> str:
    """The rule's limit in words: "above 0.2 for 15m"."""
    limit = f"above {rule.above:g}" if rule.above is not None else f"below {rule.below:g}"
    return f"{limit} for {format_duration(rule.hold)}" if rule.hold else limit


def in_order(alerts: list[Alert], now: datetime) -> tuple[Alert, ...]:
    """What fires and is not silenced first, then by state, severity and name."""
    return tuple(
        sorted(
            alerts,
            key=lambda item: (
                not item.counts(now),
                _STATES[item.status.state],
                _SEVERITIES[item.rule.severity],
                item.subject.project,
                item.title,
            ),
        )
    )
