"""Finding traces: the newest that fit what a person typed and chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from mlops_tui.analysis.arm_traffic import Arm
from mlops_tui.domain.inferences import subject_of
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_filters import SpanFilter, asks_for_age, fits
from mlops_tui.domain.trace_pushdown import push_down
from mlops_tui.domain.trace_queries import SubjectFilter, TraceQuery, TraceSummary
from mlops_tui.domain.traces import Span
from mlops_tui.operations.session import Session
from mlops_tui.operations.trace_traffic import NO_STORE, nanoseconds, recent, trace_reader
from mlops_tui.storage.trace_reading import EmbeddedTraces
from mlops_tui.tracing.readers import TraceReader

MOST_SHOWN = 200
# So many traces are read whole, at most, to answer what their store cannot be asked; of a server fewer, since each of
# them is a request.
MOST_READ = 500
MOST_REQUESTED = 50


@dataclass(frozen=True, slots=True)
class TraceWish:
    """Which traces: of the last ``reach``, of one arm, with a span that fits."""

    reach: timedelta
    arm: Arm | None = None
    wanted: SpanFilter | None = None


@dataclass(frozen=True, slots=True)
class TraceList:
    """Traces that fit, the newest first.

    ``is_all`` is whether there are no others in that time; ``read`` is how many were looked into, where the store could
    not answer by itself, else None.
    """

    wish: TraceWish
    traces: tuple[TraceSummary, ...]
    is_all: bool
    source: str
    read: int | None = None

    @property
    def has_store(self) -> bool:
        """Whether anything could be read."""
        return self.source != NO_STORE


class TraceFinder:
    """Finds the newest traces that fit, again and again; what was looked into once is not read a second time."""

    def __init__(self) -> None:
        self._wish: TraceWish | None = None
        self._known: dict[TraceSummary, bool] = {}

    async def find(self, session: Session, wish: TraceWish) -> Snapshot[TraceList]:
        """The newest traces that fit; a store that is not there yet has none."""
        now = session.clock.now()
        reader = await trace_reader(session)
        if reader is None:
            return Snapshot(TraceList(wish, (), True, NO_STORE), now, NO_STORE)
        now_ns = nanoseconds(now)
        subjects = SubjectFilter() if wish.arm is None else _subjects(wish.arm)
        pushed = push_down(wish.wanted, TraceQuery(recent(now, wish.reach), subjects), now_ns)
        if pushed.rest is None:
            found = await reader.traces(replace(pushed.query, limit=MOST_SHOWN + 1))
            listed = TraceList(wish, found[:MOST_SHOWN], len(found) <= MOST_SHOWN, reader.name)
        else:
            most = MOST_READ if reader.name == EmbeddedTraces.name else MOST_REQUESTED
            candidates = await reader.traces(replace(pushed.query, limit=most + 1))
            listed = await self._look_into(reader, candidates, most, wish, now_ns)
        return Snapshot(listed, now, reader.name)

    async def _look_into(
        self, reader: TraceReader, candidates: Sequence[TraceSummary], most: int, wish: TraceWish, now_ns: int
    ) -> TraceList:
        """Read the candidates whole: the span that fits has to be the one that belongs to the arm."""
        known = self._known if wish == self._wish and not asks_for_age(wish.wanted) else {}
        answers: dict[TraceSummary, bool] = {}
        found: list[TraceSummary] = []
        for candidate in candidates[:most]:
            answer = known.get(candidate)
            if answer is None:
                answer = await _fits(reader, candidate, wish, now_ns)
            answers[candidate] = answer
            if answer:
                found.append(candidate)
            if len(found) == MOST_SHOWN:
                break
        self._wish, self._known = wish, answers
        return TraceList(wish, tuple(found), len(answers) == len(candidates), reader.name, len(answers))


async def _fits(reader: TraceReader, candidate: TraceSummary, wish: TraceWish, now_ns: int) -> bool:
    trace = await reader.trace(candidate.trace_id)
    return trace is not None and any(_is_wanted(span, wish, now_ns) for span in trace.spans)


def _subjects(arm: Arm) -> SubjectFilter:
    return SubjectFilter(
        service=arm.service if not arm.model else None,
        model=arm.model,
        version=arm.version,
        arm=arm.arm,
        environment=arm.environment,
    )


def _is_wanted(span: Span, wish: TraceWish, now_ns: int) -> bool:
    if wish.arm is not None and Arm.of(subject_of(span)) != wish.arm:
        return False
    return wish.wanted is None or fits(wish.wanted, span, now_ns)
