"""A rollout that is over, the same on every machine: judged by the evidence up to its end, measured again if need be.

What its mark says of the verdict stands where the evidence is gone. Only a breach that the evidence shows outweighs it,
which is certain however much of the evidence is left, and anything outweighs INSUFFICIENT, which tells nothing: but
of a rollout that was aborted no earlier evidence says that it was healthy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mlops_tui.domain.judgements import Judgement, Verdict
from mlops_tui.domain.rollout_states import Phase, Progress
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.operations.measurements import GRACE
from mlops_tui.operations.rollouts.judging import weighed, with_verdicts
from mlops_tui.operations.rollouts.sightings import Sighting
from mlops_tui.operations.rollouts.traffic import known_traffic, points_of, samples_of
from mlops_tui.operations.session import Session

# A mark tells moments to the second: a window closed just before it was written may seem to have closed after that.
_CUT_OFF = timedelta(seconds=1)


async def ended(session: Session, record: Rollout, sighting: Sighting, now: datetime) -> Rollout:
    """With its verdict, from what is kept and what the mark says; measured again only where neither tells anything."""
    found = await _ended(session, record, sighting, now, is_measured=False)
    known_traffic(session, record).forget_open(now)
    return found


async def recalled(session: Session, record: Rollout, sighting: Sighting, now: datetime) -> Rollout:
    """With its verdict, its traffic and the samples of all its steps; a rollout under way as it is.

    It asks the traces for what is not known yet, once a session: then nothing can change any more.
    """
    if not record.state.is_over:
        return record
    found = await _ended(session, record, sighting, now, is_measured=True)
    known = known_traffic(session, record)
    windows = [window for window in known.windows if window.end <= record.progress.since]
    known.forget_open(now)
    samples = samples_of(windows)
    arms = tuple(replace(arm, samples=samples[arm.name]) for arm in record.arms)
    return replace(found, arms=arms, traffic=points_of(windows))


async def _ended(session: Session, record: Rollout, sighting: Sighting, now: datetime, *, is_measured: bool) -> Rollout:
    plan, written, since = record.plan, sighting.mark.verdict, record.progress.since
    if plan is None:
        return with_verdicts(record, _settled((), written, record.progress, "the plan is another one now"))
    counted_until = since + _CUT_OFF - GRACE
    running, _ = await weighed(session, record, plan, None, counted_until)
    known = known_traffic(session, record)
    is_wanted = written is None and not running.verdicts and not known.has_failed
    if not known.is_whole and (is_measured or is_wanted):
        running, obstacles = await weighed(session, record, plan, since + GRACE, counted_until)
        known.has_failed = bool(obstacles)
        known.is_whole = not obstacles and now >= since + GRACE
    verdicts = [verdict for verdict in running.verdicts if verdict.at <= counted_until]
    left = f"the evidence that is left says {verdicts[-1].verdict.value}" if verdicts else "no evidence is left"
    return with_verdicts(record, _settled(verdicts, written, record.progress, left))


def _settled(verdicts: Sequence[Judgement], written: Verdict | None, end: Progress, why: str) -> tuple[Judgement, ...]:
    """The verdicts, the last of them the one that holds."""
    found = verdicts[-1].verdict if verdicts else None
    is_too_good = found is Verdict.HEALTHY and end.phase is Phase.ABORTED
    tells_more = found is not None and written is Verdict.INSUFFICIENT and not is_too_good
    if written is None or found in {written, Verdict.BREACH} or tells_more:
        return tuple(verdicts)
    return (*verdicts, Judgement(end.since, written, f"as written when the rollout ended; {why}", ()))
