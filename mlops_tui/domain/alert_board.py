"""Alerts as people handle them: acknowledged, silenced for a while, told to GitLab, and closed there when over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlops_tui.domain.alerts import AlertState, AlertStatus, AlertSubject, fingerprint
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.monitored_metrics import MetricSeries, MonitoredMetric
from mlops_tui.domain.policy import AlertRule, EscalationPolicy, Severity

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
    """What people said of an alert; ``told`` is the firing that somebody was told of, "" for none."""

    acknowledgement: Acknowledgement | None = None
    silence: Silence | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class OpenAlertIssue:
    """The open issue of an alert; ``told_at`` is when it, or the newest note of ours on it, was written."""

    iid: int
    web_url: str
    fired_at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule of one model in one environment, with all that is known of it."""

    subject: AlertSubject
    rule: AlertRule
    metric: MonitoredMetric
    status: AlertStatus
    series: MetricSeries
    handling: Handling = Handling()
    issue: OpenAlertIssue | None = None
    is_production: bool = False

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
    def reason(self) -> str:
        """Why the newest window has no value, "" where it has one."""
        if self.series.reason or not self.series.points:
            return self.series.reason or "no window has ended yet"
        newest = self.series.points[-1]
        return newest.reason if newest.value is None else ""

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


def needed_step(alert: Alert, policy: EscalationPolicy, now: datetime) -> EscalationStep | None:
    """What has to be told about an alert; too little data changes nothing.

    A silenced alert opens nothing and reminds nobody, but what is open is closed when it is over. Where the policy
    wants no issue, what was told is known from the alert's handling alone.
    """
    status = alert.status
    if status.is_firing:
        if alert.silence(now) is not None:
            return None
        if alert.issue is not None:
            is_due = alert.acknowledgement is None and now - alert.issue.told_at >= policy.remind_after
            return EscalationStep.REMIND if is_due else None
        is_new = policy.opens_issue or alert.handling.told != status.episode
        return EscalationStep.OPEN if is_new else None
    is_open = alert.issue is not None or (bool(alert.handling.told) and alert.handling.told == status.episode)
    return EscalationStep.CLOSE if is_open and status.is_over else None


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
