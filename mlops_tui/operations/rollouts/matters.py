"""Rollouts in the overview: those that go on, those that wait for a person, and those that went wrong lately."""

from __future__ import annotations

from datetime import datetime, timedelta

from mlops_tui.domain.attention import Matter, MatterKind
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.rollout_states import Phase, RolloutState
from mlops_tui.domain.rollout_words import place_of
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.rollouts.listing import rollouts
from mlops_tui.operations.session import Session

LATELY = timedelta(days=1)


async def rollout_matters(session: Session) -> Snapshot[tuple[Matter, ...]]:
    """A matter for each rollout under way, and for those that were rolled back within a day."""
    snapshot = await rollouts(session)
    now = session.clock.now()
    found = [
        matter_of(record, now)
        for record in snapshot.data
        if not record.state.is_over
        or (record.state is RolloutState.ROLLED_BACK and now - record.progress.since < LATELY)
    ]
    return Snapshot(tuple(found), snapshot.fetched_at, snapshot.source, snapshot.error)


def matter_of(record: Rollout, now: datetime) -> Matter:
    """What a person should know of a rollout."""
    kind, detail = _standing(record, now)
    return Matter(
        kind=kind,
        title=f"{record.model} {record.version} → {record.environment}",
        detail=detail,
        at=record.progress.since,
        project=record.project.path,
        model=record.model,
        version=record.version,
        environment=record.environment,
        rollout_id=record.id,
        is_production=record.is_production,
    )


def _standing(record: Rollout, now: datetime) -> tuple[MatterKind, str]:
    where = place_of(record)
    where += f" ({record.weight:g} %)" if not record.state.is_over else ""
    reason = record.judgement.reason if record.judgement else ""
    if record.state is RolloutState.ROLLED_BACK:
        return MatterKind.ROLLOUT_WRONG, f"was rolled back on {where}"
    if record.verdict in {Verdict.BREACH, Verdict.INVALID}:
        return MatterKind.ROLLOUT_WRONG, f"{record.verdict.value}: {reason}"
    if record.progress.phase is Phase.ABORTING:
        return MatterKind.ROLLOUT_WRONG, f"is being rolled back from {where}"
    blocked = next((obstacle.text for obstacle in record.obstacles if obstacle.stops_watch), None)
    if record.state is RolloutState.HELD:
        return MatterKind.ROLLOUT_WAITING, f"is held on {where}"
    if blocked is not None:
        return MatterKind.ROLLOUT_WAITING, blocked
    if record.state is RolloutState.READY and record.watcher(now) is None:
        stands = "is complete" if record.verdict is Verdict.HEALTHY else f"has its time, {record.verdict.value}"
        return MatterKind.ROLLOUT_WAITING, f"{where} {stands}, and nobody watches it"
    return MatterKind.ROLLOUT_RUNNING, f"{where}, {record.verdict.value}"
