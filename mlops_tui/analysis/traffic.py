"""Figures about traffic out of windows and spans, the same whichever store they come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mlops_tui.domain.inferences import Subject, is_label, subject_of
from mlops_tui.domain.profiles import Bins
from mlops_tui.domain.trace_queries import ArmStatistics, QuantileMethod, ServiceSummary, TraceSummary, WindowQuery
from mlops_tui.domain.traces import Span, Trace
from mlops_tui.domain.window_slices import Traffic, WindowSlice, bucketed_quantile, exact_quantile
from mlops_tui.domain.windows import WindowRow

QUANTILES = (0.5, 0.95, 0.99)
# Above so many spans latencies are read from buckets.
MOST_EXACT = 500_000

Arm = tuple[str, str, str]


def arm_of(subject: Subject) -> Arm:
    """The model, version and arm that statistics are told by."""
    return subject.model, subject.version, subject.arm


def traffic_by_arm(slices: Iterable[WindowSlice]) -> dict[Arm, Traffic]:
    """The traffic of each arm, added up."""
    arms: dict[Arm, Traffic] = defaultdict(Traffic)
    for part in slices:
        arms[arm_of(part.key.subject)] += part.traffic
    return dict(sorted(arms.items()))


def bucketed_statistics(slices: Iterable[WindowSlice]) -> tuple[ArmStatistics, ...]:
    """The traffic of each arm from windows."""
    return tuple(
        arm_statistics(
            arm,
            traffic,
            [bucketed_quantile(traffic.latencies, quantile) for quantile in QUANTILES],
            QuantileMethod.BUCKETS,
        )
        for arm, traffic in traffic_by_arm(slices).items()
    )


def exact_quantiles(durations: Iterable[int]) -> list[float | None]:
    """The quantiles that statistics tell, of every duration."""
    ordered = sorted(durations)
    return [exact_quantile(ordered, quantile) for quantile in QUANTILES]


def arm_statistics(
    arm: Arm,
    traffic: Traffic,
    quantiles: Sequence[float | None],
    method: QuantileMethod,
    sampled: int | None = None,
) -> ArmStatistics:
    """What is told of one arm."""
    model, version, track = arm
    p50, p95, p99 = quantiles
    return ArmStatistics(
        model,
        version,
        track,
        traffic.spans,
        traffic.errors,
        p50,
        p95,
        p99,
        traffic.first_ns,
        traffic.last_ns,
        method,
        sampled,
    )


def services_of(slices: Iterable[WindowSlice], sampled: int | None = None) -> tuple[ServiceSummary, ...]:
    """The services, with the models they served, from windows."""
    places: dict[tuple[str, str, str], Traffic] = defaultdict(Traffic)
    models: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for part in slices:
        subject = part.key.subject
        place = (subject.service, subject.project, subject.environment)
        places[place] += part.traffic
        models[place] |= {subject.model} - {""}
    return tuple(
        ServiceSummary(
            *place,
            tuple(sorted(models[place])),
            traffic.spans,
            traffic.errors,
            traffic.first_ns,
            traffic.last_ns,
            sampled,
        )
        for place, traffic in sorted(places.items())
    )


def window_rows(slices: Sequence[WindowSlice], query: WindowQuery, bins: Mapping[str, Bins]) -> Iterator[WindowRow]:
    """The columns asked for of each slice, or else all that any slice or the bins have."""
    columns = query.columns or sorted({name for part in slices for name in part.columns} | bins.keys())
    for part in slices:
        for column in columns:
            yield part.row(column, bins.get(column))


def summary_of(trace: Trace) -> TraceSummary:
    """What a list says of a trace."""
    root = next((span for span in trace.spans if not span.parent_id), trace.spans[0])
    about = next((span for span in trace.spans if counted_subject(span).model), root)
    return TraceSummary(
        trace.trace_id,
        root.name,
        counted_subject(about),
        min(span.start_ns for span in trace.spans),
        max(span.end_ns for span in trace.spans),
        len(trace.spans),
        sum(span.is_error for span in trace.spans),
    )


def counted_subject(span: Span) -> Subject:
    """What a span is counted under: one that brings labels is no inference and counts for its service only."""
    subject = subject_of(span)
    return replace(subject, model="", version="", arm="") if is_label(span) else subject
