"""Where the inference traces of a context are: in a folder of this machine, or behind a server that keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class TraceSourceKind(StrEnum):
    """What keeps the traces.

    EMBEDDED is the store that ``traces collect`` fills, CLICKHOUSE the tables of the OpenTelemetry Collector,
    OBSERVABILITY GitLab Observability (which is SigNoz), GITLAB the tracing API that GitLab had before.
    """

    EMBEDDED = "embedded"
    CLICKHOUSE = "clickhouse"
    OBSERVABILITY = "observability"
    JAEGER = "jaeger"
    TEMPO = "tempo"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True)
class TraceSource:
    """A place that keeps traces, and how its token is got; the token itself never stands here.

    ``url`` is a server's address without a slash at its end, ``data`` the folder of an embedded store (None: the
    user's). ``database`` and ``table`` are ClickHouse's, None for those of the Collector. ``tenant`` is who one is to
    Tempo or Jaeger. With a ``user`` the token is that user's password. ``timeout`` is in seconds. At most one of
    ``token_file``, ``token_command`` and ``token_variable`` (of the environment) is set.
    """

    kind: TraceSourceKind = TraceSourceKind.EMBEDDED
    url: str = ""
    data: Path | None = None
    database: str | None = None
    table: str | None = None
    tenant: str | None = None
    user: str | None = None
    ca_bundle: str | None = None
    timeout: float = 30.0
    token_file: Path | None = None
    token_command: tuple[str, ...] = field(default=(), repr=False)
    token_variable: str | None = None
