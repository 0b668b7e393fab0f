"""What one can ask of rollouts: which there are, and how each stands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlops_tui.domain.deployments import Deployment
from mlops_tui.domain.errors import RemoteError, UsageError
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.projects import Project
from mlops_tui.domain.rollout_leases import current_lease
from mlops_tui.domain.rollout_states import Phase
from mlops_tui.domain.rollouts import Hindrance, Obstacle, Rollout
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.rollouts.assembly import bare_rollout
from mlops_tui.operations.rollouts.drivers import sightings
from mlops_tui.operations.rollouts.endings import ended, recalled
from mlops_tui.operations.rollouts.history import Past, events_of, read_past, weights_of
from mlops_tui.operations.rollouts.judging import judged
from mlops_tui.operations.rollouts.returns import begun_return, told_waiting
from mlops_tui.operations.rollouts.sightings import ProjectReading, Sighting, read_project
from mlops_tui.operations.rollouts.surroundings import Lacking, approvals_lacking, guard_obstacles, step_obstacle
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class Found:
    """A rollout with what it was read from."""

    record: Rollout
    reading: ProjectReading
    sighting: Sighting


async def rollouts(session: Session) -> Snapshot[tuple[Rollout, ...]]:
    """Every rollout of the context's projects, those under way first, then the newest.

    Where a project or its flags cannot be read or a policy file is wrong, the snapshot's ``error`` says so and the rest
    is there. Raises RemoteError when no project can be read.
    """
    snapshot = await _all(session)
    records = tuple(item.record for item in snapshot.data)
    return Snapshot(records, snapshot.fetched_at, snapshot.source, snapshot.error)


async def rollout(session: Session, name: str) -> Snapshot[Rollout]:
    """One rollout, by its id, or by the NAME of its model: the one under way, else the newest.

    With GROUP/PROJECT: before either only that project is asked.
    Raises UsageError when there is none, or several of that name are under way.
    """
    snapshot = await find_rollout(session, name)
    return Snapshot(await _recalled(session, snapshot.data), snapshot.fetched_at, snapshot.source)


async def _all(session: Session, path: str = "") -> Snapshot[tuple[Found, ...]]:
    """What the context's projects hold, or only the one at ``path``."""
    projects = [project for project in await session.projects() if path in {"", project.ref.path}]
    answers = await asyncio.gather(*(_reading(session, project) for project in projects))
    readings = [answer for answer in answers if isinstance(answer, ProjectReading)]
    unread = [answer for answer in answers if not isinstance(answer, ProjectReading)]
    if unread and not readings:
        raise unread[0]
    told = await asyncio.to_thread(read_past, session.journal)
    listed = await asyncio.gather(*(_of_project(session, reading, told) for reading in readings))
    found = [item for part in listed for item in part]
    found.sort(key=lambda item: (item.record.state.is_over, -item.record.progress.since.timestamp()))
    snapshot = session.snapshot(tuple(found))
    # What may have hidden a rollout goes before what only hides its plan.
    hidden = [*unread, *(item.flags_error for item in readings if item.flags_error is not None)]
    error = next(iter((*hidden, *(item.policy_error for item in readings if item.policy_error is not None))), None)
    return snapshot.failed(error) if error else snapshot


async def _reading(session: Session, project: Project) -> ProjectReading | RemoteError:
    """One project; what keeps it from being read must not keep a rollout of another from being aborted."""
    try:
        return await read_project(session, project)
    except RemoteError as error:
        return error


async def find_rollout(session: Session, name: str) -> Snapshot[Found]:
    """What ``rollout`` finds, with what it was read from."""
    path, _, _ = name.rpartition(":")
    snapshot = await _all(session, path)
    found = [item for item in snapshot.data if name in _names(item.record)]
    open_ones = [item for item in found if not item.record.state.is_over]
    if len(open_ones) > 1:
        records = [item.record for item in open_ones]
        raise UsageError(
            f"Several rollouts of {name} are under way",
            why=", ".join(f"{item.id} ({item.project.path}, {item.environment})" for item in records),
            remedy="Name one by its id",
        )
    if not found:
        raise snapshot.error or UsageError(
            f"There is no rollout {name}", remedy="List them with `mlops-tui rollouts list`"
        )
    return Snapshot((open_ones or found)[0], snapshot.fetched_at, snapshot.source)


