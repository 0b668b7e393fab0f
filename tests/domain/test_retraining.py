"""When a model is trained again, and all that keeps it from looping."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.alert_board import Alert
from mlops_tui.domain.alerts import AlertStatus, AlertSubject, advance_all
from mlops_tui.domain.monitored_metrics import MetricPoint, MetricSeries, parse_metric
from mlops_tui.domain.policy import AlertRule, RetrainPolicy
from mlops_tui.domain.retraining import (
    Objection,
    RetrainCase,
    Training,
    decide,
    trained_model,
    training_name,
)

NOW = datetime(2026, 3, 31, tzinfo=UTC)
LIVE = NOW - timedelta(days=10)
HOUR = timedelta(hours=1)
POLICY = RetrainPolicy("train", cooldown=timedelta(days=1), budget_per_month=2, windows=3)
RULE = AlertRule("drifts", "psi.amount", above=0.2)


def alert(*p_values: float | None, value: float = 0.5, rule: AlertRule = RULE, until: datetime = NOW) -> Alert:
    """An alert whose last windows have these p-values."""
    first = until - len(p_values) * HOUR
    points = tuple(
        MetricPoint(first + place * HOUR, first + (place + 1) * HOUR, value, 500, p_value)
        for place, p_value in enumerate(p_values)
    )
    metric = parse_metric(rule.metric)
    status = advance_all(rule, AlertStatus(), points)
    return Alert(AlertSubject("h", "acme/fraud", "fraud"), rule, metric, status, MetricSeries(metric, points))


def case(*alerts: Alert, **changes: object) -> RetrainCase:
    known = RetrainCase("acme/fraud", "fraud", POLICY, alerts or (alert(1e-6, 1e-5, 1e-4),), (), "2.1.0", LIVE)
    return replace(known, **changes)  # type: ignore[arg-type]  # kwargs of a test


def training(days: float, *, succeeded: bool | None = True) -> Training:
    begun = NOW - timedelta(days=days)
    return Training(611, begun, None if succeeded is None else begun + HOUR, succeeded)


def objection(of: RetrainCase) -> Objection | None:
    return decide([of], NOW)[0].objection


def test_enough_windows_that_chance_does_not_explain_call_for_a_training() -> None:
    (decision,) = decide([case()], NOW)
    assert decision.is_due
    assert decision.evidence is not None
    assert decision.evidence.p_value == 1e-4
    assert "psi.amount 0.5 in 3 windows, above 0.2, p = 0.0001" in decision.reason
    assert not decision.is_automatic
    assert decide([case(policy=replace(POLICY, is_automatic=True))], NOW)[0].is_automatic


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (case(alert(1e-6, 1e-6, 1e-6, value=0.1)), Objection.NO_TRIGGER),
        (case(alert(1e-6, 1e-6)), Objection.TOO_LITTLE_EVIDENCE),
        (case(alert(1e-6, 0.02, 1e-6)), Objection.CHANCE),
        (case(trainings=(training(0.1, succeeded=None),)), Objection.UNDER_WAY),
        (case(trainings=(training(5),)), Objection.NOT_LIVE_YET),
        (case(trainings=(training(0.5, succeeded=False),)), Objection.COOLDOWN),
        (case(trainings=(training(2, succeeded=False), training(3, succeeded=False))), Objection.BUDGET),
    ],
    ids=lambda value: value.value if isinstance(value, Objection) else "",
)
def test_what_speaks_against_it_is_told(known: RetrainCase, expected: Objection) -> None:
    assert objection(known) is expected
    assert decide([known], NOW)[0].reason


def test_windows_from_before_the_live_version_took_over_do_not_count() -> None:
    assert objection(case(live_since=NOW - 2 * HOUR)) is Objection.TOO_LITTLE_EVIDENCE
    assert objection(case(live_since=NOW - 3 * HOUR)) is None


def test_a_training_whose_version_went_live_allows_the_next() -> None:
    assert objection(case(trainings=(training(12),), live_since=LIVE)) is None


def test_a_figure_without_a_test_calls_for_it_by_its_alert_where_the_policy_names_it() -> None:
    slow = AlertRule("bad", "quality.auc", below=0.8)
    worse = alert(None, None, None, value=0.7, rule=slow)
    assert objection(case(worse)) is Objection.NO_TRIGGER
    assert objection(case(worse, policy=replace(POLICY, triggers=("bad",)))) is None


def test_over_a_fleet_a_weak_finding_has_to_be_surer() -> None:
    weak = case(alert(0.004, 0.004, 0.004))
    quiet = [case(alert(0.5, value=0.0), model=f"m{number}") for number in range(30)]
    assert decide([weak], NOW)[0].is_due
    assert decide([weak, *quiet], NOW)[0].objection is Objection.FLEET
    assert decide([weak, *quiet], NOW)[0].tested == 31
    assert all(item.is_due for item in decide([weak] * 12 + quiet, NOW)[:12])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_more_models_never_make_a_finding_weaker_than_bonferroni_would(p_values: list[float]) -> None:
    policy = replace(POLICY, windows=1, evidence=0.5)
    fleet = [case(alert(p), policy=policy) for p in p_values]
    for p_value, decision in zip(p_values, decide(fleet, NOW), strict=True):
        if p_value <= 0.05 / len(p_values):
            assert decision.is_due
        if p_value > 0.05:
            assert not decision.is_due


@given(st.lists(st.tuples(st.floats(0, 40), st.sampled_from([True, False, None])), max_size=6), st.floats(0, 40))
def test_nothing_is_begun_while_one_goes_on_or_waits_to_be_live(
    past: list[tuple[float, bool | None]], live_days: float
) -> None:
    trainings = tuple(training(days, succeeded=ended) for days, ended in sorted(past, key=lambda item: item[0]))
    live_since = NOW - timedelta(days=live_days)
    known = case(trainings=trainings, live_since=live_since)
    if any(item.is_under_way for item in trainings):
        assert objection(known) is Objection.UNDER_WAY
    elif trainings and trainings[0].has_succeeded and trainings[0].ended_at and live_since <= trainings[0].ended_at:
        assert objection(known) is Objection.NOT_LIVE_YET
    elif sum(item.begun_at > NOW - timedelta(days=30) for item in trainings) >= POLICY.budget_per_month:
        assert objection(known) in {Objection.BUDGET, Objection.COOLDOWN}


def test_a_training_is_found_again_by_its_pipelines_name() -> None:
    assert trained_model(training_name("fraud", "intent 3f2a90c1")) == "fraud"
    assert trained_model("fraud 2.1.0 -> production [intent 3f2a90c1]") is None
