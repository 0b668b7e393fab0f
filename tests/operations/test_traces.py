"""What the view of traces asks, of the store on this machine and of a server that can only be sampled."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mlops_tui.config.paths import Paths
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.errors import NotFoundError
from mlops_tui.domain.filters import TextSearch
from mlops_tui.domain.trace_filters import SpanFilter, parse_trace_query
from mlops_tui.domain.trace_queries import QuantileMethod
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from mlops_tui.domain.traces import Span, Trace
from mlops_tui.operations import trace_traffic
from mlops_tui.operations.session import Session, open_session
from mlops_tui.operations.trace_details import show_trace
from mlops_tui.operations.trace_list import TraceFinder, TraceWish
from mlops_tui.operations.trace_traffic import show_traffic
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from tests.clocks import ManualClock
from tests.storage.trace_spans import NOON, SECOND, inference, label
from tests.tracing.sources.jaeger import FakeJaeger
from tests.tracing.sources.serving import served

HOUR = timedelta(hours=1)
MINUTE = 60 * SECOND


def spans() -> list[Span]:
    """Twenty inferences in the last twenty minutes, of which one turned out to be fraud."""
    made = [
        inference(
            number,
            arm="canary" if number % 5 == 0 else "stable",
            end_ns=NOON - number * MINUTE,
            took_ns=number * 1_000_000,
            columns={
                "ml.prediction.id": f"p{number}",
                "ml.prediction.label": "fine",
                "ml.feature.amount": float(number),
            },
        )
        for number in range(1, 21)
    ]
    return [*made, label(99, "fraud", prediction="p3", end_ns=NOON - SECOND)]


async def session_on(folder: Path, stack: ExitStack, kind: TraceSourceKind) -> Session:
    """A session whose traces are kept in one way or the other."""
    context = Context("traced", "http://127.0.0.1:1")
    if kind is TraceSourceKind.EMBEDDED:
        store = TraceStore(folder / FILE_NAME, ManualClock())
        await store.append(spans())
        await store.close()
    else:
        url = stack.enter_context(served(FakeJaeger(spans()).application))
        context = replace(context, traces=TraceSource(kind, url))
    return open_session(context, None, ManualClock(), paths=Paths(folder, folder, folder, folder))


def wanted(text: str) -> SpanFilter:
    query = parse_trace_query(text)
    assert query is not None
    assert not isinstance(query, TextSearch)
    return query


@pytest.mark.parametrize("kind", [TraceSourceKind.EMBEDDED, TraceSourceKind.JAEGER])
async def test_traffic_filters_and_labels_wherever_the_traces_are(tmp_path: Path, kind: TraceSourceKind) -> None:
    with ExitStack() as stack:
        async with await session_on(tmp_path, stack, kind) as session:
            board = (await show_traffic(session, HOUR)).data
            assert {(item.arm.arm, item.spans) for item in board.arms} == {("stable", 16), ("canary", 4), ("", 1)}
            stable = next(item for item in board.arms if item.arm.arm == "stable")
            finder = TraceFinder()
            assert (await finder.find(session, TraceWish(HOUR))).data.is_all
            wish = TraceWish(HOUR, stable.arm, wanted("features.amount > 18"))
            listed = (await finder.find(session, wish)).data
            assert (await finder.find(session, wish)).data == listed
            assert [trace.trace_id for trace in listed.traces] == [f"{19:032x}"]
            assert listed.read == 16
            short = (await finder.find(session, TraceWish(timedelta(minutes=5), stable.arm))).data
            assert len(short.traces) == 4
            detail = (await show_trace(session, f"{3:032x}")).data
            assert detail.labels[f"{3:016x}"].actual == {"label": "fraud"}
            with pytest.raises(NotFoundError):
                await show_trace(session, "f" * 32)


async def test_a_trace_that_was_looked_into_is_read_again_only_when_it_has_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = EmbeddedTraces.trace

    async def counted(reader: EmbeddedTraces, trace_id: str) -> Trace | None:
        read.append(trace_id)
        return await whole(reader, trace_id)

    monkeypatch.setattr(EmbeddedTraces, "trace", counted)
    finder, wish = TraceFinder(), TraceWish(HOUR, wanted=wanted("features.amount > 18 or name = late"))
    with ExitStack() as stack:
        async with await session_on(tmp_path, stack, TraceSourceKind.EMBEDDED) as session:
            assert len((await finder.find(session, wish)).data.traces) == 2
            read.clear()
            store = TraceStore(tmp_path / FILE_NAME, ManualClock())
            await store.append([inference(50, trace=7, end_ns=NOON - 7 * MINUTE, name="late")])
            await store.close()
            found = (await finder.find(session, wish)).data
    assert read == [f"{7:032x}"]
    assert {trace.trace_id for trace in found.traces} == {f"{number:032x}" for number in (7, 19, 20)}


async def test_latencies_are_exact_while_few_spans_have_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        async with await session_on(tmp_path, stack, TraceSourceKind.EMBEDDED) as session:
            few = (await show_traffic(session, HOUR)).data.arms
            monkeypatch.setattr(trace_traffic, "MOST_EXACT", 20)
            many = (await show_traffic(session, HOUR)).data.arms
    assert {item.method for item in few} == {QuantileMethod.EXACT}
    assert {item.method for item in many} == {QuantileMethod.BUCKETS}
    canary = next(item for item in few if item.arm.arm == "canary")
    assert canary.p50_ns == 12_500_000
    assert canary.p99_ns == pytest.approx(19_850_000)
