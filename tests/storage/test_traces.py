from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.trace_queries import QuantileMethod, SubjectFilter, TimeRange, TraceQuery, WindowQuery
from mlops_tui.domain.traces import Appended, Span, SpanEvent, SpanLink, SpanStatus, Value
from mlops_tui.storage.errors import ClosedFileError
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.storage.trace_retention import DAY_SECONDS, Retention, used_bytes
from mlops_tui.storage.trace_values import dump_attributes, load_attributes
from mlops_tui.storage.traces import TraceStore
from tests.clocks import ManualClock
from tests.storage.trace_spans import NOON, SECOND, inference, label, span

EVERYTHING = TraceQuery(limit=1_000)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[TraceStore]:
    opened = TraceStore(tmp_path / "traces.db", clock)
    yield opened
    await opened.close()


async def listed(store: TraceStore, query: TraceQuery = EVERYTHING) -> list[int]:
    """The numbers of the traces that are found."""
    return [int(summary.trace_id, 16) for summary in await store.reader.traces(query)]


values: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=12), values, max_size=6))
def test_attributes_are_kept_exactly(attributes: dict[str, Value]) -> None:
    restored = load_attributes(dump_attributes(attributes).decode())
    assert repr(restored) == repr(attributes)


async def test_a_span_comes_back_as_it_was(store: TraceStore) -> None:
    event = SpanEvent(NOON, "exception", {"exception.type": "ValueError"})
    stored = span(
        1,
        {"ml.model.name": "fraud", "ml.feature.amount": math.inf, "ml.raw": b"\0\xff"},
        events=(event,),
        links=(SpanLink("2" * 32, "3" * 16, {"ml.a": 1}),),
        dropped=3,
        withheld=2,
        is_error=True,
    )
    await store.append([replace(stored, status_message="it failed")])
    trace = await store.reader.trace(stored.trace_id)
    assert trace is not None
    assert trace.spans == (replace(stored, status_message="it failed"),)
    assert await store.reader.trace("f" * 32) is None


async def test_a_span_is_stored_once(store: TraceStore) -> None:
    one, two = inference(1), inference(2)
    assert await store.append([one, two, one]) == Appended(2, duplicates=1)
    assert await store.append([two, inference(3), replace(one, name="other")]) == Appended(1, duplicates=2)
    results = await asyncio.gather(*(store.append([inference(4)]) for _ in range(20)))
    assert sum((result.stored for result in results), 0) == 1
    assert sorted(await listed(store)) == [1, 2, 3, 4]


async def test_two_processes_may_write_the_same_file(store: TraceStore, tmp_path: Path, clock: ManualClock) -> None:
    other = TraceStore(tmp_path / "traces.db", clock)
    for first in range(0, 200, 20):
        await asyncio.gather(
            store.append([inference(number) for number in range(first, first + 20)]),
            other.append([inference(number) for number in range(first + 10, first + 30)]),
        )
        await asyncio.gather(store.fold(), other.fold())
    await other.close()
    await store.fold_all()
    (arm,) = await store.reader.statistics(TimeRange(), SubjectFilter())
    slices = await store.reader.slices(TimeRange())
    assert (arm.spans, sum(part.traffic.spans for part in slices)) == (210, 210)
    assert sum(part.columns["amount"].sum for part in slices) == sum(range(210))


async def test_traces_are_found_by_every_condition(store: TraceStore) -> None:
    await store.append(
        [
            inference(1, end_ns=NOON, took_ns=1_000_000),
            inference(2, end_ns=NOON + 1, version="2.0.0", arm="canary", is_error=True),
            inference(3, end_ns=NOON + 2, took_ns=SECOND, columns={"ml.feature.country": "DE", "ml.feature.n": 3}),
            inference(4, end_ns=NOON + 3, columns={"ml.feature.ok": True, "ml.feature.n": 3.5}),
            span(5, end_ns=NOON + 4),
        ]
    )
    assert await listed(store) == [5, 4, 3, 2, 1]
    assert await listed(store, TraceQuery(limit=2)) == [5, 4]
    for query, found in (
        (TraceQuery(subjects=SubjectFilter(model="fraud")), [4, 3, 2, 1]),
        (TraceQuery(subjects=SubjectFilter(version="2.0.0")), [2]),
        (TraceQuery(subjects=SubjectFilter(arm="canary")), [2]),
        (TraceQuery(subjects=SubjectFilter(model="churn")), []),
        (TraceQuery(status=SpanStatus.ERROR), [2]),
        (TraceQuery(least_ns=SECOND), [3]),
        (TraceQuery(most_ns=1_000_000), [1]),
        (TraceQuery(times=TimeRange(NOON + 1, NOON + 3)), [3, 2]),
        (TraceQuery(attributes=(("ml.feature.country", "DE"),)), [3]),
        (TraceQuery(attributes=(("ml.feature.n", "3"),)), [3]),
        (TraceQuery(attributes=(("ml.feature.n", "3.5"),)), [4]),
        (TraceQuery(attributes=(("ml.feature.ok", "true"),)), [4]),
        (TraceQuery(attributes=(("service.name", "fraud-api"), ("ml.feature.n", "3.0"))), [3]),
        (TraceQuery(attributes=(("service.name", "other"),)), []),
    ):
        assert await listed(store, query) == found, query


