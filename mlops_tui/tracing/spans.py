"""What both wire formats have in common: spans are checked, text is made safe, attributes get our names."""

from __future__ import annotations

import re
from typing import NamedTuple

from mlops_tui.domain.text import clean, clean_block
from mlops_tui.domain.traces import Resource, Scope, Span, SpanEvent, SpanKind, SpanLink, SpanStatus, Value
from mlops_tui.tracing.attributes import SPECIAL, AttributeRules, rename_aliases
from mlops_tui.tracing.findings import Findings
from mlops_tui.tracing.tensors import UnreadableTensorError, unpack

CHUNK = 1_000
LATEST_NS = 2**63 - 1
LONGEST_TEXT = 65_536
LONGEST_MESSAGE = 2_000
MOST_ATTRIBUTES = 4_096
MOST_EVENTS = 128
DEEPEST = 8

BAD_TRACE_ID = "trace id is not 16 bytes, not all zero"
BAD_SPAN_ID = "span id is not 8 bytes, not all zero"
BAD_PARENT_ID = "parent span id is not 8 bytes"
BAD_ORDER = "end is before start"
BAD_TIME = "time is missing or beyond the year 2262"
BAD_FEATURE = "feature name is not [a-z][a-z0-9_]*"
LONG_VALUE = f"attribute is longer than {LONGEST_TEXT} characters"
DEEP_VALUE = f"attribute is nested deeper than {DEEPEST}"
MANY_ATTRIBUTES = f"attribute beyond the first {MOST_ATTRIBUTES}"

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")
_KINDS = {kind.value: kind for kind in SpanKind}
_STATUSES = {status.value: status for status in SpanStatus}


class RawSpan(NamedTuple):
    """A span as it was read, before anything of it was checked."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status: int
    status_message: str
    attributes: dict[str, Value]
    events: tuple[SpanEvent, ...]
    links: tuple[SpanLink, ...]
    dropped: int
    withheld: int
    refused: str | None


def assemble(raw: RawSpan, resource: Resource, scope: Scope, rules: AttributeRules, findings: Findings) -> Span | None:
    """The checked span, or None when it has to be refused, which is then among the findings."""
    problem = raw.refused or problem_of(raw)
    if problem is not None:
        findings.reject(problem)
        return None
    if not SPECIAL.isdisjoint(raw.attributes):
        normalise(raw.attributes, rules, findings)
    return Span(
        raw.trace_id,
        raw.span_id,
        raw.parent_id,
        clean(raw.name),
        _KINDS.get(raw.kind, SpanKind.UNSPECIFIED),
        raw.start_ns,
        raw.end_ns,
        _STATUSES.get(raw.status, SpanStatus.UNSET),
        clean(raw.status_message, LONGEST_MESSAGE) if raw.status_message else "",
        raw.attributes,
        resource,
        scope,
        raw.events,
        raw.links,
        raw.dropped,
        raw.withheld,
    )


def normalise(attributes: dict[str, Value], rules: AttributeRules, findings: Findings) -> None:
    """Rename aliases and unpack tensors, in place."""
    rename_aliases(attributes)
    try:
        unpack(attributes, rules)
    except UnreadableTensorError as error:
        findings.warn(f"packed values: {error}")


def problem_of(raw: RawSpan) -> str | None:
    """Why a span cannot be kept."""
    if not _TRACE_ID.fullmatch(raw.trace_id):
        return BAD_TRACE_ID
    if not _SPAN_ID.fullmatch(raw.span_id):
        return BAD_SPAN_ID
    if raw.parent_id and not _SPAN_ID.fullmatch(raw.parent_id):
        return BAD_PARENT_ID
    if not 0 < raw.start_ns <= LATEST_NS or not 0 < raw.end_ns <= LATEST_NS:
        return BAD_TIME
    return BAD_ORDER if raw.end_ns < raw.start_ns else None


def safe_text(text: str, findings: Findings) -> str | None:
    """Text of an attribute that is safe to draw; None when it is too long to be kept."""
    if len(text) > LONGEST_TEXT:
        findings.warn(LONG_VALUE)
        return None
    return text if text.isascii() and text.isprintable() else clean_block(text, LONGEST_TEXT)


def short_bytes(value: bytes, findings: Findings) -> bytes | None:
    """Bytes of an attribute; None when they are too many to be kept."""
    if len(value) <= LONGEST_TEXT:
        return value
    findings.warn(LONG_VALUE)
    return None


def link(trace_id: str, span_id: str, attributes: dict[str, Value]) -> SpanLink:
    """A link whose ids are hexadecimal or, where they were not, ""."""
    return SpanLink(
        trace_id if _TRACE_ID.fullmatch(trace_id) else "",
        span_id if _SPAN_ID.fullmatch(span_id) else "",
        attributes,
    )
