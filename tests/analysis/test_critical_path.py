"""The critical path: a request's duration is spent on exactly one operation at a time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.critical_path import Interval, Segment, critical_path

Tree = tuple[list[Interval], list[int | None]]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Operations that call each other; children may stick out of their parents, and last no time at all."""
    count = draw(st.integers(1, 12))
    times = st.tuples(st.integers(0, 40), st.integers(0, 40))
    intervals = [(start, start + length) for start, length in draw(st.lists(times, min_size=count, max_size=count))]
    parents: list[int | None] = [None]
    parents += [draw(st.integers(0, place - 1)) for place in range(1, count)]
    return intervals, parents


@given(trees())
def test_it_explains_every_moment_of_the_root_once(tree: Tree) -> None:
    intervals, parents = tree
    start, end = intervals[0]
    path = critical_path(intervals, parents, 0)
    assert sum(part.end_ns - part.start_ns for part in path) == end - start
    assert all(before.end_ns == after.start_ns for before, after in pairwise(path))
    assert not path or (path[0].start_ns, path[-1].end_ns) == (start, end)


@given(trees())
def test_each_part_lies_within_its_operation(tree: Tree) -> None:
    intervals, parents = tree
    for part in critical_path(intervals, parents, 0):
        start, end = intervals[part.place]
        assert start <= part.start_ns < part.end_ns <= end


@given(trees())
def test_nothing_is_blamed_while_a_call_of_its_own_was_waited_for(tree: Tree) -> None:
    intervals, parents = tree
    for part in critical_path(intervals, parents, 0):
        low, high = _within_ancestors(part.place, tree)
        for place, parent in enumerate(parents):
            if parent == part.place:
                start, end = max(low, intervals[place][0]), min(high, intervals[place][1])
                assert start >= end or not part.start_ns < end <= part.end_ns


@given(trees())
def test_an_operation_is_on_it_only_below_one_that_is(tree: Tree) -> None:
    intervals, parents = tree
    times = {place: (intervals[place][0], intervals[place][1]) for place in range(len(intervals))}
    for part in critical_path(intervals, parents, 0):
        parent = parents[part.place]
        while parent is not None:
            assert times[parent][0] <= part.start_ns
            assert part.end_ns <= times[parent][1]
            parent = parents[parent]


def test_the_slower_of_two_parallel_calls_is_on_it() -> None:
    #          0: the request   1: slow          2: fast        3: within slow
    intervals = [(0, 100), (10, 80), (10, 40), (30, 60)]
    assert critical_path(intervals, [None, 0, 0, 1], 0) == (
        Segment(0, 0, 10),
        Segment(1, 10, 30),
        Segment(3, 30, 60),
        Segment(1, 60, 80),
        Segment(0, 80, 100),
    )


def test_work_that_goes_on_after_the_answer_counts_until_the_answer() -> None:
    assert critical_path([(0, 10), (5, 50)], [None, 0], 0) == (Segment(0, 0, 5), Segment(1, 5, 10))


def test_calls_thousands_deep_are_no_difficulty() -> None:
    depth = 20_000
    intervals = [(place, 2 * depth - place) for place in range(depth)]
    path = critical_path(intervals, [None, *range(depth - 1)], 0)
    assert len(path) == 2 * depth - 1


def _within_ancestors(place: int, tree: Tree) -> Interval:
    intervals, parents = tree
    low, high = intervals[place]
    parent = parents[place]
    while parent is not None:
        low, high = max(low, intervals[parent][0]), min(high, intervals[parent][1])
        parent = parents[parent]
    return low, high
