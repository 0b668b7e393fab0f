"""What a caller of GitLab's former tracing API wants: its parameters, read and applied to whole traces.

GitLab: app/assets/javascripts/observability/client.js, which is the only description there is of them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from starlette.datastructures import QueryParams

from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, TraceQuery, TraceSummary
from mlops_tui.domain.traces import Span, Trace, text_of

MOST_TRACES = 5_000
_NANOSECONDS = 1_000_000_000
_PERIODS = ("5m", "15m", "30m", "1h", "4h", "12h", "24h", "7d", "14d", "30d")
_DEFAULT_PERIOD = "1h"
_PAGE, _LARGEST_PAGE = 100, 500
_STATUSES = {"ok": False, "error": True}
_TIME_ASCENDING, _TIME_DESCENDING = "timestamp_asc", "timestamp_desc"
_LONGEST_FIRST, _SHORTEST_FIRST = "duration_desc", "duration_asc"

Position = tuple[int, str]
_Test = Callable[[Trace], bool]
_Read = Callable[[Span], str]
_NAMES: Mapping[str, _Read] = {
    "service_name": lambda span: span.resource.service,
    "operation": lambda span: span.name,
    "trace_id": lambda span: span.trace_id,
}


class BadParameterError(ValueError):
    """A parameter that cannot be understood; the text is for the caller."""


@dataclass(frozen=True, slots=True)
class TraceFilters:
    """Which traces of one project are wanted; ``tests`` have to hold for a trace as a whole."""

    query: TraceQuery
    tests: tuple[_Test, ...]

    def admits(self, trace: Trace) -> bool:
        """Whether a trace is wanted."""
        return all(test(trace) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Page:
    """Which stretch of the list is wanted, in which order; ``after`` is where the page before ended."""

    sort: str
    size: int
    after: Position | None

    def ordered(self, summaries: Sequence[TraceSummary]) -> list[TraceSummary]:
        """The traces in the order wanted, from where the page before ended."""
        found = sorted(summaries, key=self._position)
        return found if self.after is None else [one for one in found if self._position(one) > self.after]

    def token(self, last: TraceSummary) -> str:
        """What asks for the page after the one that ended with ``last``."""
        return base64.urlsafe_b64encode(orjson.dumps(self._position(last))).decode()

    def _position(self, summary: TraceSummary) -> Position:
        by_time = self.sort in {_TIME_ASCENDING, _TIME_DESCENDING}
        value = summary.start_ns if by_time else summary.end_ns - summary.start_ns
        return (-value if self.sort.endswith("_desc") else value), summary.trace_id


def read_filters(params: QueryParams, project: str, now: datetime) -> TraceFilters:
    """Read the filters of a request.

    Raises:
        BadParameterError: One cannot be understood.
    """
    names, values = _all(params, "attr_name"), _all(params, "attr_value")
    if len(names) != len(values):
        raise BadParameterError("attr_name and attr_value come in pairs")
    tests = [
        *_name_tests(params),
        *(_has_status(text, is_wanted=True) for text in _all(params, "status")),
        *(_has_status(text, is_wanted=False) for text in _all(params, "not[status]")),
        *(_is_longer(_nanoseconds(text)) for text in _all(params, "gt[duration_nano]")),
        *(_is_shorter(_nanoseconds(text)) for text in _all(params, "lt[duration_nano]")),
        *(_has_attribute(*pair) for pair in zip(names, values, strict=True)),
    ]
    query = TraceQuery(read_times(params, now), SubjectFilter(project=project), limit=MOST_TRACES)
    return TraceFilters(query, tuple(tests))


def read_times(params: QueryParams, now: datetime) -> TimeRange:
    """Read ``period``, or ``start_time`` and ``end_time``; without either the last hour is meant.

    Raises:
        BadParameterError: It is none of the periods there are, or no time.
    """
    if "start_time" in params or "end_time" in params:
        start, end = params.get("start_time", ""), params.get("end_time", "")
        return TimeRange(_instant("start_time", start), _instant("end_time", end))
    period = params.get("period") or _DEFAULT_PERIOD
    if period not in _PERIODS:
        raise BadParameterError(f"period is one of {', '.join(_PERIODS)}")
    end_ns = int(now.timestamp() * _NANOSECONDS)
    return TimeRange(end_ns - int(parse_duration(period).total_seconds() * _NANOSECONDS), end_ns + 1)


def read_page(params: QueryParams) -> Page:
    """Read order, size and place of a page.

    Raises:
        BadParameterError: One cannot be understood.
    """
    sort = params.get("sort") or _TIME_DESCENDING
    if sort not in {_TIME_ASCENDING, _TIME_DESCENDING, _LONGEST_FIRST, _SHORTEST_FIRST}:
        raise BadParameterError("sort is unknown")
    size = params.get("page_size") or str(_PAGE)
    if not size.isdecimal() or not 1 <= int(size) <= _LARGEST_PAGE:
        raise BadParameterError(f"page_size is between 1 and {_LARGEST_PAGE}")
    token = params.get("page_token")
    return Page(sort, int(size), _position(token) if token else None)


def _position(token: str) -> Position:
    try:
        value, trace_id = orjson.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError):
        raise BadParameterError("page_token is not one of ours") from None
    if not isinstance(value, int) or not isinstance(trace_id, str):
        raise BadParameterError("page_token is not one of ours")
    return value, trace_id


def _name_tests(params: QueryParams) -> Iterator[_Test]:
    for name, read in _NAMES.items():
        wanted = frozenset(_plain(name, value) for value in _all(params, name))
        unwanted = frozenset(_plain(name, value) for value in _all(params, f"not[{name}]"))
        if wanted:
            yield _has_one(read, wanted)
        if unwanted:
            yield _has_none(read, unwanted)


def _has_one(read: _Read, names: frozenset[str]) -> _Test:
    return lambda trace: any(read(span) in names for span in trace.spans)


def _has_none(read: _Read, names: frozenset[str]) -> _Test:
    return lambda trace: all(read(span) not in names for span in trace.spans)


def _has_status(text: str, *, is_wanted: bool) -> _Test:
    if text not in _STATUSES:
        raise BadParameterError("status is ok or error")
    failed = _STATUSES[text] is is_wanted
    return lambda trace: any(span.is_error for span in trace.spans) is failed


def _is_longer(least: int) -> _Test:
    return lambda trace: duration_ns(trace) > least


def _is_shorter(most: int) -> _Test:
    return lambda trace: duration_ns(trace) < most


def _has_attribute(name: str, value: str) -> _Test:
    def holds(span: Span) -> bool:
        return any(text_of(found.get(name)) == value for found in (span.attributes, span.resource.attributes))

    return lambda trace: any(map(holds, trace.spans))


def duration_ns(trace: Trace) -> int:
    """How long a trace took as a whole, in nanoseconds."""
    return max(span.end_ns for span in trace.spans) - min(span.start_ns for span in trace.spans)


def _all(params: QueryParams, name: str) -> list[str]:
    return [value for key in (name, f"{name}[]") for value in params.getlist(key) if value]


def _plain(name: str, value: str) -> str:
    return value.replace("-", "").lower() if name == "trace_id" else value


def _nanoseconds(text: str) -> int:
    if not text.isdecimal():
        raise BadParameterError("duration_nano is a whole number of nanoseconds")
    return int(text)


def _instant(name: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadParameterError(f"{name} is no time in ISO 8601") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * _NANOSECONDS)
