"""ClickHouse by its own rules: what it refuses, how it is sorted, and that no text leaves its quotes."""

from __future__ import annotations

import math
import struct
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.credentials import Secret
from mlops_tui.domain.errors import ConfigError, InsufficientDataError, NotAllowedError
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, WindowQuery
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from mlops_tui.tracing.sources.opening import reading_server
from mlops_tui.tracing.sources.sql_text import doubles, quoted, texts
from tests.tracing.sources.clickhouse import ROOT, ClickHouseProcess, clickhouse, needs_clickhouse
from tests.tracing.sources.traffic import traffic

pytestmark = needs_clickhouse


@pytest.fixture(scope="module")
def process() -> Iterator[ClickHouseProcess]:
    with clickhouse() as running:
        running.make_map_table("otel_traces", traffic(count=20))
        running.execute("CREATE TABLE odd (Timestamp DateTime64(9), SpanAttributes String) ENGINE = Memory")
        yield running


def source(process: ClickHouseProcess, **changes: str) -> TraceSource:
    return TraceSource(TraceSourceKind.CLICKHOUSE, process.url, **changes)  # type: ignore[arg-type]  # texts all


@settings(max_examples=20)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8))
def test_a_text_is_the_same_behind_its_quotes(process: ClickHouseProcess, values: list[str]) -> None:
    (row,) = process.execute(f"SELECT arrayMap(text -> hex(text), {texts(values)})")["data"]
    assert [bytes.fromhex(text).decode() for text in row[0]] == values


@settings(max_examples=20)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_a_number_is_the_same_to_the_last_bit(process: ClickHouseProcess, values: list[float]) -> None:
    statement = f"SELECT arrayMap(x -> toString(reinterpretAsUInt64(x)), {doubles(values)})"
    (row,) = process.execute(statement)["data"]
    found = [struct.unpack("<d", struct.pack("<Q", int(bits)))[0] for bits in row[0]]
    assert [(value, math.copysign(1, value)) for value in found] == [
        (value, math.copysign(1, value)) for value in values
    ]


def test_nothing_ends_a_literal_or_begins_a_template() -> None:
    assert set(quoted("' OR 1 --\\ {{start}} $end [[x]] `").strip("'")) & set("'\"`{}$[]()") == set()


async def test_a_name_that_is_sql_finds_nothing_and_harms_nothing(process: ClickHouseProcess) -> None:
    async with reading_server(source(process), None, SystemClock()) as reader:
        before = await reader.services(TimeRange())
        assert await reader.statistics(TimeRange(), SubjectFilter(model="x'; DROP TABLE otel_traces; --")) == ()
        assert (await reader.windows(WindowQuery("fraud", columns=("a', 1) OR ('",)))).rows[0].values.n > 0
        assert await reader.trace("' OR 1 = 1 --") is None
        assert await reader.services(TimeRange()) == before


@pytest.mark.parametrize(
    ("table", "words"),
    [("nothing", "There is no table"), ("odd", "no table of the OpenTelemetry Collector")],
)
async def test_a_table_that_is_not_the_collectors_is_named(process: ClickHouseProcess, table: str, words: str) -> None:
    async with reading_server(source(process, table=table), None, SystemClock()) as reader:
        with pytest.raises(ConfigError, match=words):
            await reader.services(TimeRange())


async def test_a_wrong_password_is_told_without_it(process: ClickHouseProcess) -> None:
    async with reading_server(source(process, user="reader"), Secret("wrong"), SystemClock()) as reader:
        with pytest.raises(NotAllowedError, match="516") as caught:
            await reader.services(TimeRange())
    assert "wrong" not in str(caught.value)


async def test_a_user_who_may_set_nothing_is_asked_without_settings(process: ClickHouseProcess) -> None:
    async with reading_server(source(process, user="bound"), Secret("right"), SystemClock()) as reader:
        assert await reader.services(TimeRange())


async def test_a_profile_without_its_bins_is_refused(process: ClickHouseProcess) -> None:
    async with reading_server(source(process), None, SystemClock()) as reader:
        with pytest.raises(InsufficientDataError, match="does not know its bins"):
            await reader.windows(WindowQuery("fraud", profile_id="b" * 64))


@pytest.fixture
async def sorted_table(process: ClickHouseProcess) -> AsyncIterator[str]:
    """The second table that the documentation offers, made by the statements that stand there."""
    page = (ROOT / "docs" / "traces.md").read_text("utf-8")
    for statement in page.partition("```sql\n")[2].partition("```")[0].split(";"):
        if statement.strip():
            # Without a server nothing runs in the background, so that old rows would go at once.
            process.execute(statement.partition("TTL")[0] if "TTL" in statement else statement)
    yield "otel_ml_traces"
    process.execute("DROP TABLE otel_ml_traces_mv")
    process.execute("DROP TABLE otel_ml_traces")


async def test_a_table_sorted_by_model_gives_the_same(process: ClickHouseProcess, sorted_table: str) -> None:
    query = WindowQuery("fraud")
    async with (
        reading_server(source(process), None, SystemClock()) as reader,
        reading_server(source(process, table=sorted_table), None, SystemClock()) as sorted_reader,
    ):
        assert await sorted_reader.windows(query) == await reader.windows(query)
        assert await sorted_reader.traffic(query) == await reader.traffic(query)
