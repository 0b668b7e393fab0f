"""The traffic of a rollout: each closed window is read once and remembered as long as the session lasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.judgements import Measurement
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.domain.rollout_marks import UNKNOWN_VERSION
from mlops_tui.domain.rollouts import Arm, Hindrance, Obstacle, Rollout, TrafficPoint
from mlops_tui.operations.measurements import GRACE, Measured, MeasuredSubject, MeasuredWindow, measure
from mlops_tui.operations.rollouts.assembly import plan_digest
from mlops_tui.operations.session import Session

# So many looks are kept to be shown: of the traffic, and of what was said of it.
MOST_SHOWN = 240


@dataclass(slots=True)
class KnownTraffic:
    """What was measured of a rollout so far, oldest first: a closed window never changes, so each is read once.

    ``notes`` are sentences on what could not be measured. ``is_whole`` is whether nothing can come any more, since the
    rollout is over, and ``has_failed`` whether reading it failed after that.
    """

    windows: list[MeasuredWindow] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    is_whole: bool = False
    has_failed: bool = False

    @property
    def until(self) -> datetime | None:
        """The end of the newest window."""
        return self.windows[-1].end if self.windows else None

    def add(self, measured: Measured) -> None:
        """Take in what was read; of windows that two looks read at once each counts once."""
        until = self.until
        fresh = [window for window in measured.windows if until is None or window.start >= until]
        if fresh or until is None:
            self.notes = tuple(dict.fromkeys((*(self.notes if until else ()), *measured.notes)))
        self.windows += fresh

    def forget_open(self, now: datetime) -> None:
        """Leave out the windows to which something may still come, so that they are read again."""
        self.windows = [window for window in self.windows if window.end + GRACE <= now]

    def measurements(self, after: datetime | None, until: datetime) -> list[Measurement]:
        """What the windows that ended since ``after``, and by ``until``, bring to the judge."""
        newest = takewhile(lambda window: after is None or window.end > after, reversed(self.windows))
        windows = [window for window in newest if window.end <= until]
        return [item for window in reversed(windows) for item in window.measurements]


def known_traffic(session: Session, record: Rollout) -> KnownTraffic:
    """What this session has read of a rollout's traffic."""
    return session.known_traffic.setdefault(evidence_key(record), KnownTraffic())


def evidence_key(record: Rollout) -> str:
    """What evidence belongs to: the rollout, and the plan that holds now, which may measure other things."""
    return f"{record.id}-{plan_digest(record.plan) if record.plan else record.plan_digest}"


async def measure_traffic(
    session: Session, record: Rollout, plan: RolloutPolicy, now: datetime, measured_until: datetime | None
) -> Obstacle | None:
    """Read the windows closed since the last look; why nothing can be read, where that is so.

    ``measured_until`` is where the evidence that is kept ends.
    """
    known = known_traffic(session, record)
    try:
        source = await session.traces()
        since = known.until or record.begun_at
        subject = _subject(record, plan)
        known.add(await measure(source, subject, plan.guardrails, since, now, measured_until))
    except MlopsError as error:
        return Obstacle(Hindrance.NO_MEASUREMENTS, f"The traffic cannot be measured: {error}")
    return None


def with_samples(arms: Sequence[Arm], windows: Iterable[MeasuredWindow]) -> tuple[Arm, ...]:
    """The arms with what they served in some windows, and with their share of it."""
    samples = samples_of(windows)
    total = sum(samples.values())
    return tuple(
        replace(
            arm,
            samples=samples[arm.name],
            observed=round(100.0 * samples[arm.name] / total, 2) if total else None,
        )
        for arm in arms
    )


def samples_of(windows: Iterable[MeasuredWindow]) -> Counter[str]:
    """How many spans each arm served in some windows."""
    samples: Counter[str] = Counter()
    for window in windows:
        samples.update({arm: traffic.spans for arm, traffic in window.traffic.items()})
    return samples


def points_of(windows: Sequence[MeasuredWindow]) -> tuple[TrafficPoint, ...]:
    """The newest windows as they are shown."""
    return tuple(_point(window) for window in windows[-MOST_SHOWN:])


def _point(window: MeasuredWindow) -> TrafficPoint:
    return TrafficPoint(
        window.start,
        window.width,
        {arm: traffic.spans for arm, traffic in window.traffic.items()},
        {arm: traffic.errors for arm, traffic in window.traffic.items()},
    )


def _subject(record: Rollout, plan: RolloutPolicy) -> MeasuredSubject:
    control = None if record.control_version == UNKNOWN_VERSION else record.control_version
    versions: Mapping[str, str | None] = {
        plan.control: control,
        **{arm.name: arm.version for arm in record.arms if not arm.is_control},
    }
    return MeasuredSubject(record.project, record.model, record.environment, versions)
