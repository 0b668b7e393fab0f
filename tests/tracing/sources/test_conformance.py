"""The same spans in, the same answers out, whichever store has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlops_tui.analysis.drift_windows import fold_rows, judge, together
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.domain.credentials import Secret
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, FeatureProfile
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, TraceQuery, WindowQuery
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus
from mlops_tui.domain.windows import WindowKey, WindowRow
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.storage.traces import TraceStore
from mlops_tui.tracing.readers import TraceReader
from mlops_tui.tracing.sources.opening import reading_server
from tests.clocks import START, ManualClock
from tests.storage.trace_spans import NOON, SECOND
from tests.tracing.sources.clickhouse import ClickHouseProcess, clickhouse, needs_clickhouse
from tests.tracing.sources.gitlab import FIRST, TOKEN, FakeGitLabTracing
from tests.tracing.sources.gitlab import SECOND as SECOND_GENERATION
from tests.tracing.sources.jaeger import FakeJaeger
from tests.tracing.sources.serving import served
from tests.tracing.sources.signoz import KEY, FakeSignoz
from tests.tracing.sources.tempo import FakeTempo
from tests.tracing.sources.traffic import PROFILE, WIDTH, traffic, with_whole_numbers

ALL = TimeRange(NOON - 300 * SECOND, NOON + 1_200 * SECOND)
WIDTH_OF_WINDOWS = timedelta(seconds=WIDTH)
REFERENCE = [
    FeatureProfile(
        name,
        FeatureKind.CATEGORICAL if isinstance(bins, CategoryBins) else FeatureKind.NUMERIC,
        bins,
        FeatureCounts(60 * bins.size, 0, 0, 0, 0, 0.0, 0.0, -1.0, 1e9, tuple(60 for _ in range(bins.size))),
    )
    for name, bins in PROFILE.bins.items()
]
Database = Callable[[], ClickHouseProcess]


@dataclass(frozen=True, slots=True)
class Store:
    """A kind of store, with how it is filled and what of a span gets lost there.

    ``finite`` stores cannot hold NaN and infinities, ``untyped`` ones give numbers of which nobody knows whether they
    were 5 or 5.0 as categories. A ``variant`` speaks another dialect of a store that is tested in full.
    """

    name: str
    source: Callable[[ExitStack, Sequence[Span], Database], TraceSource]
    secret: str = ""
    pushes_down: bool = True
    finite: bool = False
    untyped: bool = False
    variant: bool = False
    loses: tuple[str, ...] = ()


def _collector_tables(kind: str, stack: ExitStack, spans: Sequence[Span], database: Database) -> TraceSource:
    process, table = database(), f"{kind}_traces"
    if kind == "json":
        process.make_json_table(table, spans)
    else:
        process.make_map_table(table, spans, old=kind == "old_map")
    return TraceSource(TraceSourceKind.CLICKHOUSE, process.url, table=table)


def _signoz(stack: ExitStack, spans: Sequence[Span], database: Database) -> TraceSource:
    process = database()
    process.make_signoz_table(spans)
    url = stack.enter_context(served(FakeSignoz(spans, process).application))
    return TraceSource(TraceSourceKind.OBSERVABILITY, url)


def _signoz_without_sql(stack: ExitStack, spans: Sequence[Span], database: Database) -> TraceSource:
    return TraceSource(TraceSourceKind.OBSERVABILITY, stack.enter_context(served(FakeSignoz(spans).application)))


def _jaeger(stack: ExitStack, spans: Sequence[Span], database: Database, *, is_old: bool = False) -> TraceSource:
    url = stack.enter_context(served(FakeJaeger(spans, is_old=is_old).application))
    return TraceSource(TraceSourceKind.JAEGER, url)


def _tempo(stack: ExitStack, spans: Sequence[Span], database: Database, *, is_old: bool = False) -> TraceSource:
    url = stack.enter_context(served(FakeTempo(spans, is_old=is_old).application))
    return TraceSource(TraceSourceKind.TEMPO, url, tenant="acme")


def _gitlab(generation: str, stack: ExitStack, spans: Sequence[Span], database: Database) -> TraceSource:
    url = stack.enter_context(served(FakeGitLabTracing(spans).application))
    return TraceSource(TraceSourceKind.GITLAB, url + generation)


STORES = (
    Store("clickhouse-map", partial(_collector_tables, "map")),
    Store("clickhouse-old-map", partial(_collector_tables, "old_map"), variant=True),
    Store("clickhouse-json", partial(_collector_tables, "json"), finite=True),
    Store("observability", _signoz, KEY, loses=("scope",)),
    Store(
        "observability-raw", _signoz_without_sql, KEY, pushes_down=False, finite=True, untyped=True, loses=("scope",)
    ),
    Store("jaeger", _jaeger, pushes_down=False),
    Store("jaeger-old", partial(_jaeger, is_old=True), pushes_down=False, variant=True),
    Store("tempo", _tempo, pushes_down=False),
    Store("tempo-old", partial(_tempo, is_old=True), pushes_down=False, variant=True),
    Store(
        "gitlab", partial(_gitlab, SECOND_GENERATION), TOKEN, pushes_down=False, untyped=True,
        loses=("scope", "kind", "events", "links", "status_message"),
    ),
    Store(
        "gitlab-first", partial(_gitlab, FIRST), TOKEN, pushes_down=False, untyped=True, variant=True,
        loses=("scope", "kind", "events", "links", "status_message"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opened:
    """A store that is filled, and ours with the same spans."""

    store: Store
    source: TraceSource
    path: Path


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """The one ClickHouse of this module, started when somebody needs it."""
    with ExitStack() as stack:
        running: list[ClickHouseProcess] = []

        def start() -> ClickHouseProcess:
            if not running:
                running.append(stack.enter_context(clickhouse()))
            return running[0]

        yield start


def _mark(store: Store) -> Any:
    needs = store.pushes_down
    return pytest.param(store, id=store.name, marks=[needs_clickhouse] if needs else [])


in_full = pytest.mark.parametrize(
    "opened", [_mark(store) for store in STORES if not store.variant], indirect=True, scope="module"
)
dialects = pytest.mark.parametrize(
    "opened", [_mark(store) for store in STORES if store.variant], indirect=True, scope="module"
)


@pytest.fixture(scope="module")
def opened(
    request: pytest.FixtureRequest, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    store: Store = request.param
    spans = traffic(finite=store.finite, whole=not store.untyped)
    path = tmp_path_factory.mktemp("embedded") / "traces.db"

    async def fill() -> None:
        embedded = TraceStore(path, ManualClock())
        await embedded.append(spans)
        await embedded.close()

    asyncio.run(fill())
    with ExitStack() as stack:
        yield Opened(store, store.source(stack, spans, database), path)


@pytest.fixture
async def theirs(opened: Opened) -> AsyncIterator[TraceReader]:
    clock = ManualClock(START.replace(hour=13))
    secret = Secret(opened.store.secret) if opened.store.secret else None
    async with reading_server(opened.source, secret, clock) as reader:
        yield reader


@pytest.fixture
def ours(opened: Opened) -> Iterator[EmbeddedTraces]:
    reader = EmbeddedTraces(opened.path)
    yield reader
    reader.close()


def counts(rows: Sequence[WindowRow]) -> dict[WindowKey, FeatureCounts]:
    """Rows by their keys, with sums left out: those are the same to rounding only."""
    return {row.key: replace(row.values, sum=0.0, sum_sq=0.0) for row in rows}


def without(span: Span, lost: Sequence[str]) -> Span:
    nothing: dict[str, Any] = {
        "scope": Scope(), "kind": SpanKind.UNSPECIFIED, "events": (), "links": (), "status_message": ""
    }  # fmt: skip
    return replace(span, resource=Resource(dict(span.resource.attributes)), **{name: nothing[name] for name in lost})


@in_full
def test_a_reader_says_what_it_can_do(opened: Opened, theirs: TraceReader) -> None:
    assert theirs.name == opened.source.kind
    assert theirs.capabilities.push_down is opened.store.pushes_down


@in_full
@pytest.mark.parametrize(
    "query",
    [
        WindowQuery("fraud", ALL),
        WindowQuery("fraud", ALL, profile_id=PROFILE.profile_id, profile=PROFILE),
        WindowQuery("fraud", ALL, SubjectFilter(arm="canary", version="1.3.0"), ("amount", "absent")),
        WindowQuery("fraud", TimeRange(NOON + 10 * SECOND, NOON + 310 * SECOND)),
        WindowQuery("fraud", ALL, SubjectFilter(), ("attribute.app.revenue", "attribute.app.tokens", "attribute.none")),
        WindowQuery("nobody", ALL),
    ],
    ids=["moments", "bins", "subjects", "range", "attributes", "nothing"],
)
async def test_windows_are_the_same_to_the_last_integer(
    theirs: TraceReader, ours: EmbeddedTraces, query: WindowQuery
) -> None:
    answer, expected = await theirs.windows(query), await ours.windows(query)
    assert counts(answer.rows) == counts(expected.rows)
    assert bool(answer.rows) is (query.model != "nobody")
    assert [row.key.window_start for row in answer.rows] == [row.key.window_start for row in expected.rows]
    sums = {row.key: (row.values.sum, row.values.sum_sq) for row in expected.rows}
    for row in answer.rows:
        assert (row.values.sum, row.values.sum_sq) == pytest.approx(sums[row.key], rel=1e-12, abs=1e-12)
    assert answer.sampled is None


@in_full
async def test_drift_is_the_same_to_the_last_bit(theirs: TraceReader, ours: EmbeddedTraces) -> None:
    query = WindowQuery("fraud", ALL, profile_id=PROFILE.profile_id, profile=PROFILE)
    figures = []
    for reader in (theirs, ours):
        rows = (await reader.windows(query)).rows
        subjects = sorted({(row.key.version, row.key.arm) for row in rows})
        assert len(subjects) > 1
        for subject in subjects:
            windows = fold_rows((row for row in rows if (row.key.version, row.key.arm) == subject), WIDTH_OF_WINDOWS)
            figures.append((subject, judge(REFERENCE, together(windows.values()), Limits(fewest_rows=1))))
    assert figures[: len(figures) // 2] == figures[len(figures) // 2 :]
    assert any(result.value for _, results in figures for result in results)


@in_full
async def test_traffic_is_the_same(theirs: TraceReader, ours: EmbeddedTraces) -> None:
    for query in (WindowQuery("", ALL), WindowQuery("fraud", ALL, SubjectFilter(arm="stable"), width=WIDTH)):
        found = await theirs.traffic(query)
        assert len(found) > 1
        assert found == await ours.traffic(query)


@in_full
async def test_statistics_and_services_are_the_same(theirs: TraceReader, ours: EmbeddedTraces) -> None:
    assert await theirs.statistics(ALL, SubjectFilter()) == await ours.statistics(ALL, SubjectFilter())
    canary = SubjectFilter(model="fraud", arm="canary")
    assert await theirs.statistics(ALL, canary) == await ours.statistics(ALL, canary)
    assert await theirs.services(ALL) == await ours.services(ALL)
    assert await theirs.columns("fraud", ALL) == await ours.columns("fraud", ALL)


@in_full
@pytest.mark.parametrize(
    "query",
    [
        TraceQuery(ALL),
        TraceQuery(ALL, status=SpanStatus.ERROR),
        TraceQuery(ALL, SubjectFilter(service="fraud-api", version="1.3.0"), least_ns=1_000, most_ns=200_000_000),
        TraceQuery(ALL, attributes=(("ml.feature.country", "it's"),)),
        TraceQuery(ALL, attributes=(("ml.feature.amount", "5"), ("deployment.environment.name", "production"))),
        TraceQuery(TimeRange(NOON + 100 * SECOND, NOON + 101 * SECOND)),
    ],
    ids=["all", "errors", "durations", "text", "number", "range"],
)
async def test_the_same_traces_are_found(theirs: TraceReader, ours: EmbeddedTraces, query: TraceQuery) -> None:
    everything = replace(query, limit=1_000)
    found, expected = await theirs.traces(everything), await ours.traces(everything)
    assert set(found) == set(expected)
    few = await theirs.traces(replace(query, limit=5))
    assert [item.end_ns for item in few] == [item.end_ns for item in await ours.traces(replace(query, limit=5))]


@in_full
async def test_a_trace_comes_back_whole(opened: Opened, theirs: TraceReader, ours: EmbeddedTraces) -> None:
    for number in (1, 10, 500, 700, 803):
        found, expected = await theirs.trace(f"{number:032x}"), await ours.trace(f"{number:032x}")
        assert found is not None
        assert expected is not None
        lost = opened.store.loses
        assert repr(with_whole_numbers(found.spans)) == repr(
            with_whole_numbers([without(span, lost) for span in expected.spans])
        )
    assert await theirs.trace("f" * 32) is None


@in_full
async def test_late_labels_find_their_predictions(opened: Opened, theirs: TraceReader, ours: EmbeddedTraces) -> None:
    query = WindowQuery("fraud", TimeRange(NOON, NOON + 1_200 * SECOND))
    found = {item.span_id: item for item in await theirs.labelled(query)}
    expected = {item.span_id: item for item in await ours.labelled(query)}
    if "links" in opened.store.loses:
        del expected[f"{1:016x}"]
    assert found == expected


@dialects
async def test_a_dialect_is_understood(opened: Opened, theirs: TraceReader, ours: EmbeddedTraces) -> None:
    errors = TraceQuery(ALL, status=SpanStatus.ERROR, limit=1_000)
    assert set(await theirs.traces(errors)) == set(await ours.traces(errors))
    found, expected = await theirs.trace(f"{700:032x}"), await ours.trace(f"{700:032x}")
    assert found is not None
    assert expected is not None
    lost = opened.store.loses
    assert with_whole_numbers(found.spans) == with_whole_numbers([without(span, lost) for span in expected.spans])
    assert await theirs.trace("f" * 32) is None
