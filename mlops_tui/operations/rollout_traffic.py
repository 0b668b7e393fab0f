"""The traffic of a rollout: what is measured of it while it goes on, and what it had been once it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.domain.rollout_marks import UNKNOWN_VERSION
from mlops_tui.domain.rollouts import Arm, Hindrance, Obstacle, Rollout, TrafficPoint
from mlops_tui.operations.measurements import GRACE, Measured, MeasuredSubject, MeasuredWindow, measure
from mlops_tui.operations.session import Session

_SHOWN = 240


async def measured_traffic(
    session: Session, record: Rollout, plan: RolloutPolicy, now: datetime, measured_until: datetime | None
) -> tuple[Measured, Obstacle | None]:
    """What the closed windows since the rollout began bring, and why nothing where the traffic cannot be read.

    ``measured_until`` is where the evidence that is kept ends.
    """
    try:
        source = await session.traces()
        subject = _subject(record, plan)
        return await measure(source, subject, plan.guardrails, record.begun_at, now, measured_until), None
    except MlopsError as error:
        return Measured(), Obstacle(Hindrance.NO_MEASUREMENTS, f"The traffic cannot be measured: {error}")


async def recalled(session: Session, record: Rollout) -> Rollout:
    """A rollout that is over with the traffic it had and the samples of all its steps; any other as it is.

    It asks the traces anew, so it is for one rollout that somebody looks at. Windows count that ended before the
    rollout did, nothing is kept as evidence, and where the traces are gone the record stays as it is.
    """
    plan = record.plan
    if plan is None or not record.state.is_over:
        return record
    closed_by = record.progress.since + GRACE
    try:
        # Without guardrails only the traffic is counted, which is all that is shown.
        measured = await measure(await session.traces(), _subject(record, plan), (), record.begun_at, closed_by)
    except MlopsError:
        return record
    samples = samples_of(measured.windows)
    arms = tuple(replace(arm, samples=samples[arm.name]) for arm in record.arms)
    return replace(record, arms=arms, traffic=points_of(measured.windows))


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
    return tuple(_point(window) for window in windows[-_SHOWN:])


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
