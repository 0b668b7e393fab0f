from __future__ import annotations

import pytest

from mlops_tui.config.policy import parse_policy
from mlops_tui.domain.drift import Statistic
from mlops_tui.domain.errors import ConfigError
from mlops_tui.domain.monitored_metrics import KNOWN_METRICS, MetricFamily, parse_metric


@pytest.mark.parametrize("name", KNOWN_METRICS)
def test_every_figure_that_is_offered_is_known(name: str) -> None:
    assert parse_metric(name).name == name


def test_a_figure_of_a_feature_names_both_even_with_a_dot_in_the_name() -> None:
    metric = parse_metric("psi.order.total")
    assert (metric.family, metric.statistic, metric.part) == (MetricFamily.FEATURE, Statistic.PSI, "order.total")


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("amount.psi", "psi.amount"),
        ("eror_rate", "error_rate"),
        ("latency_p90", "latency_p95"),
        ("quality.acuracy", "quality.accuracy"),
        ("psy.amount", "psi.amount"),
        ("zzz", "traffic"),
        ("psi.", "psi.FEATURE"),
    ],
)
def test_a_name_that_means_nothing_comes_back_with_what_was_probably_meant(name: str, offered: str) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        parse_metric(name)
    assert offered in str(caught.value)


def test_the_policy_file_names_the_line_of_an_unknown_figure() -> None:
    text = (
        "version: 1\nmodels:\n  fraud:\n    monitoring:\n      alerts:\n"
        "        - name: drifts\n          metric: amount.psi\n          above: 0.2\n"
    )
    with pytest.raises(ConfigError, match=r"psi\.amount") as caught:
        parse_policy(text)
    assert (caught.value.line, caught.value.key) == (7, "models.fraud.monitoring.alerts[0].metric")


@pytest.mark.parametrize(
    ("monitoring", "complaint"),
    [
        ("alerts: [{name: a, metric: traffic, below: 1}, {name: a, metric: error_rate, above: 1}]", "same name"),
        ("retrain: {job: train, triggers: [a]}", "no alert is called that"),
    ],
)
def test_alerts_have_names_of_their_own_and_triggers_are_alerts(monitoring: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        parse_policy(f"version: 1\nmodels:\n  fraud:\n    monitoring: {{{monitoring}}}\n")
