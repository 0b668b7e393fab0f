"""Alerts of every model of a context: judge what is new, and put together what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from mlops_tui.domain.alert_board import Alert, Handling, OpenAlertIssue, in_order, restored
from mlops_tui.domain.alert_issues import acknowledged
from mlops_tui.domain.alerts import AlertStatus, AlertSubject, advance_all, fingerprint
from mlops_tui.domain.canonical import digest
from mlops_tui.domain.errors import ConfigError, MlopsError, UsageError
from mlops_tui.domain.monitored_metrics import MetricSeries, MonitoredMetric, parse_metric
from mlops_tui.domain.policy import AlertRule, ModelPolicy
from mlops_tui.domain.projects import Project
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.alert_issues import list_alert_issues, list_alert_notes
from mlops_tui.operations.monitored_metrics import MOST_WINDOWS, ModelFigures, Place, closed_until
from mlops_tui.operations.session import Session

SHOWN_WINDOWS = 48


@dataclass(frozen=True, slots=True)
class AlertBoard:
    """Every alert, what needs attention first; ``notices`` tell what could not be looked at."""

    alerts: tuple[Alert, ...]
    notices: tuple[str, ...] = ()

    def find(self, wanted: str) -> Alert:
        """The alert whose fingerprint begins so, or whose rule is called so. Raises UsageError unless it is one."""
        found = [item for item in self.alerts if item.fingerprint.startswith(wanted) and len(wanted) >= 4]
        found = found or [item for item in self.alerts if item.rule.name == wanted]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{item.id} ({item.title})" for item in found or self.alerts) or "none"
        what = f"{len(found)} alerts are called {wanted}" if found else f"There is no alert {wanted}"
        raise UsageError(what, why=f"there are {known}", remedy="Name one by the beginning of its id")


@dataclass(frozen=True, slots=True)
class _Watched:
    """One rule in one place."""

    subject: AlertSubject
    rule: AlertRule
    metric: MonitoredMetric
    is_production: bool

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.subject, self.rule.name)

    @property
    def rule_digest(self) -> str:
        """What names the rule as it is now: another limit begins anew."""
        rule = self.rule
        limits = (rule.above, rule.below, rule.clear_below, rule.clear_above, rule.hold.total_seconds())
        return digest([rule.metric, *limits, rule.environment, rule.arm, rule.min_samples])

    @property
    def place(self) -> Place:
        return Place(self.subject.environment or None, self.rule.arm)


async def evaluate(session: Session, model: str | None = None, project: Project | None = None) -> Snapshot[AlertBoard]:
    """Judge the windows that ended since the last time, for every rule (of one ``model`` or ``project`` if given).

    What cannot be read makes alerts that say so. Raises StorageError when what is remembered of alerts cannot be used.
    """
    alerts: list[Alert] = []
    notices: list[str] = list((await session.alerts()).notices)
    for place in [project] if project is not None else await session.projects():
        try:
            policy = await session.policy(place)
        except ConfigError as error:
            notices.append(str(error))
            continue
        chosen = [item for name, item in policy.models.items() if model in {None, name} and item.monitoring.alerts]
        if chosen:
            open_issues = await _open_issues(session, place, notices)
            for item in chosen:
                alerts += await _of_model(session, place, item, open_issues)
    return session.snapshot(AlertBoard(in_order(alerts, session.clock.now()), tuple(notices)))


async def _open_issues(session: Session, project: Project, notices: list[str]) -> dict[str, OpenAlertIssue]:
    """The open issue of each alert, the oldest where there are several."""
    try:
        found = await list_alert_issues(session.transport, project.ref)
    except MlopsError as error:
        notices.append(f"The issues of alerts cannot be read: {error}")
        return {}
    issues: dict[str, OpenAlertIssue] = {}
    for item in found:
        kept = OpenAlertIssue(item.iid, item.web_url, item.mark.fired_at, item.updated_at)
        issues.setdefault(item.mark.fingerprint, kept)
    return issues


async def _of_model(
    session: Session, project: Project, policy: ModelPolicy, issues: dict[str, OpenAlertIssue]
) -> list[Alert]:
    watched = _watched(session, project, policy)
    store = await session.alerts()
    handlings = await store.handlings()
    before = [await store.status(item.fingerprint, item.rule_digest) for item in watched]
    figures = _figures(session, project, policy, before)
    alerts: list[Alert] = []
    for item in watched:
        issue = issues.get(item.fingerprint)
        series = await figures.series(item.metric, item.place, _least(item))
        status = await store.advance(item.fingerprint, item.rule_digest, _Judge(item.rule, series, issue))
        handling = handlings.get(item.fingerprint, Handling())
        if issue is not None and status.is_firing:
            handling = await _handling_in_gitlab(session, project, issue, handling)
        alerts.append(Alert(item.subject, item.rule, item.metric, status, series, handling, issue, item.is_production))
    return alerts


def _watched(session: Session, project: Project, policy: ModelPolicy) -> list[_Watched]:
    production = [name for name, item in policy.environments.items() if item.is_production]
    found: list[_Watched] = []
    for rule in policy.monitoring.alerts:
        for name in [rule.environment] if rule.environment else production or [""]:
            subject = AlertSubject(session.context.origin, project.ref.path, policy.model, name)
            found.append(_Watched(subject, rule, parse_metric(rule.metric), name in production))
    return found


def _figures(
    session: Session, project: Project, policy: ModelPolicy, before: Sequence[AlertStatus | None]
) -> ModelFigures:
    """What to read: the windows that are shown, and all that were not judged yet, as far as that is sensible."""
    width = policy.monitoring.window
    until = closed_until(session.clock.now(), width)
    judged = [status.judged_until for status in before if status is not None and status.judged_until is not None]
    shown = until - SHOWN_WINDOWS * width
    longest = max((rule.hold for rule in policy.monitoring.alerts), default=timedelta(0))
    since = min([shown, until - 2 * longest, *judged])
    return ModelFigures(session, project, policy.model, width, max(since, until - MOST_WINDOWS * width), until)


def _least(item: _Watched) -> int:
    return item.metric.least if item.rule.min_samples is None else item.rule.min_samples


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges a series from where the last one ended; where nothing is remembered, an open issue says that it fires."""

    rule: AlertRule
    series: MetricSeries
    issue: OpenAlertIssue | None

    def __call__(self, status: AlertStatus | None) -> AlertStatus:
        if status is None:
            status = restored(self.issue) if self.issue is not None else AlertStatus()
        return advance_all(self.rule, status, self.series.points)


async def _handling_in_gitlab(
    session: Session, project: Project, issue: OpenAlertIssue, handling: Handling
) -> Handling:
    """Who took it on according to the notes on its issue, whichever console that was."""
    try:
        notes = await list_alert_notes(session.transport, project.ref, issue.iid)
    except MlopsError:
        return handling
    given = [found for item in notes if (found := acknowledged(item.note, item.by, item.at)) is not None]
    own = handling.acknowledgement
    newest = max([*given, *([own] if own else [])], key=lambda item: item.at, default=None)
    return Handling(newest, handling.silence)
