"""Opening the place where inference traces are: a store on this machine, or a server that keeps them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from mlops_tui.config.trace_tokens import trace_token
from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.storage.traces import FILE_NAME
from mlops_tui.tracing.readers import TraceReader


@asynccontextmanager
async def reading_traces(source: TraceSource | None, folder: Path, clock: Clock) -> AsyncIterator[TraceReader]:
    """Open a source of traces for as long as the block lasts; without one, or its own ``data``, that in ``folder``.

    Raises:
        UsageError: There is no store in the folder.
        ConfigError: The token or the certificates of a server cannot be had.
    """
    chosen = source or TraceSource()
    if chosen.kind is TraceSourceKind.EMBEDDED:
        with reading_store(chosen.data or folder) as store:
            yield store
        return
    from mlops_tui.tracing.sources.opening import reading_server

    secret = await asyncio.to_thread(trace_token, chosen, os.environ)
    async with reading_server(chosen, secret, clock) as reader:
        yield reader


@contextmanager
def reading_store(folder: Path) -> Iterator[EmbeddedTraces]:
    """Read the store in a folder, also while a collector fills it.

    Raises:
        UsageError: There is none.
    """
    path = folder / FILE_NAME
    if not path.exists():
        raise UsageError(
            f"There are no traces in {folder}",
            remedy="Collect some with mlops-tui traces collect, or name another --data",
        )
    reader = EmbeddedTraces(path)
    try:
        yield reader
    finally:
        reader.close()
