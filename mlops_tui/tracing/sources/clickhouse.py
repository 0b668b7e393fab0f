"""ClickHouse over plain HTTP, with the tables that the OpenTelemetry Collector fills.

Source: opentelemetry-collector-contrib, exporter/clickhouseexporter; ClickHouse, docs/en/interfaces/http.md. Queries
are sent as bodies and read-only; the layout of the table is found out once.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.domain.errors import ConfigError
from mlops_tui.domain.trace_queries import TimeRange
from mlops_tui.tracing.sources.servers import ServerAnswer, TraceServer
from mlops_tui.tracing.sources.sql_layouts import JsonLayout, Layout, MapLayout
from mlops_tui.tracing.sources.sql_text import identifier, quoted

DATABASE, TABLE = "default", "otel_traces"
_LOOKUP = "_trace_id_ts"
_SECOND = 1_000_000_000
# Statuses with which ClickHouse says what is wrong, and its codes for an unknown setting and one that may not be set.
_EXPLAINED = (400, 403, 404, 500)
_SETTING_REFUSED = frozenset({"115", "164"})


class ClickHouse:
    """A database of ClickHouse with a table of traces."""

    def __init__(self, server: TraceServer, database: str = DATABASE, table: str = TABLE) -> None:
        self._server = server
        self._database, self._table = database, table
        self._layout: Layout | None = None
        self._has_lookup = False
        self._allowed = 2

    async def layout(self) -> Layout:
        """How spans lie in the table.

        Raises:
            ConfigError: There is no such table, or it is none of the Collector's.
        """
        if self._layout is None:
            self._layout = await self._found_layout()
        return self._layout

    async def when(self, trace_id: str) -> TimeRange:
        """The time of a trace by the table that the Collector keeps for that; all time where it does not know."""
        await self.layout()
        if not self._has_lookup:
            return TimeRange()
        statement = (
            "SELECT concat(toString(count()), ' ', toString(toUnixTimestamp(min(Start))), ' ', "
            f"toString(toUnixTimestamp(max(End)))) AS answer FROM {identifier(self._database, self._table + _LOOKUP)} "
            f"WHERE TraceId = {quoted(trace_id)}"
        )
        found, first, last = map(int, (await self.run("find the trace", statement))[0].split())
        return TimeRange(first * _SECOND, (last + 1) * _SECOND) if found else TimeRange()

    async def run(self, what: str, statement: str) -> Sequence[str]:
        """The ``answer`` of each row."""
        answer = await self._sent(what, statement)
        rows = answer.json()
        try:
            return [str(row[0]) for row in rows["data"]]
        except (KeyError, IndexError, TypeError):
            raise answer.unreadable("it holds no rows") from None

    async def _sent(self, what: str, statement: str) -> ServerAnswer:
        """Send a query with as many settings as the user may make: read-only, and how numbers are read."""
        for allowed in range(self._allowed, -1, -1):
            self._allowed = allowed
            settings = self._layout.settings if self._layout is not None and allowed else ""
            text = f"{statement} {f'SETTINGS {settings} ' if settings else ''}FORMAT JSONCompact"
            parameters = [("database", self._database), ("wait_end_of_query", "1"), ("readonly", "2")][: 1 + allowed]
            answer = await self._server.post(what, "/", text.encode(), parameters, accepted=_EXPLAINED)
            if answer.status == 200:
                return answer
            if answer.headers.get("x-clickhouse-exception-code", "") not in _SETTING_REFUSED:
                break
        raise self._server.refused(answer)

    async def _found_layout(self) -> Layout:
        place = f"database = {quoted(self._database)}"
        columns = await self.run(
            "look at the table",
            f"SELECT concat(name, ' ', type) AS answer FROM system.columns "
            f"WHERE {place} AND table = {quoted(self._table)} AND name IN ('Timestamp', 'SpanAttributes')",
        )
        types = dict(column.split(" ", 1) for column in columns)
        if not types:
            raise ConfigError(
                f"There is no table {self._database}.{self._table}",
                why="or this user may not see it",
                remedy="Set database and table in the context's traces",
            )
        lookup = await self.run(
            "look at the tables",
            f"SELECT name AS answer FROM system.tables WHERE {place} AND name = {quoted(self._table + _LOOKUP)}",
        )
        self._has_lookup = bool(lookup)
        attributes = types.get("SpanAttributes", "")
        if attributes.startswith("Map(") and "Timestamp" in types:
            return MapLayout(self._database, self._table)
        if attributes.startswith(("JSON", "Object(")) and "Timestamp" in types:
            return JsonLayout(self._database, self._table)
        raise ConfigError(
            f"{self._database}.{self._table} is no table of the OpenTelemetry Collector",
            why=f"its SpanAttributes are {attributes or 'missing'}",
            remedy="Set database and table in the context's traces",
        )
