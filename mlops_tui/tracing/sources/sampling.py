"""A source of traces that cannot count: spans are fetched and counted here, and answers say where it was a sample.

Time is cut into pieces, each asked for as many traces as the server gives at once. A piece that may hold more is halved
and asked again, until all was seen or enough was asked; pieces that were left full make the answer a sample.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mlops_tui.analysis.labels import joined_labels
from mlops_tui.analysis.traffic import (
    arm_of,
    arm_statistics,
    counted_subject,
    exact_quantiles,
    services_of,
    summary_of,
    traffic_by_arm,
    window_rows,
)
from mlops_tui.analysis.window_slices import SliceCounter
from mlops_tui.domain.clock import Clock
from mlops_tui.domain.errors import InsufficientDataError
from mlops_tui.domain.profiles import Bins
from mlops_tui.domain.trace_queries import (
    LAST_NS,
    ArmStatistics,
    LabelledPrediction,
    QuantileMethod,
    ReaderCapabilities,
    ServiceSummary,
    SubjectFilter,
    TimeRange,
    TraceQuery,
    TraceSummary,
    WindowAnswer,
    WindowQuery,
    WindowTraffic,
)
from mlops_tui.domain.traces import Span, SpanStatus, Trace, text_of
from mlops_tui.domain.window_slices import WindowProfile, WindowSlice

DEFAULT_WIDTH = 300
_SECOND = 1_000_000_000
# How far back is looked where a question does not say, and by how much a span may have begun before its range.
LOOK_BACK_NS = 7 * 86_400 * _SECOND
LONGEST_SPAN_NS = 60 * _SECOND
MOST_SEARCHES = 64
_MOST_PIECES = 32
_SHORTEST_PIECE_NS = 1_000_000
_FIRST_PIECE_NS = 300 * _SECOND


@dataclass(frozen=True, slots=True)
class Search:
    """Which traces to fetch: with a span that began in ``times`` and of which, where said, the rest holds too."""

    times: TimeRange
    subjects: SubjectFilter
    status: SpanStatus | None = None
    least_ns: int | None = None
    most_ns: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Spans that were found; ``is_full`` says that there may be more."""

    spans: tuple[Span, ...]
    is_full: bool


