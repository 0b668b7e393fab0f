"""How much traffic model versions get on their arms, how fast they answer, and how often they fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_tui.analysis.arm_traffic import Arm, ArmTraffic, arm_traffic
from mlops_tui.domain.errors import ConfigError, UsageError
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, WindowQuery, WindowTraffic
from mlops_tui.operations.session import Session
from mlops_tui.tracing.readers import TraceReader

# Up to so many spans latencies are read from every span: more would be too much to read again at every look.
MOST_EXACT = 20_000
_MOST_QUESTIONS = 6
NO_STORE = "no store"


@dataclass(frozen=True, slots=True)
class TrafficBoard:
    """The arms with traffic since ``since``; ``source`` is what was read, ``NO_STORE`` where there is none yet."""

    arms: tuple[ArmTraffic, ...]
    source: str
    since: datetime

    @property
    def has_store(self) -> bool:
        """Whether anything could be read."""
        return self.source != NO_STORE


async def show_traffic(session: Session, reach: timedelta) -> Snapshot[TrafficBoard]:
    """The traffic of the last ``reach``, in whole windows; a store that is not there yet has none."""
    now = session.clock.now()
    reader = await trace_reader(session)
    if reader is None:
        return Snapshot(TrafficBoard((), NO_STORE, now - reach), now, NO_STORE)
    times = recent(now, reach)
    windows = await reader.traffic(WindowQuery("", times))
    arms = await _exactly(reader, arm_traffic(windows, nanoseconds(now)), windows, times)
    return Snapshot(TrafficBoard(arms, reader.name, now - reach), now, reader.name)


async def trace_reader(session: Session) -> TraceReader | None:
    """What keeps the traces of the session's context, None where nobody has sent any yet."""
    try:
        return await session.traces()
    except ConfigError:
        raise
    except UsageError:
        return None


def recent(now: datetime, reach: timedelta) -> TimeRange:
    """The time that ended just now; what arrives from clocks that are ahead is in it."""
    return TimeRange(max(0, nanoseconds(now - reach)))


def nanoseconds(moment: datetime) -> int:
    """A time as nanoseconds since the Unix epoch."""
    return round(moment.timestamp() * 1_000_000) * 1_000


async def _exactly(
    reader: TraceReader, arms: tuple[ArmTraffic, ...], windows: Sequence[WindowTraffic], times: TimeRange
) -> tuple[ArmTraffic, ...]:
    """The same with exact quantiles, where few enough spans have to be read for them."""
    questions = {_question(item.arm) for item in arms}
    if (
        not reader.capabilities.push_down
        or not arms
        or len(questions) > _MOST_QUESTIONS
        or sum(item.spans for item in arms) > MOST_EXACT
    ):
        return arms
    whole = times.widened(round(windows[0].width.total_seconds()))
    known = {
        (question, found.model, found.version, found.arm): found
        for question in questions
        for found in await reader.statistics(whole, question)
    }
    found = ((item, known.get((_question(item.arm), item.arm.model, item.arm.version, item.arm.arm))) for item in arms)
    return tuple(item if exact is None else item.exactly(exact) for item, exact in found)


def _question(arm: Arm) -> SubjectFilter:
    """Whose statistics to ask for, so that no others are mixed in."""
    if arm.model:
        return SubjectFilter(environment=arm.environment)
    return SubjectFilter(service=arm.service, model="", environment=arm.environment)
