"""When a model may be trained again: what calls for it, how sure that is over all models, and what speaks against it.

Nothing here loops: windows from before the live version took over say nothing about it, a training that goes on forbids
another, and after one that ended well nothing is begun until something made since is live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mlops_tui.domain.alert_board import Alert
from mlops_tui.domain.alerts import Side, side_of
from mlops_tui.domain.monitored_metrics import MetricFamily, MetricPoint
from mlops_tui.domain.policy import RetrainPolicy

MONTH = timedelta(days=30)
FALSE_DISCOVERIES = 0.05

_NAME = re.compile(r"^Train (?P<model>\S+) again \[intent (?P<mark>[0-9a-f]{8})\]$")
_DRIFT = frozenset({MetricFamily.FEATURE, MetricFamily.FEATURES})


@dataclass(frozen=True, slots=True)
class Training:
    """A training that was asked for by an alert or a person; ``has_succeeded`` is None while it goes on."""

    pipeline_id: int
    begun_at: datetime
    ended_at: datetime | None
    has_succeeded: bool | None
    web_url: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on."""
        return self.has_succeeded is None


@dataclass(frozen=True, slots=True)
class RetrainCase:
    """What is known of one model; ``live_since`` is when its version took over, None where that is not known.

    ``trainings`` are those of the last thirty days, the newest first.
    """

    project: str
    model: str
    policy: RetrainPolicy
    alerts: tuple[Alert, ...]
    trainings: tuple[Training, ...]
    live_version: str | None
    live_since: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Windows in a row that pass an alert's line, all of them since the live version took over.

    ``p_value`` is the greatest of theirs: how likely even the least of them is by chance. None where the figure has
    no such test, and the alert alone speaks.
    """

    alert: Alert
    points: tuple[MetricPoint, ...]
    p_value: float | None


class Objection(StrEnum):
    """What speaks against a training now."""

    UNDER_WAY = "under_way"
    NOT_LIVE_YET = "not_live_yet"
    COOLDOWN = "cooldown"
    BUDGET = "budget"
    NO_TRIGGER = "no_trigger"
    TOO_LITTLE_EVIDENCE = "too_little_evidence"
    CHANCE = "chance"
    FLEET = "fleet"


@dataclass(frozen=True, slots=True)
class RetrainDecision:
    """Whether a model should be trained again now.

    ``objection`` is None where it should; ``reason`` is a sentence for people without a full stop. ``tested`` is over
    how many models false discoveries are controlled.
    """

    case: RetrainCase
    evidence: Evidence | None
    objection: Objection | None
    reason: str
    tested: int

    @property
    def is_due(self) -> bool:
        """Whether it should be trained again."""
        return self.objection is None

    @property
    def is_automatic(self) -> bool:
        """Whether that may be done without asking anybody."""
        return self.is_due and self.case.policy.is_automatic


def training_name(model: str, mark: str) -> str:
    """The pipeline's name, by which a training is found again; ``mark`` begins with "intent"."""
    return f"Train {model} again [{mark}]"


def trained_model(pipeline_name: str) -> str | None:
    """The model that a pipeline of that name trains again, or None."""
    found = _NAME.match(pipeline_name)
    return found["model"] if found else None


def decide(
    cases: Sequence[RetrainCase], now: datetime, level: float = FALSE_DISCOVERIES
) -> tuple[RetrainDecision, ...]:
    """Decide about a fleet of models together: the more are watched, the surer each finding has to be.

    False discoveries are controlled by the rule of Benjamini and Hochberg at ``level`` over all models that have a
    retraining policy; those without a finding count as tests that found nothing.
    """
    found = [_evidence(case) for case in cases]
    tested = len(cases)
    limit = _false_discovery_limit([item.p_value for item in found if item and item.p_value is not None], tested, level)
    return tuple(_decided(case, evidence, now, limit, tested) for case, evidence in zip(cases, found, strict=True))


def triggers_of(case: RetrainCase) -> tuple[Alert, ...]:
    """The alerts that call for a training: those that the policy names, else all that watch drift."""
    named = case.policy.triggers
    return tuple(
        item for item in case.alerts if item.rule.name in named or (not named and item.metric.family in _DRIFT)
    )


