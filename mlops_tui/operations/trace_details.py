"""One trace with everything that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_tui.domain.errors import InsufficientDataError, RemoteError, UnknownNameError
from mlops_tui.domain.inferences import subject_of
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_queries import LabelledPrediction, SubjectFilter, TimeRange, WindowQuery
from mlops_tui.domain.traces import Trace
from mlops_tui.operations.session import Session
from mlops_tui.operations.trace_traffic import trace_reader
from mlops_tui.tracing.readers import TraceReader


@dataclass(frozen=True, slots=True)
class TraceDetail:
    """A trace, and the labels that came for its predictions, by the id of their span.

    ``unlabelled`` is why labels could not be looked for, "" where they were.
    """

    trace: Trace
    labels: Mapping[str, LabelledPrediction] = field(default_factory=dict)
    unlabelled: str = ""


async def show_trace(session: Session, trace_id: str) -> Snapshot[TraceDetail]:
    """The trace of that id.

    Raises:
        UnknownNameError: It is not there, or no longer.
    """
    reader = await trace_reader(session)
    trace = None if reader is None else await reader.trace(trace_id)
    if reader is None or trace is None:
        raise UnknownNameError(
            f"There is no trace {trace_id}",
            why="its spans were never stored here, or are older than what is kept",
            remedy="Windows and statistics outlive the spans they were counted from",
        )
    try:
        detail = TraceDetail(trace, await _labels(reader, trace))
    except (InsufficientDataError, RemoteError) as error:
        detail = TraceDetail(trace, unlabelled=error.why or error.what)
    return Snapshot(detail, session.clock.now(), reader.name)


async def _labels(reader: TraceReader, trace: Trace) -> dict[str, LabelledPrediction]:
    spans = [(subject_of(span).model, span) for span in trace.spans]
    labels: dict[str, LabelledPrediction] = {}
    for model in sorted({model for model, _ in spans} - {""}):
        ends = [span.end_ns for served, span in spans if served == model]
        query = WindowQuery(model, TimeRange(min(ends), max(ends) + 1), SubjectFilter(model=model))
        found = await reader.labelled(query)
        labels |= {label.span_id: label for label in found if label.trace_id == trace.trace_id}
    return labels
