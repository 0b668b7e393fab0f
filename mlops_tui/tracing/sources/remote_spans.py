"""Spans as other stores have them, brought into the form that our own intake gives them."""

from __future__ import annotations

from dataclasses import replace

from mlops_tui.domain.traces import Span, SpanKind, SpanStatus, Value
from mlops_tui.tracing.attributes import SPECIAL, EverythingRead
from mlops_tui.tracing.findings import Findings
from mlops_tui.tracing.spans import KINDS, is_kept, normalise

_KIND_NAMES = {kind.name: kind for kind in SpanKind}
_STATUS_NAMES = {status.name: status for status in SpanStatus}
_NO_PARENT = "0" * 16


def accepted(span: Span) -> Span | None:
    """The span with ids in lower case and our names for what has others; None when it makes no sense."""
    parent = span.parent_id.lower()
    span = replace(
        span,
        trace_id=span.trace_id.lower(),
        span_id=span.span_id.lower(),
        parent_id="" if parent == _NO_PARENT else parent,
        attributes=_normalised(dict(span.attributes)),
        resource=replace(span.resource, attributes=_normalised(dict(span.resource.attributes))),
    )
    return span if is_kept(span, None, Findings()) else None


def kind_named(text: str) -> SpanKind:
    """A kind by any of its spellings: ``Server``, ``SPAN_KIND_SERVER``, ``2``."""
    if text.isdecimal():
        return KINDS.get(int(text), SpanKind.UNSPECIFIED)
    return _KIND_NAMES.get(text.upper().removeprefix("SPAN_KIND_"), SpanKind.UNSPECIFIED)


def status_named(text: str) -> SpanStatus:
    """A status by any of its spellings: ``Error``, ``STATUS_CODE_ERROR``, ``ERROR``."""
    return _STATUS_NAMES.get(text.upper().removeprefix("STATUS_CODE_"), SpanStatus.UNSET)


def _normalised(attributes: dict[str, Value]) -> dict[str, Value]:
    if not SPECIAL.isdisjoint(attributes):
        normalise(attributes, EverythingRead(), Findings())
    return attributes
