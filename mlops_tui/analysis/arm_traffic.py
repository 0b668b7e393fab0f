"""The traffic of model versions on their arms, and of services without a model, added up from windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.trace_queries import ArmStatistics, QuantileMethod, WindowTraffic
from mlops_tui.domain.window_slices import Traffic, bucketed_quantile

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """What traffic is told apart by: model, version, arm and environment; for spans of no model, their service."""

    model: str
    version: str
    arm: str
    environment: str
    service: str = ""

    @classmethod
    def of(cls, subject: Subject) -> Arm:
        """The arm a subject belongs to."""
        service = "" if subject.model else subject.service
        return cls(subject.model, subject.version, subject.arm, subject.environment, service)


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One window of an arm, which ended before ``end_ns`` or ends there; ``p95_ns`` is None where nothing came."""

    start_ns: int
    end_ns: int
    spans: int = 0
    errors: int = 0
    p95_ns: float | None = None

    @property
    def rate(self) -> float:
        """Spans a second."""
        return self.spans * _NANOSECONDS / (self.end_ns - self.start_ns)


@dataclass(frozen=True, slots=True)
class ArmTraffic:
    """What came on one arm; quantiles are nanoseconds, ``rate`` is spans a second.

    ``sampled`` is how many spans the figures rest on where not every span was counted, else None.
    """

    arm: Arm
    services: tuple[str, ...]
    spans: int
    errors: int
    rate: float
    p50_ns: float | None
    p95_ns: float | None
    p99_ns: float | None
    method: QuantileMethod
    first_ns: int
    last_ns: int
    trend: tuple[TrendPoint, ...]
    sampled: int | None = None

    def exactly(self, known: ArmStatistics) -> ArmTraffic:
        """The same with quantiles found in another way, if they are of the same spans."""
        if known.spans != self.spans:
            return self
        return replace(self, p50_ns=known.p50_ns, p95_ns=known.p95_ns, p99_ns=known.p99_ns, method=known.method)


def arm_traffic(windows: Sequence[WindowTraffic], now_ns: int) -> tuple[ArmTraffic, ...]:
    """Add windows up, arms with a model first; rates are over the time from the first span to ``now_ns``."""
    if not windows:
        return ()
    spans = _trend_spans(windows, now_ns)
    arms: dict[Arm, list[WindowTraffic]] = defaultdict(list)
    for window in windows:
        arms[Arm.of(window.subject)].append(window)
    return tuple(_added_up(arm, arms[arm], spans, now_ns) for arm in sorted(arms, key=_order))


def _order(arm: Arm) -> tuple[bool, Arm]:
    return not arm.model, arm


def _added_up(arm: Arm, windows: Sequence[WindowTraffic], spans: Sequence[tuple[int, int]], now_ns: int) -> ArmTraffic:
    total = sum((window.traffic for window in windows), Traffic())
    seconds = max(1.0, (now_ns - total.first_ns) / _NANOSECONDS)
    p50, p95, p99 = (bucketed_quantile(total.latencies, quantile) for quantile in (0.5, 0.95, 0.99))
    samples = [window.sampled for window in windows if window.sampled is not None]
    return ArmTraffic(
        arm,
        tuple(sorted({window.subject.service for window in windows} - {""})),
        total.spans,
        total.errors,
        total.spans / seconds,
        p50,
        p95,
        p99,
        QuantileMethod.BUCKETS,
        total.first_ns,
        total.last_ns,
        _trend(windows, spans),
        sum(samples) if samples else None,
    )


def _trend_spans(windows: Iterable[WindowTraffic], now_ns: int) -> list[tuple[int, int]]:
    """Every window between the first and now; the one that is still running only once half of it has passed."""
    starts = [_start(window) for window in windows]
    width = round(max(window.width for window in windows).total_seconds()) * _NANOSECONDS
    spans = [(start, min(start + width, now_ns)) for start in range(min(starts), max(*starts, now_ns), width)]
    return [part for part in spans if part[1] - part[0] >= width // 2]


def _trend(windows: Iterable[WindowTraffic], spans: Sequence[tuple[int, int]]) -> tuple[TrendPoint, ...]:
    by_start: dict[int, Traffic] = defaultdict(Traffic)
    for window in windows:
        by_start[_start(window)] += window.traffic
    return tuple(_point(start, end, by_start[start]) for start, end in spans)


def _point(start: int, end: int, traffic: Traffic) -> TrendPoint:
    return TrendPoint(start, end, traffic.spans, traffic.errors, bucketed_quantile(traffic.latencies, 0.95))


def _start(window: WindowTraffic) -> int:
    return round(window.window_start.timestamp()) * _NANOSECONDS
