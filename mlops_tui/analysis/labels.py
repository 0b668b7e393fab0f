"""Labels joined to the predictions they are about, where a store leaves that to us."""

from __future__ import annotations

from collections.abc import Iterable

from mlops_tui.analysis.traffic import counted_subject
from mlops_tui.domain.inferences import PREDICTION, PREDICTION_ID, is_label, label_of, subject_of
from mlops_tui.domain.trace_queries import LabelledPrediction, WindowQuery
from mlops_tui.domain.traces import Span, Value, text_of


def joined_labels(spans: Iterable[Span], query: WindowQuery) -> tuple[LabelledPrediction, ...]:
    """The predictions among the spans that are meant and have a label among them; of several the latest counts."""
    known = list(spans)
    by_name: dict[str, list[Span]] = {}
    for span in known:
        if query.times.start_ns <= span.end_ns < query.times.end_ns and not is_label(span):
            by_name.setdefault(f"{span.trace_id}:{span.span_id}", []).append(span)
            if named := text_of(span.attributes.get(PREDICTION_ID)):
                by_name.setdefault(named, []).append(span)
    found: dict[tuple[str, str], LabelledPrediction] = {}
    for label in sorted(known, key=lambda span: span.end_ns):
        said = label_of(label)
        if said is None:
            continue
        about = subject_of(label)
        for span in by_name.get(said.prediction_id or f"{said.trace_id}:{said.span_id}", ()):
            subject = counted_subject(span)
            is_same = about.project in {"", subject.project} and about.model in {"", subject.model}
            if is_same and query.admitted.admits(subject):
                found[span.trace_id, span.span_id] = LabelledPrediction(
                    span.trace_id,
                    span.span_id,
                    subject,
                    span.end_ns,
                    label.end_ns,
                    _predicted(span),
                    dict(said.outcomes),
                    span.attributes,
                )
    return tuple(found.values())


def _predicted(span: Span) -> dict[str, Value]:
    return {
        key[len(PREDICTION) :]: value
        for key, value in span.attributes.items()
        if key.startswith(PREDICTION) and key != PREDICTION_ID
    }
