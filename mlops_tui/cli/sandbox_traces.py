"""The store behind the sandbox's tracing routes: our intake, and GitLab's former tracing API over what it took in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount

from mlops_tui.cli.sandbox_trace_queries import TraceQueries
from mlops_tui.domain.clock import Clock, SystemClock
from mlops_tui.operations.traces import CollectorSettings, collecting

if TYPE_CHECKING:
    from starlette.types import ASGIApp

# The demo world's policy asks for windows this wide, in seconds, so that something is seen within half a minute.
DEMO_WIDTH = 10


@dataclass(frozen=True, slots=True)
class SandboxTraces:
    """Keeps the traces of one sandbox; ``width`` is that of windows in seconds, None for the store's own."""

    width: int | None = None
    clock: Clock = field(default_factory=SystemClock)

    @asynccontextmanager
    async def serving(self, folder: Path) -> AsyncIterator[ASGIApp]:
        """Keep the store in ``folder`` open as long as the block lasts; gives the application that fills and reads it.

        Raises:
            StorageError: The store cannot be used.
        """
        async with collecting(CollectorSettings(folder, self.width, counts_at_end=False), self.clock) as collector:
            queries = TraceQueries(collector.store.reader, self.clock)
            yield Starlette(
                routes=[Mount("/v3/query", app=queries.application()), Mount("/", app=collector.application)]
            )
