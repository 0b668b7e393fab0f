"""Traces as lines: every span once, below its parent, on one clock."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.analysis.waterfall import waterfall
from mlops_tui.domain.traces import Resource, Span, Trace
from tests.storage.trace_spans import span

OTHER = Resource({"service.name": "pricing", "host.name": "b"})


def trace(*spans: Span) -> Trace:
    return Trace.of(f"{1:032x}", spans)


def timed(number: int, start: int, end: int, parent: int | None = None, **changes: object) -> Span:
    made = span(number, trace=1, parent=parent, end_ns=end, took_ns=end - start)
    return replace(made, **changes)  # type: ignore[arg-type]


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Spans whose parents may be missing, themselves, or their own children, on two clocks."""
    count = draw(st.integers(1, 15))
    spans = []
    for number in range(1, count + 1):
        start, length = draw(st.integers(0, 50)), draw(st.integers(0, 50))
        parent = draw(st.one_of(st.none(), st.integers(1, count + 3)))
        made = timed(number, start, start + length, parent)
        spans.append(replace(made, resource=OTHER) if draw(st.booleans()) else made)
    return trace(*spans)


@given(traces())
def test_every_span_has_one_line_however_its_parents_lead_around(given_trace: Trace) -> None:
    lanes = waterfall(given_trace).lanes
    shown = [lane.span_id for lane in lanes if lane.span is not None]
    assert sorted(shown) == sorted(span.span_id for span in given_trace.spans)


@given(traces())
def test_a_line_stands_within_those_below_its_parent(given_trace: Trace) -> None:
    lanes = waterfall(given_trace).lanes
    for place, lane in enumerate(lanes):
        if lane.parent is None:
            assert lane.depth == 0
            continue
        above = lanes[lane.parent]
        assert lane.parent < place <= lane.parent + above.below
        assert lane.depth == above.depth + 1
        assert lane.span is not None
        assert lane.span.parent_id == above.span_id


@given(traces())
def test_moving_to_another_clock_keeps_durations_and_order(given_trace: Trace) -> None:
    laid_out = waterfall(given_trace)
    for lane in laid_out.lanes:
        assert laid_out.start_ns <= lane.start_ns <= lane.end_ns <= laid_out.end_ns
        if lane.span is not None:
            assert lane.end_ns - lane.start_ns == lane.span.duration_ns
        parent = laid_out.lanes[lane.parent].span if lane.parent is not None else None
        if lane.span is not None and parent is not None and lane.span.resource != parent.resource:
            assert lane.start_ns >= laid_out.lanes[lane.parent or 0].start_ns


@given(traces())
def test_the_path_explains_one_of_the_lines_at_the_top(given_trace: Trace) -> None:
    laid_out = waterfall(given_trace)
    spent = sum(part.end_ns - part.start_ns for part in laid_out.path)
    assert spent in {lane.end_ns - lane.start_ns for lane in laid_out.lanes if lane.parent is None}


def test_spans_that_name_the_same_missing_parent_stand_together_below_it() -> None:
    laid_out = waterfall(trace(timed(1, 0, 5), timed(2, 3, 9, parent=77), timed(3, 4, 8, parent=77)))
    assert [(lane.depth, lane.span is None, lane.below) for lane in laid_out.lanes] == [
        (0, False, 0),
        (0, True, 2),
        (1, False, 0),
        (1, False, 0),
    ]
    assert laid_out.missing == 1
    assert laid_out.lanes[1].interval == (3, 9)


def test_a_clock_that_is_behind_is_put_right_for_all_that_its_process_did() -> None:
    called = timed(2, 40, 60, parent=1, resource=OTHER)
    within = timed(3, 45, 50, parent=2, resource=OTHER)
    lanes = waterfall(trace(timed(1, 100, 200), called, within)).lanes
    assert [(lane.start_ns, lane.shift_ns) for lane in lanes] == [(100, 0), (140, 100), (145, 100)]


def test_a_trace_without_its_root_is_explained_from_what_is_there() -> None:
    laid_out = waterfall(trace(timed(2, 10, 30, parent=1), timed(3, 12, 20, parent=2)))
    assert [(part.place, part.start_ns, part.end_ns) for part in laid_out.path] == [
        (1, 10, 12),
        (2, 12, 20),
        (1, 20, 30),
    ]
