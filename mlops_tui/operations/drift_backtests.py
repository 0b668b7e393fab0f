"""Backtests: how often the verdicts of windows, or rules, would have spoken up on traffic that is past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_tui.analysis.backtests import Backtest, backtest_rule, backtest_verdicts, chances_of
from mlops_tui.domain.drift_windows import ModelDrift, Stretch
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.monitored_metrics import MetricFamily, parse_metric
from mlops_tui.domain.policy import AlertRule
from mlops_tui.domain.projects import Project
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_queries import SubjectFilter
from mlops_tui.operations.model_drift import model_drift, range_of
from mlops_tui.operations.monitored_metrics import ModelFigures, Place
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class BacktestedRule:
    """A rule with what came of it."""

    rule: AlertRule
    result: Backtest


@dataclass(frozen=True, slots=True)
class DriftBacktest:
    """What would have happened to one version in a stretch of time that is past."""

    drift: ModelDrift
    verdicts: tuple[Backtest, ...]
    rules: tuple[BacktestedRule, ...]


async def policy_rules(session: Session, project: Project, model: str, names: Sequence[str]) -> tuple[AlertRule, ...]:
    """The alert rules of a model's policy file, or those of these names.

    Raises:
        UsageError: it has none of such a name.
    """
    rules = {rule.name: rule for rule in (await session.policy(project)).for_model(model).monitoring.alerts}
    unknown = [name for name in names if name not in rules]
    if unknown:
        known = ", ".join(rules) or "none"
        raise UsageError(
            f"{model} has no alert rule {unknown[0]}", why=f"its policy file has {known}", remedy="Name one of those"
        )
    return tuple(rules[name] for name in names or rules)


async def backtest(
    session: Session,
    project: Project,
    asked: SubjectFilter,
    start: datetime,
    end: datetime,
    *,
    rules: Sequence[AlertRule] = (),
    width: timedelta | None = None,
) -> Snapshot[DriftBacktest]:
    """Let the verdicts and rules go over past windows as if they had come in one after the other.

    Rules look where they say, else where ``asked`` does. Nothing is raised, told or remembered.

    Raises:
        UsageError: the context has no traces, or its windows do not fit into ``width``.
    """
    model = asked.model or ""
    snapshot = await model_drift(
        session,
        project,
        model,
        times=range_of(Stretch(start, end - start)),
        version=asked.version,
        arm=asked.arm,
        environment=asked.environment,
        width=width,
    )
    drift = snapshot.data
    figures = ModelFigures(session, project, model, drift.width, start, end)
    tested = [await _test(figures, drift, rule, asked) for rule in rules]
    verdicts = tuple(backtest_verdicts(drift.features, drift.false_alarms.level))
    found = DriftBacktest(drift, verdicts, tuple(tested))
    return Snapshot(found, snapshot.fetched_at, snapshot.source)


async def _test(figures: ModelFigures, drift: ModelDrift, rule: AlertRule, asked: SubjectFilter) -> BacktestedRule:
    metric = parse_metric(rule.metric)
    place = Place(rule.environment or asked.environment, rule.arm or asked.arm)
    least = metric.least if rule.min_samples is None else rule.min_samples
    series = await figures.series(metric, place, least)
    feature = drift.feature(metric.part) if metric.family is MetricFamily.FEATURE else None
    chances = chances_of(rule, metric, feature, drift.false_alarms.level, series.points)
    return BacktestedRule(rule, backtest_rule(rule, series.points, chances, series.reason))