async def rollout_of_version(
    session: Session, project: Project, model: str, version: str, environment: str
) -> Rollout | None:
    """The newest rollout of a version, that in ``environment`` before others; None where there is none."""
    reading = await read_project(session, project)
    told = await asyncio.to_thread(read_past, session.journal)
    found = [
        item
        for item in await _of_project(session, reading, told)
        if item.record.model == model and version in {arm.version for arm in item.record.arms if not arm.is_control}
    ]
    if not found:
        return None
    newest = max(found, key=lambda item: (item.record.environment == environment, item.record.begun_at))
    return await _recalled(session, newest)


async def renewed(session: Session, record: Rollout) -> Snapshot[Rollout]:
    """The same rollout as it is now; only its own project is asked.

    Raises UsageError when GitLab shows nothing of it any more, and what keeps its flags or its policy from being read.
    """
    reading = await read_project(session, await session.directory.project(record.project.id))
    told = await asyncio.to_thread(read_past, session.journal)
    listed = await _of_project(session, reading, told)
    found = next((item for item in listed if item.record.id == record.id), None)
    if found is None:
        raise (
            reading.flags_error
            or reading.policy_error
            or UsageError(f"GitLab shows nothing of the rollout {record.id} any more", remedy="Look for it in the list")
        )
    snapshot = session.snapshot(await _recalled(session, found))
    return snapshot.failed(reading.policy_error) if reading.policy_error else snapshot


async def _of_project(session: Session, reading: ProjectReading, told: Past) -> list[Found]:
    found = [(bare_rollout(session, reading, sighting), sighting) for sighting in sightings(reading)]
    guarded = frozenset(record.environment for record, _ in found if not record.state.is_over)
    guards = await guard_obstacles(session, reading.project, guarded)
    waiting = {
        sighting.mark.id: item for _, sighting in found if (item := _waiting(session, reading, sighting)) is not None
    }
    lacking = await approvals_lacking(session, reading.project, tuple(waiting.values()))
    whole: list[Found] = []
    for bare, sighting in found:
        obstacles = (*bare.obstacles, *(guards.get(bare.environment, ()) if not bare.state.is_over else ()))
        if bare.id in waiting:
            obstacles = (*obstacles, *_waiting_obstacles(reading, sighting, waiting[bare.id], lacking))
        record = replace(
            bare,
            obstacles=obstacles,
            events=events_of(bare, told, reading, sighting),
            weights=weights_of(bare, told, reading, sighting),
            lease=current_lease(reading.flags.flags, bare.id) if reading.flags else None,
        )
        standing = ended if record.state.is_over else judged
        record = await standing(session, record, sighting, reading.now)
        verdict = record.judgement.verdict if record.judgement else None
        whole.append(Found(record, reading, replace(sighting, verdict=verdict, last_word=_last_word(record))))
    return whole


def _waiting(session: Session, reading: ProjectReading, sighting: Sighting) -> Deployment | None:
    """The deployment that would come next and that GitLab calls blocked: of the next step, or of the way back."""
    phase = sighting.progress.phase
    if phase is Phase.ABORTING:
        return begun_return(session, reading, sighting)
    return None if phase.is_over else sighting.blocked


def _waiting_obstacles(
    reading: ProjectReading, sighting: Sighting, waiting: Deployment, lacking: Mapping[int, Lacking]
) -> tuple[Obstacle, ...]:
    wanted = lacking.get(waiting.id)
    if sighting.progress.phase is Phase.ABORTING:
        return (Obstacle(Hindrance.APPROVAL, told_waiting(reading.delivery, sighting, waiting, wanted)),)
    return (step_obstacle(waiting, wanted),) if wanted else ()


def _last_word(record: Rollout) -> Verdict | None:
    """The newest verdict that tells anything, where there is one."""
    told = [item.verdict for item in record.verdicts if item.verdict is not Verdict.INSUFFICIENT]
    if told:
        return told[-1]
    return record.judgement.verdict if record.judgement else None


async def _recalled(session: Session, found: Found) -> Rollout:
    return await recalled(session, found.record, found.sighting, found.reading.now)


def _names(item: Rollout) -> set[str]:
    return {item.id, item.model, item.address, f"{item.project.path}:{item.model}"}
