"""Stores that cannot count: what is a sample says so, and what is complete is complete."""

from __future__ import annotations

import pytest

from mlops_tui.domain.credentials import Secret
from mlops_tui.domain.errors import InsufficientDataError
from mlops_tui.domain.trace_queries import LAST_NS, QuantileMethod, SubjectFilter, TimeRange, TraceQuery, WindowQuery
from mlops_tui.tracing.sources.gitlab import GitLabTracing
from mlops_tui.tracing.sources.jaeger import Jaeger
from mlops_tui.tracing.sources.sampling import MOST_SEARCHES, SampledTraces, Search
from mlops_tui.tracing.sources.servers import ServerOptions, TraceServer
from mlops_tui.tracing.sources.tempo import Tempo, query_text
from tests.clocks import START, ManualClock
from tests.storage.trace_spans import NOON, SECOND, inference
from tests.tracing.sources.gitlab import SECOND as SECOND_GENERATION
from tests.tracing.sources.gitlab import TOKEN, FakeGitLabTracing
from tests.tracing.sources.jaeger import FakeJaeger
from tests.tracing.sources.serving import served
from tests.tracing.sources.tempo import FakeTempo

COUNT = 60
RANGE = TimeRange(NOON, NOON + 600 * SECOND)
EVENLY = [inference(number + 1, end_ns=NOON + number * 10 * SECOND) for number in range(COUNT)]
# More at one moment than is given at once: halving cannot tell them apart.
CROWDED = [inference(number, end_ns=NOON + 5 * SECOND) for number in range(1, COUNT)]


def clock() -> ManualClock:
    return ManualClock(START.replace(hour=13))


@pytest.mark.parametrize("depth", [7, 100])
async def test_time_is_halved_until_all_was_seen(depth: int) -> None:
    fake = FakeJaeger(EVENLY)
    with served(fake.application) as url:
        server = TraceServer(url, ServerOptions(), clock())
        reader = SampledTraces("jaeger", Jaeger(server, depth), clock())
        (arm,) = await reader.statistics(RANGE, SubjectFilter(model="fraud"))
        windows = await reader.windows(WindowQuery("fraud", RANGE))
        await server.close()
    assert (arm.spans, arm.sampled, arm.method) == (COUNT, None, QuantileMethod.EXACT)
    assert ([row.values.n for row in windows.rows], windows.sampled) == ([30, 30], None)
    assert (fake.searches > 6) is (depth == 7)


async def test_what_could_not_be_seen_whole_is_a_sample_and_says_of_how_many() -> None:
    fake = FakeJaeger(CROWDED)
    with served(fake.application) as url:
        server = TraceServer(url, ServerOptions(), clock())
        reader = SampledTraces("jaeger", Jaeger(server, 7), clock())
        answer = await reader.windows(WindowQuery("fraud", RANGE))
        (arm,) = await reader.statistics(RANGE, SubjectFilter(model="fraud"))
        (part,) = await reader.traffic(WindowQuery("fraud", RANGE))
        (service,) = await reader.services(RANGE)
        with pytest.raises(InsufficientDataError, match="jaeger gave 7 spans and has more"):
            await reader.labelled(WindowQuery("fraud", RANGE))
        await server.close()
    assert answer.sampled == 7
    assert [row.values.n for row in answer.rows] == [7]
    assert (arm.spans, arm.sampled, arm.method) == (7, 7, QuantileMethod.SAMPLE)
    assert (part.sampled, service.sampled) == (7, 7)
    assert fake.searches <= 5 * MOST_SEARCHES


async def test_without_a_beginning_a_week_is_looked_at_and_that_is_a_sample() -> None:
    old = inference(99, end_ns=NOON - 30 * 86_400 * SECOND)
    with served(FakeJaeger([*EVENLY, old]).application) as url:
        server = TraceServer(url, ServerOptions(), clock())
        reader = SampledTraces("jaeger", Jaeger(server), clock())
        (everything,) = await reader.statistics(TimeRange(0, LAST_NS), SubjectFilter())
        (found,) = await reader.traces(TraceQuery(limit=1))
        await server.close()
    assert (everything.spans, everything.sampled) == (COUNT, COUNT)
    assert found.end_ns == EVENLY[-1].end_ns


async def test_pages_are_read_to_their_end() -> None:
    fake = FakeGitLabTracing(EVENLY)
    with served(fake.application) as url:
        options = ServerOptions({"PRIVATE-TOKEN": TOKEN}, Secret(TOKEN))
        server = TraceServer(url + SECOND_GENERATION, options, clock())
        reader = SampledTraces("gitlab", GitLabTracing(server, page=25), clock(), paging=True)
        (arm,) = await reader.statistics(RANGE, SubjectFilter(model="fraud"))
        assert fake.pages == 3
        few = SampledTraces("gitlab", GitLabTracing(server, page=5, most_pages=2), clock())
        answer = await few.windows(WindowQuery("fraud", TimeRange(NOON, NOON + 600 * SECOND), width=600))
        whole_day = await reader.statistics(TimeRange(NOON - 86_400 * SECOND, RANGE.end_ns), SubjectFilter())
        await server.close()
    assert (arm.spans, arm.sampled) == (COUNT, None)
    assert sum(row.values.n for row in answer.rows) == COUNT
    assert [(item.spans, item.sampled) for item in whole_day] == [(COUNT, None)]


async def test_a_tenant_is_named_and_a_query_keeps_its_quotes() -> None:
    hostile = Search(RANGE, SubjectFilter(model='a" || true || "', service="b\\"))
    assert query_text(hostile) == ('{ .ml.model.name = "a\\" || true || \\"" && resource.service.name = "b\\\\" }')
    fake = FakeTempo(EVENLY)
    with served(fake.application) as url:
        server = TraceServer(url, ServerOptions({"X-Scope-OrgID": "acme"}), clock())
        assert len((await Tempo(server, most=5).find(Search(RANGE, SubjectFilter()))).spans) == 5
        await server.close()
    assert fake.tenants == {"acme"}
