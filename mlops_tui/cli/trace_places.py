"""Where the traces of a command are: the folder it names, what its context says, or this user's own store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from mlops_tui.cli.options import GlobalOptions
from mlops_tui.cli.targets import Settings
from mlops_tui.config.paths import Paths, private_folder
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind

if TYPE_CHECKING:
    from mlops_tui.storage.trace_reading import EmbeddedTraces
    from mlops_tui.tracing.readers import TraceReader

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TracePlace:
    """A source of traces, and the folder of the embedded store where it is one."""

    source: TraceSource
    folder: Path

    @classmethod
    def of(cls, data: Path | None, options: GlobalOptions) -> Self:
        """``--data`` wins over the context. Raises ConfigError or UsageError."""
        if data is not None:
            return cls(TraceSource(), data)
        source = Settings.load().traces(options.choice) or TraceSource()
        return cls(source, source.data or Paths.of_user().data)

    @property
    def name(self) -> str:
        """The folder or the address, for people."""
        return str(self.folder) if self._is_embedded else self.source.url

    def ask(self, question: Callable[[TraceReader], Awaitable[_T]]) -> _T:
        """Ask whatever keeps the traces one thing."""
        from mlops_tui.operations.trace_sources import reading_traces

        async def asked() -> _T:
            async with reading_traces(self.source, self.folder, SystemClock()) as reader:
                return await question(reader)

        return asyncio.run(asked())

    def ask_store(self, question: Callable[[EmbeddedTraces], Awaitable[_T]]) -> _T:
        """Ask the embedded store what only it can answer. Raises UsageError when the traces are elsewhere."""
        from mlops_tui.operations.trace_sources import reading_store

        folder = self.store_folder()

        async def asked() -> _T:
            with reading_store(folder) as reader:
                return await question(reader)

        return asyncio.run(asked())

    def store_folder(self) -> Path:
        """The folder of the embedded store. Raises UsageError when the traces are elsewhere."""
        if not self._is_embedded:
            raise UsageError(
                "This is done in the embedded store only",
                why=f"the traces of the context are at {self.source.url}",
                remedy="Name a folder with --data",
            )
        return self.folder

    def own_folder(self) -> Path:
        """The folder of the embedded store, made where it is missing."""
        return private_folder(self.store_folder())

    @property
    def _is_embedded(self) -> bool:
        return self.source.kind is TraceSourceKind.EMBEDDED