async def test_a_trace_is_listed_with_its_root_and_all_its_spans(store: TraceStore) -> None:
    root = span(1, trace=9, end_ns=NOON + SECOND, took_ns=SECOND, name="POST /score")
    await store.append([inference(2, trace=9, parent=1, is_error=True), root])
    (summary,) = await store.reader.traces(EVERYTHING)
    assert (summary.name, summary.spans, summary.errors) == ("POST /score", 2, 1)
    assert (summary.subject.model, summary.end_ns - summary.start_ns) == ("fraud", SECOND + 5_000_000)
    trace = await store.reader.trace(root.trace_id)
    assert trace is not None
    assert trace.is_complete


async def test_statistics_are_of_each_arm_and_exact(store: TraceStore) -> None:
    durations = [number * 1_000_000 for number in range(1, 101)]
    await store.append(
        [inference(number, took_ns=took, end_ns=NOON + number) for number, took in enumerate(durations, 1)]
        + [inference(500, arm="canary", is_error=True), span(501)]
    )
    nameless, canary, stable = await store.reader.statistics(TimeRange(), SubjectFilter())
    assert (nameless.model, nameless.spans) == ("", 1)
    assert (canary.arm, canary.spans, canary.errors) == ("canary", 1, 1)
    # As numpy.percentile says with its default method.
    assert (stable.p50_ns, stable.p95_ns, stable.p99_ns) == (50_500_000, 95_050_000, 99_010_000)
    assert (stable.first_ns, stable.last_ns, stable.method) == (NOON + 1, NOON + 100, QuantileMethod.EXACT)


async def test_services_name_their_models(store: TraceStore) -> None:
    await store.append([inference(1), span(2, {"ml.model.name": "churn"}), span(3)])
    (service,) = await store.reader.services(TimeRange())
    assert (service.service, service.project, service.environment) == ("fraud-api", "7", "production")
    assert (service.models, service.spans) == (("churn", "fraud"), 3)


async def test_another_process_reads_while_spans_come_in(store: TraceStore, tmp_path: Path) -> None:
    reader = EmbeddedTraces(tmp_path / "traces.db")
    seen = []
    for number in range(1, 6):
        await store.append([inference(number)])
        (arm,) = await reader.statistics(TimeRange(), SubjectFilter())
        seen.append(arm.spans)
    reader.close()
    assert seen == [1, 2, 3, 4, 5]


async def test_old_spans_go_and_their_counts_stay(store: TraceStore, clock: ManualClock) -> None:
    await store.append([inference(number) for number in range(1, 11)])
    clock.tick(8 * DAY_SECONDS)
    assert await store.prune() == 0, "nothing is removed that was not counted"
    await store.append([inference(11, end_ns=NOON + 8 * DAY_SECONDS * SECOND)])
    await store.fold_all()
    assert await store.prune() == 10
    assert await listed(store) == [11]
    (arm,) = await store.reader.statistics(TimeRange(), SubjectFilter())
    assert (arm.spans, arm.method) == (11, QuantileMethod.BUCKETS)
    assert arm.p50_ns == pytest.approx(5_000_000, rel=0.0219)
    (recent,) = await store.reader.statistics(TimeRange(NOON + DAY_SECONDS * SECOND), SubjectFilter())
    assert (recent.spans, recent.method) == (1, QuantileMethod.EXACT)


async def test_a_removed_span_that_comes_again_is_not_counted_twice(store: TraceStore, clock: ManualClock) -> None:
    old = [inference(number) for number in range(1, 11)]
    await store.append([*old, inference(12, end_ns=NOON + DAY_SECONDS * SECOND)])
    clock.tick(8 * DAY_SECONDS)
    await store.fold_all()
    await store.prune()
    elsewhere = inference(13, end_ns=NOON - DAY_SECONDS * SECOND)
    assert await store.append([*old, elsewhere]) == Appended(1, late=10)
    (arm,) = await store.reader.statistics(TimeRange(), SubjectFilter())
    assert arm.spans == 12


