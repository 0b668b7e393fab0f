"""Windows: complete, counted once, and the same however the spans came and whenever they were counted."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_tui.domain.errors import InsufficientDataError
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, NumericBins
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, WindowQuery
from mlops_tui.domain.traces import Span, Value
from mlops_tui.domain.window_slices import WindowProfile
from mlops_tui.domain.windows import WindowRow
from mlops_tui.storage.trace_retention import DAY_SECONDS
from mlops_tui.storage.traces import TraceStore
from tests.clocks import ManualClock
from tests.storage.trace_spans import NOON, SECOND, inference, span

WIDTH = 300
EDGES = (-1.0, 0.0, 1.0)
PROFILE = WindowProfile("a" * 64, "7", "fraud", {"x": NumericBins(EDGES), "c": CategoryBins(("DE", "FR"))})
QUERY = WindowQuery("fraud")
PROFILED = WindowQuery("fraud", profile_id=PROFILE.profile_id)


@dataclass(frozen=True, slots=True)
class Case:
    """One inference to come: when, on which arm, with which values (None = missing)."""

    second: int
    arm: str
    x: float | str | None
    c: str | None

    def span(self, number: int) -> Span:
        columns: dict[str, Value] = {"ml.prediction.score": 0.5}
        if self.x is not None:
            columns["ml.feature.x"] = self.x
        if self.c is not None:
            columns["ml.feature.c"] = self.c
        return inference(number, arm=self.arm, columns=columns, end_ns=NOON + self.second * SECOND)


numbers = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 1.0, 7.5, math.nan, math.inf, -math.inf])
cases = st.lists(
    st.builds(
        Case,
        st.integers(-400, 900),
        st.sampled_from(["stable", "canary"]),
        st.none() | numbers | st.just("text"),
        st.none() | st.sampled_from(["DE", "FR", "IT"]),
    ),
    max_size=25,
)


def counted(cases: Sequence[Case], column: str) -> dict[tuple[int, str], FeatureCounts]:
    """What the windows of a column ought to hold, computed value by value."""
    groups: dict[tuple[int, str], list[float | str | None]] = defaultdict(list)
    for case in cases:
        start = (NOON // SECOND + case.second) // WIDTH * WIDTH
        groups[start, case.arm].append(case.x if column == "x" else case.c)
    return {key: by_hand(values, column) for key, values in groups.items()}


def by_hand(values: Sequence[float | str | None], column: str) -> FeatureCounts:
    there = [value for value in values if value is not None]
    if column == "c":
        known = (there.count("DE"), there.count("FR"), there.count("IT"))
        return FeatureCounts(len(values), len(values) - len(there), 0, 0, 0, 0.0, 0.0, None, None, known)
    finite = [value for value in there if isinstance(value, float) and math.isfinite(value)]
    counts = [0, 0, 0, 0]
    for value in finite:
        counts[bisect_left(EDGES, value)] += 1
    return FeatureCounts(
        n=len(values),
        missing=len(values) - len(there),
        nan=sum(isinstance(value, str) or math.isnan(value) for value in there),
        pos_inf=there.count(math.inf),
        neg_inf=there.count(-math.inf),
        sum=sum(finite),
        sum_sq=sum(value * value for value in finite),
        min=min(finite, default=None),
        max=max(finite, default=None),
        counts=tuple(counts),
    )


def found(rows: Sequence[WindowRow], column: str) -> dict[tuple[int, str], FeatureCounts]:
    return {
        (int(row.key.window_start.timestamp()), row.key.arm): row.values for row in rows if row.key.feature == column
    }


@settings(max_examples=40)
@given(cases, st.data())
def test_windows_hold_what_a_count_by_hand_finds_whenever_they_are_counted(
    cases: list[Case], data: st.DataObject
) -> None:
    """The profile comes at any moment; folding, closing and reopening happen in between."""

    async def run(path: Path) -> None:
        store = TraceStore(path, ManualClock(), width=WIDTH)
        profile_at = data.draw(st.integers(0, len(cases)))
        for number, case in enumerate(cases):
            if number == profile_at:
                await store.add_profile(PROFILE)
            await store.append([case.span(number + 1), case.span(number + 1)])
            match data.draw(st.sampled_from(["on", "fold", "reopen"])):
                case "fold":
                    await store.fold()
                case "reopen":
                    await store.close()
                    store = TraceStore(path, ManualClock())
                case _:
                    pass
        if profile_at == len(cases):
            await store.add_profile(PROFILE)
        before = (await store.reader.windows(PROFILED)).rows
        await store.fold_all()
        rows = (await store.reader.windows(PROFILED)).rows
        plain = (await store.reader.windows(QUERY)).rows
        await store.close()
        assert before == rows
        for column in ("x", "c"):
            assert found(rows, column) == counted(cases, column)
        assert {key: value.n for key, value in found(plain, "prediction.score").items()} == {
            key: value.n for key, value in counted(cases, "x").items()
        }

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "traces.db"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_a_profile_that_a_question_brings_is_counted_on_the_spot(tmp_path: Path, clock: ManualClock) -> None:
    store = TraceStore(tmp_path / "traces.db", clock)
    spans = [
        inference(number, columns={"ml.feature.x": number / 4}, end_ns=NOON + number * SECOND) for number in range(9)
    ]
    await store.append([*spans, inference(99, columns={"ml.feature.x": 5.0}, end_ns=NOON + WIDTH * SECOND)])
    brought = WindowQuery(
        "fraud", TimeRange(NOON + SECOND, NOON + 2 * SECOND), profile_id=PROFILE.profile_id, profile=PROFILE
    )
    on_the_spot = await store.reader.windows(brought)
    await store.add_profile(PROFILE)
    await store.fold_all()
    kept = await store.reader.windows(brought)
    await store.close()
    assert on_the_spot == kept
    assert [row.values.counts for row in kept.rows if row.key.feature == "x"] == [(0, 1, 4, 4)]


async def test_traffic_is_of_every_subject_and_window(tmp_path: Path, clock: ManualClock) -> None:
    store = TraceStore(tmp_path / "traces.db", clock)
    await store.append(
        [
            inference(1, took_ns=1_000),
            inference(2, took_ns=3_000, is_error=True),
            inference(3, arm="canary", end_ns=NOON + WIDTH * SECOND),
            span(4),
        ]
    )
    await store.fold_all()
    await store.append([inference(5, took_ns=5_000, end_ns=NOON + SECOND)])
    everything = await store.reader.traffic(WindowQuery(""))
    stable = await store.reader.traffic(WindowQuery("fraud", subjects=SubjectFilter(arm="stable")))
    await store.close()
    start = datetime.fromtimestamp(NOON // SECOND, UTC)
    assert [(item.window_start - start, item.subject.arm, item.traffic.spans) for item in everything] == [
        (timedelta(0), "", 1),
        (timedelta(0), "stable", 3),
        (timedelta(seconds=WIDTH), "canary", 1),
    ]
    (item,) = stable
    assert item.width == timedelta(seconds=WIDTH)
    assert (item.traffic.errors, item.traffic.total_ns) == (1, 9_000)
    assert (item.traffic.first_ns, item.traffic.last_ns) == (NOON, NOON + SECOND)
    assert sum(item.traffic.latencies.values()) == 3
    assert item.sampled is None


async def test_a_profile_counts_what_is_still_there_step_by_step(tmp_path: Path, clock: ManualClock) -> None:
    store = TraceStore(tmp_path / "traces.db", clock, width=10)
    await store.append([inference(number, columns={"ml.feature.x": 0.0}) for number in range(1, 12_001)])
    await store.fold_all()
    await store.add_profile(PROFILE)
    steps = []
    while await store.fold():
        (progress,) = [item for item in await store.reader.progress() if item.fold.profile]
        steps.append(progress.fold.counted / progress.total)
    (row,) = [row for row in (await store.reader.windows(PROFILED)).rows if row.key.feature == "x"]
    await store.close()
    assert len(steps) > 1
    assert steps == sorted(steps)
    assert steps[-1] == 1
    assert row.values.counts == (0, 12_000, 0, 0)


async def test_windows_outlive_their_spans_and_a_late_profile_has_only_what_remains(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = TraceStore(tmp_path / "traces.db", clock)
    await store.append([inference(1, columns={"ml.feature.x": 0.5})])
    clock.tick(8 * DAY_SECONDS)
    await store.append([inference(2, columns={"ml.feature.x": 0.5}, end_ns=NOON + 8 * DAY_SECONDS * SECOND)])
    await store.fold_all()
    await store.prune()
    await store.add_profile(PROFILE)
    await store.fold_all()
    plain = (await store.reader.windows(QUERY)).rows
    profiled = (await store.reader.windows(WindowQuery("fraud", columns=("x",), profile_id=PROFILE.profile_id))).rows
    await store.close()
    assert [row.values.n for row in plain] == [1, 1]
    assert [row.values.counts for row in profiled] == [(0, 0, 1, 0)]


async def test_a_batch_counts_every_row(tmp_path: Path, clock: ManualClock) -> None:
    store = TraceStore(tmp_path / "traces.db", clock)
    await store.append(
        [
            inference(1, columns={"ml.feature.x": (1.0, 2.0, None), "ml.prediction.score": (0.1, 0.2, 0.3)}),
            inference(2, columns={"ml.feature.x": 3.0}),
            inference(3, columns={}),
        ]
    )
    rows = {row.key.feature: row.values for row in (await store.reader.windows(QUERY)).rows}
    await store.close()
    assert (rows["x"].n, rows["x"].missing, rows["x"].sum) == (4, 1, 6.0)
    assert (rows["prediction.score"].n, rows["prediction.score"].missing) == (4, 1)


async def test_another_width_is_counted_anew(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "traces.db"
    first = TraceStore(path, clock, width=300)
    await first.append([inference(number, end_ns=NOON + number * 60 * SECOND) for number in range(10)])
    await first.close()
    second = TraceStore(path, clock, width=60)
    await second.fold_all()
    narrow = await second.reader.windows(WindowQuery("fraud", width=60))
    wide = await second.reader.windows(WindowQuery("fraud", width=300))
    await second.close()
    assert [row.values.n for row in narrow.rows] == [1] * 10
    assert [row.values.n for row in wide.rows] == [5, 5]
    third = TraceStore(path, clock)
    await third.append([inference(99, end_ns=NOON)])
    assert {row.key.width.total_seconds() for row in (await third.reader.windows(QUERY)).rows} == {60}
    await third.close()


async def test_windows_are_of_the_model_the_time_and_the_subjects_asked_for(tmp_path: Path, clock: ManualClock) -> None:
    store = TraceStore(tmp_path / "traces.db", clock)
    await store.append(
        [
            inference(1),
            inference(2, arm="canary"),
            inference(3, end_ns=NOON + 600 * SECOND),
            span(4, {"ml.model.name": "churn", "ml.feature.amount": 1.0}),
        ]
    )
    for query, arms in (
        (QUERY, ["canary", "stable", "stable"]),
        (WindowQuery("fraud", subjects=SubjectFilter(arm="canary")), ["canary"]),
        (WindowQuery("fraud", TimeRange(NOON, NOON + 300 * SECOND)), ["canary", "stable"]),
        (WindowQuery("fraud", TimeRange(NOON + 300 * SECOND)), ["stable"]),
        (WindowQuery("other"), []),
    ):
        answer = await store.reader.windows(query)
        assert sorted(row.key.arm for row in answer.rows) == arms
        assert answer.sampled is None
    assert await store.reader.columns("fraud", TimeRange()) == ("amount",)
    with pytest.raises(InsufficientDataError):
        await store.reader.windows(WindowQuery("fraud", profile_id="b" * 64))
    await store.close()
