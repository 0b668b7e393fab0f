from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mlops_tui.analysis.alert_backtest import backtest
from mlops_tui.domain.monitored_metrics import MetricPoint
from mlops_tui.domain.policy import AlertRule

START = datetime(2026, 3, 1, tzinfo=UTC)
WIDTH = timedelta(hours=1)
RULE = AlertRule("errors", "error_rate", above=0.05, hold=timedelta(hours=2), clear_below=0.02)


def series(*values: float | None) -> list[MetricPoint]:
    starts = [START + number * WIDTH for number in range(len(values))]
    return [MetricPoint(start, start + WIDTH, value, 100) for start, value in zip(starts, values, strict=True)]


def test_every_firing_is_told_with_its_length_and_its_worst_value() -> None:
    found = backtest(RULE, series(0.01, 0.1, 0.2, 0.3, 0.03, 0.01, None, 0.1, 0.4))
    first, second = found.firings
    assert (first.fired_at, first.resolved_at, first.worst) == (START + 3 * WIDTH, START + 6 * WIDTH, 0.3)
    assert (second.fired_at, second.resolved_at, second.worst) == (START + 9 * WIDTH, None, 0.4)
    assert (found.windows, found.judged, found.beyond) == (9, 8, 5)
    assert found.firing == 3 * WIDTH
    assert found.per_month == pytest.approx(2 * 30 * 24 / 9)


def test_nothing_is_promised_where_nothing_could_be_judged() -> None:
    assert backtest(RULE, series(None, None)).per_month is None
    assert backtest(RULE, []).per_month is None


def test_a_rule_that_would_never_have_fired_says_so() -> None:
    found = backtest(RULE, series(0.01, 0.1, 0.01))
    assert (found.firings, found.per_month) == ((), 0.0)
