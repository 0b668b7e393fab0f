"""GitLab Observability, which is SigNoz: questions go down to its database as SQL, or as searches where SQL is refused.

Source: SigNoz/signoz, docs/api/openapi.yml, pkg/querier and pkg/types/spantypes. The versions differ in what they wrap
answers in; both ways are understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import ConfigError
from mlops_tui.domain.inferences import ENVIRONMENT, MODEL_NAME, MODEL_VERSION, TRACK
from mlops_tui.domain.text import clean
from mlops_tui.domain.trace_queries import LAST_NS, TimeRange
from mlops_tui.domain.traces import Span
from mlops_tui.tracing.sources.sampling import MOST_SEARCHES, Found, Search
from mlops_tui.tracing.sources.servers import ServerAnswer, TraceServer
from mlops_tui.tracing.sources.signoz_layout import SignozLayout
from mlops_tui.tracing.sources.signoz_spans import span_of
from mlops_tui.tracing.sources.sql_layouts import Layout

NAME = "observability"
PAGE = 1_000
MOST_PAGES = 10
_QUERY = "/api/v5/query_range"
_MILLISECOND = 1_000_000
_PROBE = "SELECT toJSONString(tuple(1)) AS answer"
# Statuses that say that SQL is not for this key or not for this version.
_SQL_REFUSED = (400, 403, 404, 405, 422, 501)
_TOLD = (("model", MODEL_NAME), ("version", MODEL_VERSION), ("arm", TRACK), ("environment", ENVIRONMENT))


class Observability:
    """A server of GitLab Observability, as a database and as a server of spans."""

    most_searches = MOST_SEARCHES

    def __init__(self, server: TraceServer, clock: Clock, page: int = PAGE, most_pages: int = MOST_PAGES) -> None:
        self._server = server
        self._clock = clock
        self._page, self._most_pages = page, most_pages
        self._layout = SignozLayout()

    async def takes_sql(self) -> bool:
        """Whether it runs SQL for this key.

        Raises:
            ConfigError: It is no SigNoz.
            RemoteError: It is not there, or the key is wrong.
        """
        version = await self._server.get("ask for the version", "/api/v1/version", accepted=(404,))
        if version.status == 404 or not isinstance(version.json(), dict):
            raise ConfigError(
                f"{self._server.url} is no GitLab Observability",
                why="it does not tell the version of a SigNoz",
                remedy="Check the kind and the url of the context's traces",
            )
        answer = await self._sent("ask for SQL", "scalar", _sql(_PROBE), self._until_now(), accepted=_SQL_REFUSED)
        return answer.status == 200

    async def layout(self) -> Layout:
        """How spans lie in its database."""
        return self._layout

    async def when(self, trace_id: str) -> TimeRange:  # noqa: ARG002 - its index of traces is not for readers
        """All time: traces are found by their index."""
        return TimeRange()

    async def run(self, what: str, statement: str) -> Sequence[str]:
        """The ``answer`` of each row."""
        answer = await self._sent(what, "scalar", _sql(statement), self._until_now())
        result = _result(answer)
        columns = result.get("columns") or []
        names = [str(column.get("name", "")) for column in columns if isinstance(column, dict)]
        if names != ["answer"] and result.get("data"):
            raise answer.unreadable("it lacks the column that was asked for")
        return [str(row[0]) for row in result.get("data") or () if row]

    async def find(self, search: Search) -> Found:
        """Spans, page by page, the newest first."""
        spans: list[Span] = []
        for page in range(self._most_pages):
            query = _search(search, self._page, page * self._page)
            answer = await self._sent("find spans", "raw", query, search.times)
            rows = _result(answer).get("rows") or []
            spans += [span for row in rows if (span := span_of(_row(row))) is not None]
            if len(rows) < self._page:
                return Found(tuple(spans), is_full=False)
        return Found(tuple(spans), is_full=True)

    async def trace(self, trace_id: str) -> tuple[Span, ...]:
        """The spans of one trace, by the waterfall or by the route that older versions have."""
        body = orjson.dumps({"selectedSpanId": "", "uncollapsedSpans": []})
        answer = await self._server.post(
            "read the trace",
            f"/api/v4/traces/{trace_id}/waterfall",
            body,
            headers={"Content-Type": "application/json"},
            accepted=(404, 405),
        )
        if answer.status != 200:
            return await self._searched(trace_id)
        document = _data(answer)
        spans = document.get("spans") or []
        if document.get("hasMore"):
            return await self._searched(trace_id)
        found = (span_of(item) for item in spans if isinstance(item, dict) and item.get("name") != "Missing Span")
        return tuple(span for span in found if span is not None)

    async def services(self) -> tuple[str, ...]:
        """The names of the services."""
        listed = _plain(await self._server.get("list services", "/api/v1/services/list"))
        return tuple(sorted(clean(str(name)) for name in listed)) if isinstance(listed, list) else ()

    async def _searched(self, trace_id: str) -> tuple[Span, ...]:
        """The spans of a trace by a search, of the last month."""
        now = self._until_now()
        query = _search(None, self._page, 0, f"trace_id = {_text(trace_id)}")
        answer = await self._sent("read the trace", "raw", query, now)
        found = (span_of(_row(row)) for row in _result(answer).get("rows") or [])
        return tuple(span for span in found if span is not None and span.trace_id == trace_id)

    async def _sent(
        self, what: str, kind: str, query: Mapping[str, Any], times: TimeRange, accepted: Sequence[int] = ()
    ) -> ServerAnswer:
        document = {
            "schemaVersion": "v1",
            "start": times.start_ns // _MILLISECOND,
            "end": -(-min(times.end_ns, LAST_NS - _MILLISECOND) // _MILLISECOND),
            "requestType": kind,
            "compositeQuery": {"queries": [query]},
        }
        headers = {"Content-Type": "application/json"}
        return await self._server.post(what, _QUERY, orjson.dumps(document), headers=headers, accepted=accepted)

    def _until_now(self) -> TimeRange:
        """A range that every query has to have; statements hold their own."""
        now_ns = int(self._clock.now().timestamp()) * 1_000_000_000
        return TimeRange(max(0, now_ns - 30 * 86_400 * 1_000_000_000), now_ns)


def _sql(statement: str) -> dict[str, Any]:
    return {"type": "clickhouse_sql", "spec": {"name": "A", "query": statement, "disabled": False}}


def _search(search: Search | None, limit: int, offset: int, condition: str = "") -> dict[str, Any]:
    return {
        "type": "builder_query",
        "spec": {
            "name": "A",
            "signal": "traces",
            "disabled": False,
            "filter": {"expression": condition or _expression(search)},
            "limit": limit,
            "offset": offset,
            "order": [{"key": {"name": "timestamp", "fieldContext": "span"}, "direction": "desc"}],
        },
    }


def _expression(search: Search | None) -> str:
    """What one span has to meet, in the language of searches."""
    if search is None:
        return ""
    told = [(key, value) for part, key in _TOLD if (value := getattr(search.subjects, part))]
    conditions = [f"{key} = {_text(value)}" for key, value in told if (key, value) != (TRACK, "stable")]
    if search.subjects.service:
        conditions.append(f"service.name = {_text(search.subjects.service)}")
    if search.least_ns is not None:
        conditions.append(f"duration_nano >= {search.least_ns}")
    if search.most_ns is not None:
        conditions.append(f"duration_nano <= {search.most_ns}")
    return " AND ".join(conditions)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _plain(answer: ServerAnswer) -> Any:
    """What an answer holds, without the wrapping that says how it went."""
    document = answer.json()
    return document["data"] if isinstance(document, dict) and "status" in document and "data" in document else document


def _data(answer: ServerAnswer) -> Mapping[str, Any]:
    document = _plain(answer)
    if not isinstance(document, dict):
        raise answer.unreadable("it is no object")
    return document


def _result(answer: ServerAnswer) -> Mapping[str, Any]:
    """The one result of a query."""
    document = _data(answer)
    inner = document.get("data", document)
    results = inner.get("results") if isinstance(inner, dict) else None
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise answer.unreadable("it holds no results")
    return results[0] if results else {}


def _row(row: object) -> Mapping[str, Any]:
    data = row.get("data") if isinstance(row, dict) else None
    if not isinstance(data, dict) or not isinstance(row, dict):
        return {}
    return {"timestamp": row.get("timestamp"), **data}
