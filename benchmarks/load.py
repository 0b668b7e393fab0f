"""The memory of a collector under a load that does not end."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.intake import BODIES, SPANS, Batches, Collector, collecting, send
from benchmarks.results import Row, Section, megabytes

SECONDS = 240.0
WARMING = 60.0
_MOST_GROWTH = 1.05


@dataclass(frozen=True, slots=True)
class _Look:
    """What the collector held after so many spans."""

    seconds: float
    spans: int
    resident: int


def measure(seconds: float = SECONDS) -> Section:
    """Resident memory after warming up and at the end, of ``seconds`` of requests as fast as they are taken."""
    with tempfile.TemporaryDirectory() as folder, collecting(Path(folder)) as collector:
        looks = _load(collector, seconds)
        stored = collector.stored()
    warm = [look for look in looks if look.seconds >= min(WARMING, seconds / 4)]
    third = max(1, len(warm) // 3)
    before, after = (statistics.median(look.resident for look in part) for part in (warm[:third], warm[-third:]))
    sent = looks[-1].spans
    return Section(
        "A long load of traces",
        f"The requests of the intake's benchmark, without a pause for {seconds:.0f} seconds. Memory is the "
        f"collector's resident set after each {SPANS * BODIES:,} spans: the median of the first third after "
        f"{min(WARMING, seconds / 4):.0f} seconds of warming up, and that of the last third.",
        (
            Row("spans sent and stored", f"{stored:,}", f"sent: {sent:,}", "", "all", stored == sent),
            Row("spans a second", f"{sent / looks[-1].seconds:,.0f}", "", "", "", None),
            Row(
                "memory at the end",
                megabytes(after),
                f"at the beginning: {megabytes(before)}",
                f"{after / before:.2f}",
                f"at most {_MOST_GROWTH:g}x",
                after / before <= _MOST_GROWTH,
            ),
            Row("most memory", megabytes(max(look.resident for look in looks)), "", "", "", None),
        ),
    )


def _load(collector: Collector, seconds: float) -> list[_Look]:
    batches = Batches()
    looks: list[_Look] = []
    start = time.perf_counter()
    while not looks or looks[-1].seconds < seconds:
        send(collector, batches.fresh())
        passed, spans = time.perf_counter() - start, (len(looks) + 1) * SPANS * BODIES
        looks.append(_Look(passed, spans, collector.resident_bytes()))
    return looks
