from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.window_slices import (
    LATENCY_ERROR,
    ColumnCounts,
    Traffic,
    bucketed_quantile,
    exact_quantile,
    latency_bucket,
)

durations = st.lists(st.integers(1, 10**13), min_size=1, max_size=60)


@given(durations, st.floats(0, 1))
def test_exact_quantiles_are_those_of_numpy(taken: list[int], quantile: float) -> None:
    assert exact_quantile(sorted(taken), quantile) == pytest.approx(float(np.percentile(taken, quantile * 100)))


def test_there_is_no_quantile_of_nothing() -> None:
    assert exact_quantile([], 0.5) is None
    assert bucketed_quantile({}, 0.5) is None


@given(durations, st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_bucketed_quantile_is_off_by_no_more_than_it_says(taken: list[int], quantile: float) -> None:
    latencies: dict[int, int] = {}
    for duration in taken:
        bucket = latency_bucket(duration)
        latencies[bucket] = latencies.get(bucket, 0) + 1
    exact = float(np.percentile(taken, quantile * 100, method="inverted_cdf"))
    found = bucketed_quantile(latencies, quantile)
    assert found is not None
    # A nanosecond or two are told apart less well than that, which nobody minds.
    assert abs(found - exact) <= exact * (LATENCY_ERROR + 1e-9) + 1


def test_the_stated_error_is_what_the_documentation_says() -> None:
    assert 0.0218 < LATENCY_ERROR < 0.0220


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=6))
def test_traffic_adds_up_in_any_order(parts: list[tuple[int, int, int]]) -> None:
    def traffic(part: tuple[int, int, int]) -> Traffic:
        spans, first, latency = part
        return Traffic(spans, spans - 1, spans * latency, first, first + spans, {latency: spans})

    forward, backward = Traffic(), Traffic()
    for part in parts:
        forward += traffic(part)
        backward = traffic(part) + backward
    assert (forward.spans, forward.errors) == (sum(part[0] for part in parts), sum(part[0] - 1 for part in parts))
    assert sum(forward.latencies.values()) == forward.spans
    assert (backward.spans, backward.first_ns, backward.latencies) == (
        forward.spans,
        forward.first_ns,
        forward.latencies,
    )


def test_counts_among_predictions_account_for_every_row() -> None:
    counts = ColumnCounts(n=7, nan=1, pos_inf=1, text=2, sum=6.0, sum_sq=14.0, min=1.0, max=3.0, counts=(1, 2))
    row = counts.among(10, 2)
    assert (row.n, row.missing, row.nan, row.pos_inf, row.counts) == (10, 3, 3, 1, (1, 2))
    assert ColumnCounts(n=3).among(3).counts == (3,)
    assert ColumnCounts().among(4, 3).counts == (0, 0, 0)
