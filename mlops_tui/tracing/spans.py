"""What both wire formats have in common: spans are checked, text is made safe, attributes get our names."""

from __future__ import annotations

import re

from mlops_tui.domain.text import clean_block
from mlops_tui.domain.traces import Span, SpanKind, SpanLink, SpanStatus, Value
from mlops_tui.tracing.attributes import AttributeRules, rename_aliases
from mlops_tui.tracing.findings import Findings
from mlops_tui.tracing.tensors import UnreadableTensorError, unpack

CHUNK = 1_000
LATEST_NS = 2**63 - 1
LONGEST_TEXT = 65_536
LONGEST_MESSAGE = 2_000
MOST_ATTRIBUTES = 4_096
MOST_EVENTS = 128
DEEPEST = 8
KINDS = {kind.value: kind for kind in SpanKind}
STATUSES = {status.value: status for status in SpanStatus}

BAD_TRACE_ID = "trace id is not 16 bytes, not all zero"
BAD_SPAN_ID = "span id is not 8 bytes, not all zero"
BAD_PARENT_ID = "parent span id is not 8 bytes"
BAD_ORDER = "end is before start"
BAD_TIME = "time is missing or beyond the year 2262"
BAD_FEATURE = "feature name is not [a-z][a-z0-9_]*"
LONG_VALUE = f"attribute is longer than {LONGEST_TEXT} characters"
DEEP_VALUE = f"attribute is nested deeper than {DEEPEST}"

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")


def is_kept(span: Span, refused: str | None, findings: Findings) -> bool:
    """Whether a span as it was read makes sense; ``refused`` is what was wrong with its attributes.

    What is refused is then among the findings.
    """
    problem = refused or _problem_of(span)
    if problem is None:
        return True
    findings.reject(problem)
    return False


def normalise(attributes: dict[str, Value], rules: AttributeRules, findings: Findings) -> None:
    """Rename aliases and unpack tensors, in place."""
    rename_aliases(attributes)
    try:
        unpack(attributes, rules)
    except UnreadableTensorError as error:
        findings.warn(f"packed values: {error}")


def _problem_of(span: Span) -> str | None:
    """Why a span cannot be kept."""
    if not _TRACE_ID.fullmatch(span.trace_id):
        return BAD_TRACE_ID
    if not _SPAN_ID.fullmatch(span.span_id):
        return BAD_SPAN_ID
    if span.parent_id and not _SPAN_ID.fullmatch(span.parent_id):
        return BAD_PARENT_ID
    if not 0 < span.start_ns <= LATEST_NS or not 0 < span.end_ns <= LATEST_NS:
        return BAD_TIME
    return BAD_ORDER if span.end_ns < span.start_ns else None


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
