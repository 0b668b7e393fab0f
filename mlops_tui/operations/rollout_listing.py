"""What one can ask of rollouts: which there are, and how each stands."""

from __future__ import annotations

from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.rollout_records import Rollout
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.rollout_assembly import bare_rollout
from mlops_tui.operations.rollout_drivers import sightings
from mlops_tui.operations.rollout_sightings import read_projects
from mlops_tui.operations.session import Session


async def rollouts(session: Session) -> Snapshot[tuple[Rollout, ...]]:
    """Every rollout of the context's projects, those under way first, then the newest.

    Where flags may not be read or a policy file is wrong, the snapshot's ``error`` says so and the rest is there.
    """
    readings, wrong = await read_projects(session)
    found = [bare_rollout(session, reading, sighting) for reading in readings for sighting in sightings(reading)]
    found.sort(key=lambda item: (item.state.is_over, -item.progress.since.timestamp()))
    snapshot = session.snapshot(tuple(found))
    error = wrong or next((item.flags_error for item in readings if item.flags_error), None)
    return snapshot.failed(error) if error else snapshot


async def rollout(session: Session, name: str) -> Snapshot[Rollout]:
    """One rollout, by its id, or by NAME or GROUP/PROJECT:NAME of its model: the one under way, else the newest.

    Raises UsageError when there is none, or several of that name are under way.
    """
    snapshot = await rollouts(session)
    found = [item for item in snapshot.data if name in _names(item)]
    open_ones = [item for item in found if not item.state.is_over]
    if len(open_ones) > 1:
        raise UsageError(
            f"Several rollouts of {name} are under way",
            why=", ".join(f"{item.id} ({item.project.path}, {item.environment})" for item in open_ones),
            remedy="Name one by its id",
        )
    if not found:
        raise snapshot.error or UsageError(
            f"There is no rollout {name}", remedy="List them with `mlops-tui rollouts list`"
        )
    return Snapshot((open_ones or found)[0], snapshot.fetched_at, snapshot.source)


def _names(item: Rollout) -> set[str]:
    return {item.id, item.model, f"{item.project.path}:{item.model}"}