async def test_the_file_keeps_to_its_size(tmp_path: Path, clock: ManualClock) -> None:
    store = TraceStore(tmp_path / "traces.db", clock, retention=Retention(most_bytes=1_500_000))
    for first in range(0, 6_000, 500):
        await store.append([inference(number, columns={"ml.note": "x" * 300}) for number in range(first, first + 500)])
        await store.fold_all()
        await store.prune()
    used = store._database.read_sync(used_bytes)
    numbers = await listed(store, TraceQuery(limit=10_000))
    (arm,) = await store.reader.statistics(TimeRange(), SubjectFilter())
    await store.close()
    assert used <= 1_500_000
    assert 0 < len(numbers) < 6_000
    assert min(numbers) > 500, "the oldest go first"
    assert arm.spans == 6_000


async def test_a_label_joins_its_prediction_in_either_order(store: TraceStore) -> None:
    named = inference(1, columns={"ml.prediction.label": "fraud", "ml.prediction.id": "p-1"})
    linked = inference(2, columns={"ml.prediction.label": "fine"})
    await store.append([label(10, "fine", prediction="p-1", end_ns=NOON + SECOND)])
    await store.append(
        [named, linked, inference(3, columns={"ml.prediction.label": "fine", "ml.prediction.id": "p-3"})]
    )
    await store.append([label(11, "fine", of=linked), label(12, "lost", prediction="p-99"), label(13, "vague")])
    found = {int(item.span_id, 16): item for item in await store.reader.labelled(WindowQuery("fraud"))}
    assert {number: (item.predicted, item.actual) for number, item in found.items()} == {
        1: ({"label": "fraud"}, {"label": "fine"}),
        2: ({"label": "fine"}, {"label": "fine"}),
    }
    assert (found[1].subject.version, found[1].labelled_ns) == ("1.2.0", NOON + SECOND)
    assert await store.reader.labelled(WindowQuery("fraud", subjects=SubjectFilter(version="9.9.9"))) == ()


async def test_of_several_labels_the_latest_counts(store: TraceStore) -> None:
    await store.append([inference(1, columns={"ml.prediction.label": "fraud", "ml.prediction.id": "p"})])
    await store.append([label(11, "second", prediction="p", end_ns=NOON + 2), label(10, "first", prediction="p")])
    (found,) = await store.reader.labelled(WindowQuery(""))
    assert found.actual == {"label": "second"}


async def test_a_label_is_no_inference(store: TraceStore) -> None:
    await store.append([inference(1), label(2, "fine", prediction="p")])
    nameless, fraud = await store.reader.statistics(TimeRange(), SubjectFilter())
    assert (nameless.model, nameless.spans, fraud.model, fraud.spans) == ("", 1, "fraud", 1)


async def test_a_half_that_waits_in_vain_becomes_a_span(store: TraceStore, clock: ManualClock) -> None:
    tending = asyncio.create_task(store.tend())
    await clock.advance(1)
    assert await store.append_half(inference(1), "request") == Appended(0)
    assert await listed(store) == []
    for _ in range(12):
        await clock.advance(61)
        await drained(store)
    assert await listed(store) == [1]
    tending.cancel()


async def drained(store: TraceStore) -> None:
    """Wait until what the store does in other threads is done."""
    await store.append([])
    await store.fold_all()
    await store.append([])


async def test_tending_counts_what_comes_in(store: TraceStore, clock: ManualClock) -> None:
    tending = asyncio.create_task(store.tend())
    await store.append([inference(1)])
    # Another thread counts, and takes as long as the machine lets it.
    for _ in range(5_000):
        await clock.advance(1)
        (progress,) = await store.reader.progress()
        if progress.is_done:
            break
    assert progress.fold.counted == 1
    tending.cancel()


async def test_closing_counts_the_rest_and_refuses_more(tmp_path: Path, clock: ManualClock) -> None:
    store = TraceStore(tmp_path / "traces.db", clock)
    await store.append([inference(1)])
    await store.close()
    with sqlite3.connect(tmp_path / "traces.db") as connection:
        assert connection.execute("SELECT counted FROM folds").fetchone() == (1,)
    with pytest.raises(ClosedFileError):
        await store.append([inference(2)])


async def test_an_error_of_one_sender_does_not_reach_the_others(store: TraceStore) -> None:
    poison: Span = replace(inference(1), attributes={"ml.a": "\ud800"})
    results = await asyncio.gather(
        store.append([inference(2)]), store.append([poison]), store.append([inference(3)]), return_exceptions=True
    )
    assert [isinstance(result, BaseException) for result in results] == [False, True, False]
    assert sorted(await listed(store)) == [2, 3]
