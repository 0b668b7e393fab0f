"""Opening the traces of a context."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_tui.config.paths import Paths
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.errors import ConfigError, UsageError
from mlops_tui.domain.trace_queries import TraceQuery, WindowQuery
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from mlops_tui.operations.session import open_session
from mlops_tui.operations.trace_sources import reading_traces
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from tests.clocks import ManualClock
from tests.config.files import write
from tests.storage.trace_spans import inference
from tests.tracing.sources.serving import served
from tests.tracing.sources.signoz import KEY, FakeSignoz


async def test_a_session_opens_its_traces_once_they_are_there(tmp_path: Path) -> None:
    clock = ManualClock()
    paths = Paths(tmp_path / "config", tmp_path / "cache", tmp_path / "state", tmp_path / "data")
    async with open_session(Context("a", "http://127.0.0.1:1"), None, clock, paths=paths) as session:
        with pytest.raises(UsageError, match="traces collect"):
            await session.traces()
        store = TraceStore(paths.data / FILE_NAME, clock)
        await store.append([inference(1)])
        reader = await session.traces()
        assert await session.traces() is reader
        (traffic,) = await reader.traffic(WindowQuery("fraud"))
        assert (reader.name, traffic.traffic.spans) == ("embedded", 1)
        await store.close()


async def test_a_server_is_opened_with_the_token_that_the_context_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = [inference(1)]
    clock = ManualClock()
    with served(FakeSignoz(spans).application) as url:
        for changes in (
            {"token_file": write(tmp_path / "key", KEY + "\n")},
            {"token_command": ("printf", KEY)},
            {"token_variable": "TRACES_KEY"},
        ):
            monkeypatch.setenv("TRACES_KEY", KEY)
            source = TraceSource(TraceSourceKind.OBSERVABILITY, url, **changes)
            async with reading_traces(source, tmp_path, clock) as reader:
                assert [item.trace_id for item in await reader.traces(TraceQuery())] == [spans[0].trace_id]
        monkeypatch.delenv("TRACES_KEY")
        with pytest.raises(ConfigError, match="TRACES_KEY is not set"):
            async with reading_traces(source, tmp_path, clock):
                pass