def _evidence(case: RetrainCase) -> Evidence | None:
    """The most convincing of the findings, None without any."""
    found = [item for alert in triggers_of(case) if alert.status.is_firing and (item := _finding(case, alert))]
    return min(found, key=lambda item: (item.p_value is None, item.p_value or 0.0), default=None)


def _finding(case: RetrainCase, alert: Alert) -> Evidence | None:
    """The newest windows with data, where as many as the policy asks for lie beyond the line that clears the alert."""
    since = case.live_since
    points = [item for item in alert.series.points if item.value is not None and (since is None or item.start >= since)]
    newest = tuple(points[-case.policy.windows :])
    is_whole = len(newest) == case.policy.windows
    if not is_whole or any(side_of(alert.rule, item.value) is Side.CLEAR for item in newest):
        return None
    tested = [item.p_value for item in newest if item.p_value is not None]
    return Evidence(alert, newest, max(tested) if len(tested) == len(newest) else None)


def _false_discovery_limit(p_values: Sequence[float], tested: int, level: float) -> float:
    """The greatest p-value that is a discovery among ``tested`` ones, of which the others count as 1."""
    ranked = sorted(p_values)
    passing = [p for place, p in enumerate(ranked, start=1) if p <= level * place / max(1, tested)]
    return max(passing, default=0.0)


def _decided(case: RetrainCase, evidence: Evidence | None, now: datetime, limit: float, tested: int) -> RetrainDecision:
    found = objection_by_history(case, now) or _objection_by_evidence(case, evidence, limit, tested)
    if found is not None:
        return RetrainDecision(case, evidence, *found, tested)
    return RetrainDecision(case, evidence, None, _why(evidence), tested)


def objection_by_history(case: RetrainCase, now: datetime) -> tuple[Objection, str] | None:
    """What earlier trainings say against another one now."""
    under_way = next((item for item in case.trainings if item.is_under_way), None)
    if under_way is not None:
        return Objection.UNDER_WAY, f"pipeline {under_way.pipeline_id} trains it already"
    last = next(iter(case.trainings), None)
    if last is not None and last.has_succeeded and _is_waiting(case, last):
        why = f"nothing made since pipeline {last.pipeline_id} ended is live: its outcome is not decided yet"
        return Objection.NOT_LIVE_YET, why
    if last is not None and now - last.begun_at < case.policy.cooldown:
        return Objection.COOLDOWN, f"pipeline {last.pipeline_id} began less than the cooldown ago"
    spent = sum(item.begun_at > now - MONTH for item in case.trainings)
    if spent >= case.policy.budget_per_month:
        return Objection.BUDGET, f"{spent} of {case.policy.budget_per_month} trainings of thirty days are spent"
    return None


def _is_waiting(case: RetrainCase, last: Training) -> bool:
    return case.live_since is None or last.ended_at is None or case.live_since <= last.ended_at


def _objection_by_evidence(
    case: RetrainCase, evidence: Evidence | None, limit: float, tested: int
) -> tuple[Objection, str] | None:
    if not any(item.status.is_firing for item in triggers_of(case)):
        return Objection.NO_TRIGGER, "no alert that calls for it fires"
    if evidence is None:
        since = f" since {case.live_version} is live" if case.live_version else ""
        return Objection.TOO_LITTLE_EVIDENCE, f"it was not seen in {case.policy.windows} windows in a row{since}"
    if evidence.p_value is None:
        return None
    if evidence.p_value > case.policy.evidence:
        why = f"chance alone does as much with a probability of {evidence.p_value:.2g}"
        return Objection.CHANCE, f"{why}, and {case.policy.evidence:g} is accepted"
    if evidence.p_value > limit:
        return Objection.FLEET, f"p = {evidence.p_value:.2g} is no discovery among {tested} models"
    return None


def _why(evidence: Evidence | None) -> str:
    if evidence is None:
        return ""
    alert, newest = evidence.alert, evidence.points[-1]
    text = f"{alert.rule.name}: {alert.rule.metric} {newest.value:.4g} in {len(evidence.points)} windows, {alert.limit}"
    return text if evidence.p_value is None else f"{text}, p = {evidence.p_value:.2g}"
