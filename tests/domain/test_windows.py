from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mlops_tui.domain.profiles import FeatureCounts
from mlops_tui.domain.windows import WindowKey

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = WindowKey(START, timedelta(minutes=5), "acme/fraud", "fraud", "1.2.0", "canary", "production", "amount", "0" * 64)


def test_a_window_ends_before_the_next_begins() -> None:
    assert replace(KEY, window_start=KEY.window_end).window_start - START == timedelta(minutes=5)
    assert replace(KEY, window_start=KEY.window_end) > KEY


@pytest.mark.parametrize(
    "change",
    [
        {"window_start": START.replace(tzinfo=None)},
        {"window_start": START.astimezone(timezone(timedelta(hours=2)))},
        {"width": timedelta(0)},
    ],
)
def test_a_window_that_is_none_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="window"):
        replace(KEY, **change)


def test_counts_add_up_and_moments_with_them() -> None:
    one = FeatureCounts(5, 1, 1, 0, 0, 6.0, 14.0, 1.0, 3.0, (1, 2))
    none = FeatureCounts(0, 0, 0, 0, 0, 0.0, 0.0, None, None, (0, 0))
    assert one.merged(none) == one
    both = one.merged(one)
    assert (both.n, both.valid, both.absent, both.counts) == (10, 6, 4, (2, 4))
    assert (both.mean, both.min, both.max) == (2.0, 1.0, 3.0)
    assert both.deviation == pytest.approx((2 / 3) ** 0.5)
    assert (none.mean, none.deviation) == (None, None)
    with pytest.raises(ValueError, match="zip"):
        one.merged(FeatureCounts(0, 0, 0, 0, 0, 0.0, 0.0, None, None, (0,)))
