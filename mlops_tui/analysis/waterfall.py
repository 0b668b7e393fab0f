"""A trace as lines to draw: who called whom, and when, on one clock.

Traces arrive with holes and with clocks that disagree. A parent that is not there gets a line of its own, above the
spans that name it. A span of another process that seems to start before its parent did was timed by a clock that is
behind: it is moved into its parent's time, together with what the same process did below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlops_tui.analysis.critical_path import Interval, Segment, critical_path
from mlops_tui.domain.traces import Span, Trace


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of a waterfall: a span, or a parent that is not there (``span`` is None).

    ``parent`` is the number of the lane above it in the tree, None at the top; ``below`` counts the lanes that hang
    on it, which follow it without a gap. Times are nanoseconds since the Unix epoch, already moved by ``shift_ns``.
    """

    span: Span | None
    span_id: str
    parent: int | None
    depth: int
    below: int
    is_last: bool
    start_ns: int
    end_ns: int
    shift_ns: int = 0

    @property
    def interval(self) -> Interval:
        """When it was."""
        return self.start_ns, self.end_ns


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The lanes of a trace from top to bottom, the time they cover, and what its duration was spent on."""

    lanes: tuple[Lane, ...]
    start_ns: int
    end_ns: int
    path: tuple[Segment, ...]

    @property
    def duration_ns(self) -> int:
        """From the first start to the last end, in nanoseconds."""
        return self.end_ns - self.start_ns

    @property
    def missing(self) -> int:
        """How many parents are not there."""
        return sum(lane.span is None for lane in self.lanes)


def waterfall(trace: Trace) -> Waterfall:
    """Lay out a trace of at least one span."""
    lanes = _lanes(trace)
    path = critical_path([lane.interval for lane in lanes], [lane.parent for lane in lanes], _main(lanes))
    return Waterfall(lanes, min(lane.start_ns for lane in lanes), max(lane.end_ns for lane in lanes), path)


@dataclass(frozen=True, slots=True)
class _Node:
    """A span on its way to become a lane, on the clock of what is above it."""

    span: Span | None
    span_id: str
    parent: int | None
    depth: int
    start_ns: int
    end_ns: int
    shift_ns: int

    @classmethod
    def top(cls, span: Span) -> _Node:
        return cls(span, span.span_id, None, 0, span.start_ns, span.end_ns, 0)

    @classmethod
    def absent(cls, span_id: str, children: Sequence[Span]) -> _Node:
        start, end = min(span.start_ns for span in children), max(span.end_ns for span in children)
        return cls(None, span_id, None, 0, start, end, 0)

    def child(self, span: Span, place: int) -> _Node:
        shift = self._shift(span)
        return _Node(span, span.span_id, place, self.depth + 1, span.start_ns + shift, span.end_ns + shift, shift)

    def _shift(self, child: Span) -> int:
        """How far a child's clock is behind: it cannot have begun before it was called."""
        if self.span is None:
            return 0
        if child.resource == self.span.resource:
            return self.shift_ns
        if child.start_ns >= self.start_ns:
            return 0
        slack = self.end_ns - self.start_ns - child.duration_ns
        return self.start_ns + max(0, slack) // 2 - child.start_ns


def _lanes(trace: Trace) -> tuple[Lane, ...]:
    spans = {span.span_id: span for span in reversed(trace.spans)}
    children: dict[str, list[Span]] = {}
    for span in trace.spans:
        if spans[span.span_id] is span:
            children.setdefault(span.parent_id, []).append(span)
    nodes: list[_Node] = []
    seen: set[str] = set()
    for top in _tops(trace, spans, children, seen):
        nodes += _walk(top, children, seen, len(nodes))
    return _counted(nodes)


def _tops(trace: Trace, spans: dict[str, Span], children: dict[str, list[Span]], seen: set[str]) -> Iterator[_Node]:
    """What stands at the left: roots and missing parents by their start, then whatever its parents lead around to."""
    roots = [_Node.top(span) for span in children.get("", ())]
    absent = [_Node.absent(key, held) for key, held in children.items() if key and key not in spans]
    yield from sorted(roots + absent, key=lambda node: (node.start_ns, node.span is None, node.span_id))
    for span in trace.spans:
        if span.span_id not in seen:
            yield _Node.top(span)


def _walk(top: _Node, children: dict[str, list[Span]], seen: set[str], place: int) -> Iterator[_Node]:
    """A node and all below it, each before its own; no recursion, since traces may be thousands of calls deep."""
    waiting = [top]
    seen.add(top.span_id)
    while waiting:
        node = waiting.pop()
        yield node
        fresh = [span for span in children.get(node.span_id, ()) if span.span_id not in seen]
        seen.update(span.span_id for span in fresh)
        below = [node.child(span, place) for span in fresh]
        waiting += sorted(below, key=lambda child: (child.start_ns, -child.end_ns, child.span_id), reverse=True)
        place += 1


def _counted(nodes: Sequence[_Node]) -> tuple[Lane, ...]:
    below = [0] * len(nodes)
    for place in range(len(nodes) - 1, -1, -1):
        parent = nodes[place].parent
        if parent is not None:
            below[parent] += below[place] + 1
    lanes = []
    for place, node in enumerate(nodes):
        following = place + below[place] + 1
        is_last = following >= len(nodes) or nodes[following].parent != node.parent
        times = (node.start_ns, node.end_ns, node.shift_ns)
        lanes.append(Lane(node.span, node.span_id, node.parent, node.depth, below[place], is_last, *times))
    return tuple(lanes)


def _main(lanes: Sequence[Lane]) -> int:
    """The lane whose duration is explained: the longest root, or what stands for one where none is there."""
    tops = [place for place, lane in enumerate(lanes) if lane.parent is None]
    return max(tops, key=lambda place: (_is_root(lanes[place]), lanes[place].end_ns - lanes[place].start_ns, -place))


def _is_root(lane: Lane) -> bool:
    return lane.span is not None and not lane.span.parent_id
