"""Spans made ready to be stored, outside of the writer's thread: keys, rows, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.traces import Span
from mlops_tui.storage import trace_rows
from mlops_tui.storage.trace_rows import SubjectFinder
from mlops_tui.storage.trace_values import dump_attributes

PRUNED_GRID_SECONDS = 300
_GRID_NS = PRUNED_GRID_SECONDS * 1_000_000_000
_LATE_NS = 3_600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class PreparedSpan:
    """A span with its row and, where it brings any, the row of its labels; both lack the span's number.

    ``place`` is the stretch of time and the subject that tell whether it comes too late, None when it is not old.
    """

    span: Span
    subject: Subject
    row: tuple[Any, ...]
    label: tuple[Any, ...] | None
    place: tuple[int, int] | None


@dataclass(slots=True)
class SpanBatch:
    """Spans to be stored together, each once, by what identifies them; ``repeated`` counts those that came again."""

    spans: dict[bytes, PreparedSpan] = field(default_factory=dict)
    repeated: int = 0
    subjects: SubjectFinder = field(default_factory=SubjectFinder)
    origins: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)


def prepare(spans: Iterable[Span], received_ns: int) -> SpanBatch:
    """Make spans ready to be stored."""
    batch = SpanBatch()
    for span in spans:
        key = trace_rows.span_key(span)
        if key in batch.spans:
            batch.repeated += 1
        else:
            batch.spans[key] = _prepared(span, key, batch, received_ns)
    return batch


def _prepared(span: Span, key: bytes, batch: SpanBatch, received_ns: int) -> PreparedSpan:
    attributes = dump_attributes(span.attributes)
    subject_id, subject = batch.subjects.find(span, attributes)
    place = (id(span.resource), id(span.scope))
    origin = batch.origins.get(place)
    if origin is None:
        origin = batch.origins[place] = trace_rows.origin_row(span)
    row = (
        *(key, span.parent_id, span.name, int(span.kind), span.start_ns, span.end_ns, int(span.status), subject_id),
        *(origin[0], received_ns, trace_rows.prediction_of(span), attributes.decode(), trace_rows.rest_of(span)),
    )
    is_old = received_ns - span.end_ns > _LATE_NS
    return PreparedSpan(
        span,
        subject,
        row,
        trace_rows.label_row(span) if trace_rows.LABEL_SIGN in attributes else None,
        (pruned_start(span.end_ns), subject_id) if is_old else None,
    )


def pruned_start(end_ns: int) -> int:
    """The stretch of time, by its start in seconds, in which it is noted that spans were removed."""
    return end_ns // _GRID_NS * PRUNED_GRID_SECONDS
