"""Traffic added up from windows: nothing is lost, and rates are over the time that was looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.arm_traffic import Arm, arm_traffic
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.trace_queries import ArmStatistics, QuantileMethod, WindowTraffic
from mlops_tui.domain.window_slices import Traffic, latency_bucket

NOON = 1_772_452_800
SECOND = 1_000_000_000
WIDTH = 300
MILLISECOND = 1_000_000


def window(place: int, arm: str = "stable", model: str = "fraud", spans: int = 300, **changes: int) -> WindowTraffic:
    """The window ``place`` widths before noon."""
    start = NOON - place * WIDTH
    errors, took = changes.get("errors", 0), changes.get("took", 20 * MILLISECOND)
    traffic = Traffic(
        spans, errors, spans * took, start * SECOND, (start + WIDTH - 1) * SECOND, {latency_bucket(took): spans}
    )
    subject = Subject("fraud-api", "7", model, "1.2.0" if model else "", arm if model else "", "production")
    return WindowTraffic(datetime.fromtimestamp(start, UTC), timedelta(seconds=WIDTH), subject, traffic)


windows = st.lists(
    st.builds(
        window,
        st.integers(1, 12),
        st.sampled_from(["stable", "canary"]),
        st.sampled_from(["fraud", ""]),
        st.integers(1, 1_000),
    ),
    max_size=20,
)


@given(windows)
def test_every_span_is_in_one_arm_and_its_trend_holds_them_all(given_windows: list[WindowTraffic]) -> None:
    arms = arm_traffic(given_windows, NOON * SECOND)
    assert sum(item.spans for item in arms) == sum(part.traffic.spans for part in given_windows)
    for item in arms:
        assert sum(point.spans for point in item.trend) == item.spans
        assert len({point.end_ns - point.start_ns for point in item.trend}) == 1


def test_a_rate_is_over_the_time_since_the_first_span() -> None:
    (item,) = arm_traffic([window(4), window(1)], NOON * SECOND)
    assert item.rate == 600 / (4 * WIDTH)
    assert [point.rate for point in item.trend] == [1.0, 0.0, 0.0, 1.0]
    assert item.trend[1].p95_ns is None


def test_the_running_window_counts_in_the_trend_once_half_of_it_has_passed() -> None:
    running = [window(1), window(0, spans=60)]
    early, late = (arm_traffic(running, (NOON + seconds) * SECOND)[0].trend for seconds in (60, 240))
    assert [point.spans for point in early] == [300]
    assert [point.rate for point in late] == [1.0, 0.25]


def test_arms_of_models_come_first_and_services_without_one_stand_for_themselves() -> None:
    arms = arm_traffic([window(1, model=""), window(1, "canary"), window(1)], NOON * SECOND)
    assert [item.arm for item in arms] == [
        Arm("fraud", "1.2.0", "canary", "production"),
        Arm("fraud", "1.2.0", "stable", "production"),
        Arm("", "", "", "production", "fraud-api"),
    ]


def test_exact_quantiles_replace_those_of_buckets_only_when_they_are_of_the_same_spans() -> None:
    (item,) = arm_traffic([window(1)], NOON * SECOND)
    known = ArmStatistics("fraud", "1.2.0", "stable", 300, 0, 1.0, 2.0, 3.0, 0, 0, QuantileMethod.EXACT)
    assert (item.method, item.exactly(known).method) == (QuantileMethod.BUCKETS, QuantileMethod.EXACT)
    assert item.exactly(known).p99_ns == 3.0
    newer = ArmStatistics("fraud", "1.2.0", "stable", 301, 0, 1.0, 2.0, 3.0, 0, 0, QuantileMethod.EXACT)
    assert item.exactly(newer) == item