class SpanServer(Protocol):
    """What fetches spans. It may give more than was asked for: every condition is looked at again.

    ``most_searches`` is how many searches one question may cost it.
    """

    most_searches: int

    async def find(self, search: Search) -> Found:
        """The spans of traces, as many traces as are given at once."""
        ...

    async def trace(self, trace_id: str) -> tuple[Span, ...]:
        """The spans of one trace, none where it is not there."""
        ...

    async def services(self) -> tuple[str, ...]:
        """The names of the services, none where that cannot be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """Spans that ended in a range of time; ``size`` is their number where there may be more, else None."""

    spans: tuple[Span, ...]
    size: int | None


class SampledTraces:
    """Traces behind a server that only gives spans."""

    def __init__(self, name: str, server: SpanServer, clock: Clock, *, paging: bool = False) -> None:
        self.name = name
        self.capabilities = ReaderCapabilities(push_down=False, paging=paging, attribute_discovery=False)
        self._server = server
        self._clock = clock

    async def services(self, times: TimeRange) -> tuple[ServiceSummary, ...]:
        """The services with spans in a range of time."""
        sample = await self._sample(times, SubjectFilter())
        return services_of(_slices(sample.spans, 1, None), sample.size)

    async def traces(self, query: TraceQuery) -> tuple[TraceSummary, ...]:
        """The traces with a span that meets the conditions, the newest first of those that the server gave."""
        times = self._bounded(query.times)
        newest: dict[str, int] = {}
        by_trace: dict[str, list[Span]] = defaultdict(list)
        for piece in _backwards(times):
            search = Search(piece, query.subjects, query.status, query.least_ns, query.most_ns, query.attributes)
            for span in _distinct((await self._gathered(search, None)).spans):
                by_trace[span.trace_id].append(span)
                if _is_meant(span, query):
                    newest[span.trace_id] = max(span.end_ns, newest.get(span.trace_id, 0))
            if len(newest) >= query.limit:
                break
        ordered = sorted(newest, key=lambda trace_id: (-newest[trace_id], trace_id))[: query.limit]
        return tuple(summary_of(Trace.of(trace_id, _distinct(by_trace[trace_id]))) for trace_id in ordered)

    async def trace(self, trace_id: str) -> Trace | None:
        """The trace of that id, None when it is not there."""
        spans = await self._server.trace(trace_id)
        return Trace.of(trace_id, _distinct(spans)) if spans else None

    async def statistics(self, times: TimeRange, subjects: SubjectFilter) -> tuple[ArmStatistics, ...]:
        """The traffic of each model version on each arm."""
        sample = await self._sample(times, subjects)
        durations: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for span in sample.spans:
            durations[arm_of(counted_subject(span))].append(span.duration_ns)
        method = QuantileMethod.EXACT if sample.size is None else QuantileMethod.SAMPLE
        return tuple(
            arm_statistics(arm, traffic, exact_quantiles(durations[arm]), method, sample.size)
            for arm, traffic in traffic_by_arm(_slices(sample.spans, 1, None)).items()
        )

    async def windows(self, query: WindowQuery) -> WindowAnswer:
        """The columns of a model window by window, oldest first.

        Raises:
            InsufficientDataError: A profile is asked for without its bins.
        """
        profile = query.profile
        if query.profile_id and (profile is None or profile.profile_id != query.profile_id):
            raise InsufficientDataError(
                f"Nothing of {query.model} is counted by the profile {query.profile_id[:12]}",
                why="this source does not know its bins",
                remedy="Hand the profile in with the question",
            )
        width = query.width or DEFAULT_WIDTH
        sample = await self._sample(query.times, query.admitted, width)
        counted = _slices(sample.spans, width, profile, query.attributes)
        slices = [part.without_service() for part in counted if query.is_answered_by(part)]
        bins: Mapping[str, Bins] = {} if profile is None else profile.bins
        return WindowAnswer(tuple(window_rows(_merged(slices), query, bins)), sample.size)

    async def traffic(self, query: WindowQuery) -> tuple[WindowTraffic, ...]:
        """Spans, errors and latencies in the windows that overlap a range of time, oldest first."""
        width = query.width or DEFAULT_WIDTH
        sample = await self._sample(query.times, query.admitted, width)
        return tuple(WindowTraffic.of(part, sample.size) for part in _merged(_slices(sample.spans, width, None)))

    async def labelled(self, query: WindowQuery) -> tuple[LabelledPrediction, ...]:
        """The predictions made in a range of time of which the truth is known by now.

        Raises:
            InsufficientDataError: Not all spans could be read, so that labels would miss their predictions.
        """
        subjects = SubjectFilter(model=query.model or None)
        sample = await self._sample(TimeRange(query.times.start_ns), subjects, with_labels=True)
        if sample.size is not None:
            raise InsufficientDataError(
                "Labels cannot be joined to their predictions",
                why=f"{self.name} gave {sample.size} spans and has more",
                remedy="Ask for a shorter time, or keep the traces where they can be counted",
            )
        return joined_labels(sample.spans, query)

    async def columns(self, model: str, times: TimeRange) -> tuple[str, ...]:
        """The names of a model's features and predictions, as far as spans were seen."""
        sample = await self._sample(times, SubjectFilter(model=model))
        return tuple(sorted({name for part in _slices(sample.spans, 1, None) for name in part.columns}))

    async def _sample(
        self, times: TimeRange, subjects: SubjectFilter, width: int | None = None, *, with_labels: bool = False
    ) -> Sample:
        """The spans that ended in a range of time, in whole windows where a width is given."""
        bounded = self._bounded(times if width is None else times.widened(width))
        began = TimeRange(max(0, bounded.start_ns - LONGEST_SPAN_NS), bounded.end_ns)
        found = await self._gathered(Search(began, subjects), width)
        spans = tuple(
            span
            for span in _distinct(found.spans)
            if bounded.start_ns <= span.end_ns < bounded.end_ns
            and (with_labels or subjects.admits(counted_subject(span)))
        )
        is_cut = times.start_ns < bounded.start_ns
        return Sample(spans, len(spans) if found.is_full or is_cut else None)

    async def _gathered(self, search: Search, width: int | None) -> Found:
        waiting = _pieces(search.times, width, min(self._server.most_searches, _MOST_PIECES))
        spans: list[Span] = []
        is_full = False
        requests = 0
        while waiting:
            piece = waiting.pop(0)
            found = await self._server.find(replace(search, times=piece))
            requests += 1
            is_short = piece.end_ns - piece.start_ns < 2 * _SHORTEST_PIECE_NS
            if found.is_full and not is_short and requests + len(waiting) + 2 <= self._server.most_searches:
                middle = (piece.start_ns + piece.end_ns) // 2
                waiting += [TimeRange(piece.start_ns, middle), TimeRange(middle, piece.end_ns)]
                continue
            spans += found.spans
            is_full = is_full or found.is_full
        return Found(tuple(spans), is_full)

    def _bounded(self, times: TimeRange) -> TimeRange:
        """A range with two ends, of which the servers need to know both."""
        now_ns = int(self._clock.now().timestamp()) * _SECOND
        end_ns = now_ns + _SECOND if times.end_ns == LAST_NS else times.end_ns
        return TimeRange(times.start_ns or max(0, end_ns - LOOK_BACK_NS), end_ns)


