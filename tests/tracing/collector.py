"""A collector in a thread of its own, reached over real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from starlette.types import ASGIApp

from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange
from mlops_tui.operations.traces import CollectorSettings, collecting
from mlops_tui.storage.traces import TraceStore
from mlops_tui.tracing.server import IntakeServer, listen, url_of

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunningCollector:
    """Where it listens, its store, and what its application was wrapped in."""

    url: str
    store: TraceStore
    loop: asyncio.AbstractEventLoop
    wrapper: Any

    def post(self, body: bytes, headers: dict[str, str] | None = None, path: str = "/v1/traces") -> httpx.Response:
        """Send one body."""
        given = PROTOBUF if headers is None else headers
        return httpx.post(self.url + path, content=body, headers=given, trust_env=False, timeout=30)

    def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the store in its own loop."""
        return asyncio.run_coroutine_threadsafe(question, self.loop).result(30)

    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many spans are stored, by model, version and arm."""
        found = self.ask(self.store.reader.statistics(TimeRange(), SubjectFilter()))
        return {(item.model, item.version, item.arm): item.spans for item in found}


@contextmanager
def running_collector(
    folder: Path, *, wrap: Callable[[ASGIApp], ASGIApp] | None = None, **settings: Any
) -> Iterator[RunningCollector]:
    """Collect into ``folder`` for the length of a block."""
    started: list[RunningCollector | BaseException] = []
    is_ready = threading.Event()
    servers: list[IntakeServer] = []

    async def serve() -> None:
        async with collecting(CollectorSettings(folder, **settings), SystemClock()) as collector:
            listener = listen("127.0.0.1", 0)
            wrapper = wrap(collector.application) if wrap else collector.application
            server = IntakeServer(wrapper)
            servers.append(server)
            started.append(RunningCollector(url_of(listener), collector.store, asyncio.get_running_loop(), wrapper))
            await server.serve_on(listener, is_ready.set)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert is_ready.wait(30)
        running = started[0]
        assert isinstance(running, RunningCollector)
        yield running
    finally:
        for server in servers:
            server.stop()
        thread.join(30)
    assert not thread.is_alive()
