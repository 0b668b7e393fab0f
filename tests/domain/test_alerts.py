"""What a rule makes of windows, held against a plain model of it, and what must never happen whatever comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.alerts import AlertState, AlertStatus, advance, advance_all
from mlops_tui.domain.monitored_metrics import MetricPoint
from mlops_tui.domain.policy import AlertRule

START = datetime(2026, 3, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=5)
RULE = AlertRule("drifts", "psi.amount", above=0.2, hold=timedelta(minutes=10), clear_below=0.1)

OVER, BAND, UNDER, NOTHING = 0.3, 0.15, 0.05, None
values = st.lists(st.sampled_from([OVER, BAND, UNDER, NOTHING]), max_size=40)


def window(number: int, value: float | None) -> MetricPoint:
    start = START + number * WIDTH
    return MetricPoint(start, start + WIDTH, value, 100 if value is not None else 3)


def windows(found: Sequence[float | None]) -> list[MetricPoint]:
    return [window(number, value) for number, value in enumerate(found)]


def states(found: Sequence[float | None], rule: AlertRule = RULE) -> list[AlertState]:
    status, seen = AlertStatus(), []
    for point in windows(found):
        status = advance(rule, status, point)
        seen.append(status.state)
    return seen


def test_it_fires_once_the_limit_was_passed_for_as_long_as_the_rule_says() -> None:
    assert states([UNDER, OVER, OVER, OVER]) == ["ok", "pending", "firing", "firing"]


def test_it_fires_at_once_where_the_rule_waits_for_nothing() -> None:
    assert states([OVER], replace(RULE, hold=timedelta(0))) == ["firing"]


def test_one_good_window_ends_the_wait() -> None:
    assert states([OVER, UNDER, OVER, BAND, OVER]) == ["pending", "ok", "pending", "ok", "pending"]


def test_it_resolves_only_beyond_the_line_that_clears() -> None:
    assert states([OVER, OVER, BAND, BAND, UNDER]) == ["pending", "firing", "firing", "firing", "resolved"]


def test_without_such_a_line_it_resolves_where_the_limit_is_not_passed() -> None:
    assert states([OVER, OVER, 0.2], replace(RULE, clear_below=None))[-1] is AlertState.RESOLVED


def test_a_lower_limit_works_the_other_way_round() -> None:
    rule = AlertRule("auc", "quality.auc", below=0.8, clear_above=0.85)
    assert states([0.9, 0.79, 0.8, 0.84, 0.86], rule) == ["ok", "firing", "firing", "firing", "resolved"]


def test_a_resolved_alert_fires_again_and_counts_both() -> None:
    status = advance_all(RULE, AlertStatus(), windows([OVER, OVER, UNDER, OVER, OVER]))
    assert (status.state, status.firings, status.resolved_at) == (AlertState.FIRING, 2, None)
    assert status.fired_at == window(4, OVER).end


def test_too_little_data_is_told_and_keeps_what_fires_firing() -> None:
    assert states([NOTHING, UNDER, NOTHING]) == ["insufficient", "ok", "insufficient"]
    status = advance_all(RULE, AlertStatus(), windows([OVER, OVER, NOTHING]))
    assert (status.state, status.has_data, status.value) == (AlertState.FIRING, False, OVER)


def test_time_without_data_does_not_count_as_time_beyond_the_limit() -> None:
    rule = replace(RULE, hold=timedelta(minutes=15))
    assert states([OVER, NOTHING, OVER], rule)[-1] is AlertState.PENDING
    assert states([OVER, NOTHING, OVER, OVER], rule)[-1] is AlertState.FIRING


def test_a_long_time_without_data_begins_the_wait_anew() -> None:
    status = advance_all(RULE, AlertStatus(), [window(0, OVER), window(100, OVER)])
    assert (status.state, status.since) == (AlertState.PENDING, window(100, OVER).start)


@pytest.mark.parametrize("value", [float("nan"), None])
def test_what_is_no_number_is_too_little_data(value: float | None) -> None:
    assert advance(RULE, AlertStatus(), window(0, value)).state is AlertState.INSUFFICIENT


@given(values)
def test_it_does_what_the_plain_model_does(found: list[float | None]) -> None:
    assert states(found) == plain_states(found)


def plain_states(found: Sequence[float | None]) -> list[str]:
    """Say the same over the whole history, without a machine: two windows past the limit fire, in ten minutes."""
    seen: list[str] = []
    is_firing = has_fired = False
    for number, value in enumerate(found):
        run = waited(found[: number + 1])
        if value == OVER:
            is_firing = is_firing or run >= 2
            seen.append("firing" if is_firing else "pending")
        elif value is NOTHING:
            seen.append("firing" if is_firing else "pending" if run else "insufficient")
        elif is_firing and value == BAND:
            seen.append("firing")
        else:
            is_firing = False
            seen.append("resolved" if has_fired else "ok")
        has_fired = has_fired or is_firing
    return seen


def waited(found: Sequence[float | None]) -> int:
    """How many windows past the limit end a history; two without data between them are more than the rule's hold."""
    count = gap = 0
    for value in found:
        if value == OVER:
            count, gap = (count + 1 if gap <= 2 else 1), 0
        elif value is NOTHING:
            gap += 1
        else:
            count = gap = 0
    return count


@given(values, st.lists(st.sampled_from([BAND, NOTHING]), max_size=20))
def test_nothing_flaps_inside_the_band(before: list[float | None], inside: list[float | None]) -> None:
    status = advance_all(RULE, AlertStatus(), windows(before))
    was_firing = status.is_firing
    for number, value in enumerate(inside, start=len(before)):
        status = advance(RULE, status, window(number, value))
        assert status.is_firing == was_firing


@given(values, st.data())
def test_a_window_is_counted_once_however_often_and_late_it_comes(
    found: list[float | None], data: st.DataObject
) -> None:
    points = windows(found)
    once = advance_all(RULE, AlertStatus(), points)
    again = data.draw(st.lists(st.sampled_from(points), max_size=20)) if points else []
    assert advance_all(RULE, once, again) == once


def test_data_that_come_late_count_as_long_as_no_later_window_was_judged() -> None:
    status = advance_all(RULE, AlertStatus(), windows([UNDER, NOTHING, NOTHING]))
    assert status.state is AlertState.INSUFFICIENT
    filled = advance_all(RULE, status, windows([UNDER, OVER, OVER]))
    assert (filled.state, filled.fired_at) == (AlertState.FIRING, window(2, OVER).end)
    after = advance_all(RULE, AlertStatus(), windows([UNDER, NOTHING, UNDER]))
    assert advance(RULE, after, window(1, OVER)) == after


@given(values, st.integers(0, 40))
def test_it_does_not_matter_where_one_evaluation_ended_and_the_next_began(found: list[float | None], cut: int) -> None:
    points = windows(found)
    first = advance_all(RULE, AlertStatus(), points[:cut])
    assert advance_all(RULE, first, points) == advance_all(RULE, AlertStatus(), points)


@given(values, st.lists(st.just(NOTHING), min_size=1, max_size=20))
def test_too_little_data_never_fires_and_never_resolves(found: list[float | None], silent: list[float | None]) -> None:
    status = advance_all(RULE, AlertStatus(), windows(found))
    later = advance_all(RULE, status, [window(len(found) + number, value) for number, value in enumerate(silent)])
    assert later.is_firing == status.is_firing
    assert later.firings == status.firings
    assert not later.is_over
