"""The tracing API that GitLab had before Observability, for those who still run it.

Source: GitLab, app/assets/javascripts/observability/client.js and its fixtures. The address is that of one project, of
either generation: ``https://observe.gitlab.com/v3/query/<id>`` or ``<gitlab>/api/v4/projects/<id>/observability/v1``.
Traces come page by page with all their spans; a range of the list may be twelve hours at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mlops_tui.domain.inferences import ENVIRONMENT, MODEL_NAME, MODEL_VERSION, TRACK
from mlops_tui.domain.text import clean
from mlops_tui.domain.traces import Resource, Scope, Span, SpanKind, SpanStatus, Value
from mlops_tui.tracing.sources.go_values import plain_value, value_of
from mlops_tui.tracing.sources.remote_spans import accepted, status_named
from mlops_tui.tracing.sources.sampling import MOST_SEARCHES, Found, Search
from mlops_tui.tracing.sources.servers import ServerAnswer, TraceServer

PAGE = 500
MOST_PAGES = 20
LONGEST_RANGE_NS = 12 * 3_600 * 1_000_000_000
_SECOND = 1_000_000_000
_TOLD = (("model", MODEL_NAME), ("version", MODEL_VERSION), ("environment", ENVIRONMENT), ("arm", TRACK))


class GitLabTracing:
    """The tracing of one project."""

    most_searches = MOST_SEARCHES

    def __init__(self, server: TraceServer, page: int = PAGE, most_pages: int = MOST_PAGES) -> None:
        self._server = server
        self._page, self._most_pages = page, most_pages

    async def find(self, search: Search) -> Found:
        """Traces, page by page."""
        times = search.times
        if times.end_ns - times.start_ns > LONGEST_RANGE_NS:
            return Found((), is_full=True)
        parameters = [
            *_conditions(search),
            ("start_time", _moment(times.start_ns)),
            ("end_time", _moment(times.end_ns)),
            ("sort", "timestamp_desc"),
            ("page_size", str(self._page)),
        ]
        spans: list[Span] = []
        token = ""
        for _ in range(self._most_pages):
            page = [*parameters, ("page_token", token)] if token else parameters
            answer = await self._server.get("find traces", "/traces", page)
            document = _document(answer)
            spans += [span for trace in _objects(document, "traces") for span in _spans(trace)]
            token = str(document.get("next_page_token") or "")
            if not token:
                return Found(tuple(spans), is_full=False)
        return Found(tuple(spans), is_full=True)

    async def trace(self, trace_id: str) -> tuple[Span, ...]:
        """The spans of one trace; the first versions knew it as a condition only."""
        answer = await self._server.get("read the trace", f"/traces/{trace_id}", accepted=(404,))
        if answer.status == 200:
            return _spans(_document(answer))
        answer = await self._server.get("read the trace", "/traces", (("trace_id", trace_id),), accepted=(404,))
        if answer.status == 404:
            return ()
        found = [span for trace in _objects(_document(answer), "traces") for span in _spans(trace)]
        return tuple(span for span in found if span.trace_id == trace_id)

    async def services(self) -> tuple[str, ...]:
        """The names of the services."""
        document = _document(await self._server.get("list services", "/services"))
        return tuple(sorted(clean(str(item.get("name", ""))) for item in _objects(document, "services")))


def _conditions(search: Search) -> list[tuple[str, str]]:
    told = [(key, value) for part, key in _TOLD if (value := getattr(search.subjects, part))]
    pairs = [(key, value) for key, value in told if (key, value) != (TRACK, "stable")]
    conditions = [pair for key, value in pairs[:1] for pair in (("attr_name", key), ("attr_value", value))]
    if search.subjects.service:
        conditions.append(("service_name", search.subjects.service))
    if search.status in {SpanStatus.OK, SpanStatus.ERROR}:
        conditions.append(("status", search.status.name.lower()))
    return conditions


def _spans(trace: Mapping[str, Any]) -> tuple[Span, ...]:
    found = (_span(item) for item in _objects(trace, "spans"))
    return tuple(span for span in found if span is not None)


def _span(item: Mapping[str, Any]) -> Span | None:
    """A span, whose ids may be in capitals and with the dashes of a UUID."""
    start_ns = _nanoseconds(str(item.get("timestamp", "")))
    duration = item.get("duration_nano", 0)
    return accepted(
        Span(
            str(item.get("trace_id", "")).replace("-", ""),
            str(item.get("span_id", "")).replace("-", ""),
            str(item.get("parent_span_id") or "").replace("-", ""),
            clean(str(item.get("operation", ""))),
            SpanKind.UNSPECIFIED,
            start_ns,
            start_ns + (int(duration) if isinstance(duration, int | float) else 0),
            status_named(str(item.get("status_code", ""))),
            clean(str(item.get("status_message", "")), 2_000),
            _attributes(item.get("span_attributes")),
            Resource({"service.name": clean(str(item.get("service_name", ""))), **_texts(item)}),
            Scope(),
        )
    )


def _texts(item: Mapping[str, Any]) -> dict[str, Value]:
    found = item.get("resource_attributes")
    return {clean(key): plain_value(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _attributes(found: object) -> dict[str, Value]:
    if not isinstance(found, dict):
        return {}
    return {
        clean(str(key)): value_of(value) if isinstance(value, str) else plain_value(value)
        for key, value in found.items()
    }


def _document(answer: ServerAnswer) -> Mapping[str, Any]:
    document = answer.json()
    if not isinstance(document, dict):
        raise answer.unreadable("it is no object")
    return document


def _objects(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    listed = document.get(name) or []
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _moment(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000:06d}Z"


def _nanoseconds(text: str) -> int:
    """A time as RFC 3339 writes it, of which Python reads no more than microseconds; 0 for anything else."""
    whole, dot, rest = text.rstrip("Z").partition(".")
    digits = "".join(character for character in rest[:9] if character.isdigit())
    try:
        moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    except ValueError:
        return 0
    return int(moment.timestamp()) * _SECOND + (int(digits.ljust(9, "0")) if dot and digits else 0)