def _pieces(times: TimeRange, width: int | None, most: int) -> list[TimeRange]:
    """The windows of a range, or few wider pieces of it: each gives its part of a sample."""
    whole = max(times.end_ns - times.start_ns, 1)
    step = whole if width is None else max(width * _SECOND, whole // most + 1)
    starts = range(times.start_ns, times.end_ns, step)
    return [TimeRange(start, min(start + step, times.end_ns)) for start in starts]


def _backwards(times: TimeRange) -> Iterator[TimeRange]:
    """Pieces of a range, the newest first and each longer than the one before; the last begins before the range."""
    end_ns, length = times.end_ns, _FIRST_PIECE_NS
    while end_ns > times.start_ns:
        start_ns = max(times.start_ns, end_ns - length)
        is_last = start_ns == times.start_ns
        yield TimeRange(max(0, start_ns - LONGEST_SPAN_NS) if is_last else start_ns, end_ns)
        end_ns, length = start_ns, length * 8


def _distinct(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple({(span.trace_id, span.span_id): span for span in spans}.values())


def _slices(
    spans: Sequence[Span], width: int, profile: WindowProfile | None, attributes: Sequence[str] = ()
) -> tuple[WindowSlice, ...]:
    counter = SliceCounter(width, profile, attributes)
    counter.add((counted_subject(span), span) for span in spans)
    return counter.slices()


def _merged(slices: Iterable[WindowSlice]) -> list[WindowSlice]:
    found: dict[object, WindowSlice] = {}
    for part in slices:
        found[part.key] = found[part.key] + part if part.key in found else part
    return sorted(found.values(), key=lambda part: (part.key.start, part.key.subject))


def _is_meant(span: Span, query: TraceQuery) -> bool:
    """Whether one span meets every condition."""
    return (
        query.times.start_ns <= span.end_ns < query.times.end_ns
        and query.subjects.admits(counted_subject(span))
        and query.status in {None, span.status}
        and (query.least_ns is None or span.duration_ns >= query.least_ns)
        and (query.most_ns is None or span.duration_ns <= query.most_ns)
        and all(_says(span, name, text) for name, text in query.attributes)
    )


def _says(span: Span, name: str, text: str) -> bool:
    for value in (span.attributes.get(name), span.resource.attributes.get(name)):
        if value is None:
            continue
        if text_of(value) == text:
            return True
        if isinstance(value, (int, float)) and not isinstance(value, bool) and _number(text) == value:
            return True
    return False


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
