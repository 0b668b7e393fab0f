"""Questions to a store of traces, and the rows that answer them, whichever store it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

from mlops_tui.domain.inferences import ATTRIBUTE_COLUMN, Subject
from mlops_tui.domain.traces import Attributes, SpanStatus, Value
from mlops_tui.domain.window_slices import NO_PROFILE, Traffic, WindowProfile, WindowSlice
from mlops_tui.domain.windows import WindowRow

LAST_NS = 2**63 - 1


class QuantileMethod(StrEnum):
    """How latency quantiles were found: from every duration, from buckets (at most 2.2 % off), or from a sample."""

    EXACT = "exact"
    BUCKETS = "buckets"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From ``start_ns`` up to but not including ``end_ns``, nanoseconds since the Unix epoch; by the end of spans."""

    start_ns: int = 0
    end_ns: int = LAST_NS

    def widened(self, width: int) -> TimeRange:
        """The windows of ``width`` seconds that overlap it, whole."""
        width_ns = width * 1_000_000_000
        return TimeRange(self.start_ns // width_ns * width_ns, min(-(-self.end_ns // width_ns) * width_ns, LAST_NS))


@dataclass(frozen=True, slots=True)
class SubjectFilter:
    """Which subjects are meant; None leaves a part open."""

    service: str | None = None
    project: str | None = None
    model: str | None = None
    version: str | None = None
    arm: str | None = None
    environment: str | None = None

    def admits(self, subject: Subject) -> bool:
        """Whether a subject is meant."""
        return all(
            wanted is None or wanted == found
            for wanted, found in (
                (self.service, subject.service),
                (self.project, subject.project),
                (self.model, subject.model),
                (self.version, subject.version),
                (self.arm, subject.arm),
                (self.environment, subject.environment),
            )
        )


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Which traces to list: those with a span that meets every condition, the newest first.

    Durations are nanoseconds, both ends included. ``attributes`` are names with the text of their value, found on the
    span or on its resource.
    """

    times: TimeRange = TimeRange()
    subjects: SubjectFilter = SubjectFilter()
    status: SpanStatus | None = None
    least_ns: int | None = None
    most_ns: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    limit: int = 50


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One trace in a list; ``name`` is its root's, ``subject`` that of the first span of a model, else the root's."""

    trace_id: str
    name: str
    subject: Subject
    start_ns: int
    end_ns: int
    spans: int
    errors: int


@dataclass(frozen=True, slots=True)
class ArmStatistics:
    """The traffic of one model version on one arm; quantiles are in nanoseconds, times nanoseconds since the epoch.

    ``sampled`` is how many spans the source was read for where that was not every span, else None.
    """

    model: str
    version: str
    arm: str
    spans: int
    errors: int
    p50_ns: float | None
    p95_ns: float | None
    p99_ns: float | None
    first_ns: int
    last_ns: int
    method: QuantileMethod
    sampled: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """One service in one environment of one project, and the models it served; ``sampled`` as in statistics."""

    service: str
    project: str
    environment: str
    models: tuple[str, ...]
    spans: int
    errors: int
    first_ns: int
    last_ns: int
    sampled: int | None = None


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """Which windows to read; ``columns`` empty means all, ``profile_id`` "" those without bins.

    ``width`` is in seconds, None for that of the store. ``profile`` holds the bins that ``profile_id`` stands for:
    whoever has them hands them in, since most stores do not know them. Where no columns are asked for, an empty
    ``model`` means every model. Columns ``attribute.<name>`` are of any attribute of spans; no store counts them ahead,
    so each answer reads the spans of ``times``, and they are asked for by themselves.
    """

    model: str
    times: TimeRange = TimeRange()
    subjects: SubjectFilter = SubjectFilter()
    columns: tuple[str, ...] = ()
    profile_id: str = NO_PROFILE
    width: int | None = None
    profile: WindowProfile | None = None

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those of the columns that are attributes of spans, whatever they are."""
        return tuple(column for column in self.columns if column.startswith(ATTRIBUTE_COLUMN))

    def is_answered_by(self, part: WindowSlice) -> bool:
        """Whether a slice of the model holds anything of what is asked for."""
        if self.attributes:
            return any(column in part.columns for column in self.attributes)
        return part.predictions > 0

    @property
    def admitted(self) -> SubjectFilter:
        """The subjects that are meant, the model among them."""
        return replace(self.subjects, model=self.model) if self.model else self.subjects


@dataclass(frozen=True, slots=True)
class WindowTraffic:
    """The traffic of one subject in one window, whose start is in UTC; a span counts where it ended.

    ``sampled`` is how many spans it rests on where not every span was counted, else None.
    """

    window_start: datetime
    width: timedelta
    subject: Subject
    traffic: Traffic
    sampled: int | None = None

    @classmethod
    def of(cls, part: WindowSlice, sampled: int | None = None) -> Self:
        """The traffic of a slice."""
        key = part.key
        start = datetime.fromtimestamp(key.start, UTC)
        return cls(start, timedelta(seconds=key.width), key.subject, part.traffic, sampled)


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """Rows of windows; ``sampled`` is how many spans they rest on where not every span was counted, else None."""

    rows: tuple[WindowRow, ...]
    sampled: int | None = None


@dataclass(frozen=True, slots=True)
class ReaderCapabilities:
    """What a source of traces can do by itself: count in place, page through all it has, tell which attributes are."""

    push_down: bool
    paging: bool
    attribute_discovery: bool


@dataclass(frozen=True, slots=True)
class LabelledPrediction:
    """A prediction with what turned out to be true; both by output. ``attributes`` are all that its span says."""

    trace_id: str
    span_id: str
    subject: Subject
    end_ns: int
    labelled_ns: int
    predicted: dict[str, Value]
    actual: dict[str, Value]
    attributes: Attributes = field(default_factory=dict)
