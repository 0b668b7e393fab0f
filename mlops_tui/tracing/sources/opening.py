"""From what the settings say about a server with traces to the reader that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.credentials import Secret
from mlops_tui.domain.errors import ConfigError
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from mlops_tui.tracing.readers import TraceReader
from mlops_tui.tracing.sources.clickhouse import DATABASE, TABLE, ClickHouse
from mlops_tui.tracing.sources.gitlab import GitLabTracing
from mlops_tui.tracing.sources.jaeger import Jaeger
from mlops_tui.tracing.sources.observability import Observability
from mlops_tui.tracing.sources.sampling import SampledTraces
from mlops_tui.tracing.sources.servers import ServerOptions, TraceServer, basic
from mlops_tui.tracing.sources.sql_reader import SqlTraces
from mlops_tui.tracing.sources.tempo import Tempo


@asynccontextmanager
async def reading_server(source: TraceSource, secret: Secret | None, clock: Clock) -> AsyncIterator[TraceReader]:
    """Read a server for as long as the block lasts.

    Raises:
        ConfigError: The token would travel unencrypted, or the certificates cannot be read.
        RemoteError: The server had to be asked what it can do, and did not answer.
    """
    options = ServerOptions(_headers(source, secret), secret, source.timeout, source.ca_bundle)
    server = TraceServer(source.url, options, clock)
    try:
        yield await _reader(source, server, clock)
    finally:
        await server.close()


async def _reader(source: TraceSource, server: TraceServer, clock: Clock) -> TraceReader:
    name = source.kind.value
    match source.kind:
        case TraceSourceKind.CLICKHOUSE:
            return SqlTraces(name, ClickHouse(server, source.database or DATABASE, source.table or TABLE))
        case TraceSourceKind.OBSERVABILITY:
            observability = Observability(server, clock)
            if await observability.takes_sql():
                return SqlTraces(name, observability)
            return SampledTraces(name, observability, clock, paging=True)
        case TraceSourceKind.JAEGER:
            return SampledTraces(name, Jaeger(server), clock)
        case TraceSourceKind.TEMPO:
            return SampledTraces(name, Tempo(server), clock)
        case TraceSourceKind.GITLAB:
            return SampledTraces(name, GitLabTracing(server), clock, paging=True)
        case TraceSourceKind.EMBEDDED:
            raise ConfigError("An embedded store is no server", remedy="Leave url out", key="traces.kind")


def _headers(source: TraceSource, secret: Secret | None) -> dict[str, str]:
    """What lets one in, and says on whose behalf."""
    headers = {}
    if source.tenant:
        headers["X-Scope-OrgID" if source.kind is TraceSourceKind.TEMPO else "x-tenant"] = source.tenant
    if source.kind is TraceSourceKind.CLICKHOUSE and source.user:
        headers["X-ClickHouse-User"] = source.user
    if secret is not None:
        name, value = _credential(source, secret)
        headers[name] = value
    return headers


def _credential(source: TraceSource, secret: Secret) -> tuple[str, str]:
    match source.kind:
        case TraceSourceKind.CLICKHOUSE:
            return "X-ClickHouse-Key", secret.reveal()
        case TraceSourceKind.OBSERVABILITY:
            return "SIGNOZ-API-KEY", secret.reveal()
        case TraceSourceKind.GITLAB:
            return "PRIVATE-TOKEN", secret.reveal()
        case _ if source.user:
            return "Authorization", basic(source.user, secret)
        case _:
            return "Authorization", f"Bearer {secret.reveal()}"
