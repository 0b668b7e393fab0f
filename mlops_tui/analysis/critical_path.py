"""The critical path of a trace: which operation its duration was spent on, moment by moment.

Walking back from the end of the root, the child that finished last before a moment is what that moment waited for; its
own children explain its time in turn. What ran beside it and finished later was not waited for. This is the definition
of Jaeger and of CRISP (Zhang et al., "CRISP: Critical Path Analysis of Large-Scale Microservice Architectures", USENIX
ATC 2022). Making a span outside of the path faster does not make the request faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Interval: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time that the operation with the number ``place`` was itself busy with; never empty."""

    place: int
    start_ns: int
    end_ns: int


def critical_path(intervals: Sequence[Interval], parents: Sequence[int | None], root: int) -> tuple[Segment, ...]:
    """What the duration of ``root`` was spent on, first to last, without gaps or overlaps.

    Operation ``i`` ran in ``intervals[i]`` and was called by ``parents[i]``, which form trees. What a child did before
    its parent began or after it had ended does not count.
    """
    children = _children(parents)
    segments: list[Segment] = []
    stack = [_Walk(root, *intervals[root], _latest_first(children[root], intervals, *intervals[root]))]
    while stack:
        walk = stack[-1]
        child = next((found for found in walk.children if found[2] <= walk.cursor), None)
        reached = walk.start if child is None else child[2]
        if reached < walk.cursor:
            segments.append(Segment(walk.place, reached, walk.cursor))
        if child is None:
            stack.pop()
            continue
        place, start, end = child
        walk.cursor = start
        stack.append(_Walk(place, start, end, _latest_first(children[place], intervals, start, end)))
    return tuple(sorted(segments, key=lambda segment: segment.start_ns))


@dataclass(slots=True)
class _Walk:
    """An operation being walked back from its end; ``cursor`` is how far, ``children`` those not yet looked at."""

    place: int
    start: int
    cursor: int
    children: Iterator[tuple[int, int, int]]


def _children(parents: Sequence[int | None]) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in parents]
    for place, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(place)
    return children


def _latest_first(
    places: Sequence[int], intervals: Sequence[Interval], start: int, end: int
) -> Iterator[tuple[int, int, int]]:
    """The children with the part of their time that lies between ``start`` and ``end``, the last to finish first."""
    clipped = ((place, max(start, intervals[place][0]), min(end, intervals[place][1])) for place in places)
    return iter(sorted((part for part in clipped if part[1] < part[2]), key=lambda part: (-part[2], part[1], part[0])))
