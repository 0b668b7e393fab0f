"""Opening the traces of a context."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_tui.config.paths import Paths
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.trace_queries import WindowQuery
from mlops_tui.operations.session import open_session
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from tests.clocks import ManualClock
from tests.storage.trace_spans import inference


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
