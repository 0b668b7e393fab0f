"""Spans and traces as OpenTelemetry means them: what one operation was, when, for whom and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | bytes | Sequence[Value] | Mapping[str, Value] | None"
Attributes: TypeAlias = Mapping[str, Value]

NO_ATTRIBUTES: Attributes = {}


class SpanKind(IntEnum):
    """Where a span stands in a call; the numbers are those of the OpenTelemetry protocol."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class SpanStatus(IntEnum):
    """How an operation ended; the numbers are those of the OpenTelemetry protocol."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Resource:
    """Who sent a span: the service, its project and where it is deployed, all in attributes."""

    attributes: Attributes = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The name of the service, "" when it has none."""
        return text_of(self.attributes.get("service.name"))


@dataclass(frozen=True, slots=True)
class Scope:
    """The library that recorded a span."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened during a span; ``time_ns`` counts from the Unix epoch."""

    time_ns: int
    name: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A span of another trace, or of this one, that belongs with this span. Ids are lower-case hexadecimal."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """One operation.

    ``trace_id`` has 32 lower-case hexadecimal digits, ``span_id`` and ``parent_id`` have 16; a root's ``parent_id`` is
    "". Times are nanoseconds since the Unix epoch. ``dropped`` is how many attributes the sender had dropped,
    ``withheld`` how many we did not keep.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: SpanKind
    start_ns: int
    end_ns: int
    status: SpanStatus
    status_message: str
    attributes: Attributes
    resource: Resource
    scope: Scope
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    dropped: int = 0
    withheld: int = 0

    @property
    def duration_ns(self) -> int:
        """How long it took, in nanoseconds."""
        return self.end_ns - self.start_ns

    @property
    def is_error(self) -> bool:
        """Whether it ended in an error."""
        return self.status is SpanStatus.ERROR


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans of one trace that we have, by start; not always all that were sent."""

    trace_id: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, trace_id: str, spans: Iterable[Span]) -> Trace:
        """The trace of these spans, in the order of their start."""
        return cls(trace_id, tuple(sorted(spans, key=lambda span: (span.start_ns, -span.end_ns, span.span_id))))

    @property
    def roots(self) -> tuple[Span, ...]:
        """The spans without a parent, or whose parent is not here."""
        known = {span.span_id for span in self.spans}
        return tuple(span for span in self.spans if span.parent_id not in known)

    @property
    def is_complete(self) -> bool:
        """Whether every parent is here and there is one root."""
        roots = self.roots
        return len(roots) == 1 and not roots[0].parent_id


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of spans that were handed to a store, all of it durable.

    ``duplicates`` were there before; ``late`` ones were refused, since spans of their time have been removed and nobody
    can tell whether they are among those.
    """

    stored: int
    duplicates: int = 0
    late: int = 0

    def __add__(self, other: Appended) -> Appended:
        return Appended(self.stored + other.stored, self.duplicates + other.duplicates, self.late + other.late)


def text_of(value: Value) -> str:
    """An attribute's value as a name: text as it is, numbers and booleans as text, anything else ""."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            return ""
