"""One rollout with everything an action on it is made from, and the form that all such actions have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Preview, Subject
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.operations.actions import Action, State, new_intent
from mlops_tui.operations.rollouts.assembly import bare_rollout
from mlops_tui.operations.rollouts.drivers import sightings
from mlops_tui.operations.rollouts.history import GOES_TO, ROLLOUT
from mlops_tui.operations.rollouts.listing import find_rollout
from mlops_tui.operations.rollouts.sightings import Move, ProjectReading, Sighting, read_project
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """A rollout with everything an action on it is made from."""

    record: Rollout
    reading: ProjectReading
    sighting: Sighting

    @property
    def plan(self) -> RolloutPolicy:
        """The plan of the policy file. Raises RefusedError where there is none any more."""
        if self.record.plan is None:
            raise RefusedError(
                f"The policy file no longer plans a rollout of {self.record.model}",
                remedy="Abort it, or put the plan back",
            )
        return self.record.plan


async def stand(session: Session, name: str) -> Standing:
    """Read one rollout anew, by its id or its model's name. Raises UsageError when there is none."""
    found = (await find_rollout(session, name)).data
    return Standing(found.record, found.reading, found.sighting)


async def stand_again(session: Session, record: Rollout) -> Standing:
    """Read again what an action on a rollout rests on."""
    project = await session.directory.project(record.project.id)
    reading = await read_project(session, project)
    found = next((item for item in sightings(reading) if item.mark.id == record.id), None)
    if found is None:
        raise RefusedError(f"GitLab shows nothing of the rollout {record.id} any more", remedy="Look at it anew")
    fresh = bare_rollout(session, reading, found)
    return Standing(replace(record, progress=fresh.progress, state=fresh.state, arms=fresh.arms), reading, found)


def rollout_action(
    session: Session,
    standing: Standing,
    kind: ActionKind,
    title: str,
    move: Move,
    changes: Sequence[Change],
    *,
    reason: str = "",
    obstacles: Sequence[str] = (),
    goes_to: Mapping[str, JsonValue] | None = None,
) -> Action:
    """An action on a rollout: refused when anything of it changed since the preview."""
    record = standing.record
    subject = Subject(session.context.origin, record.project.path, record.model, record.version, record.environment)
    stays = rollout_state(record, goes_to)
    expected: dict[str, JsonValue] = {**standing.sighting.state, **stays}
    confirmation = Confirmation(ConfirmationKind.YES)
    if record.is_production:
        confirmation = Confirmation(ConfirmationKind.TYPE_NAME, record.model)

    async def read_state() -> State:
        return {**(await stand_again(session, record)).sighting.state, **stays}

    preview = Preview(
        intent=new_intent(session, kind, subject, expected, reason),
        title=title,
        calls=move.calls,
        changes=tuple(changes),
        confirmation=confirmation,
        is_production=record.is_production,
        obstacles=tuple(obstacles),
    )
    return Action(preview, read_state, move.perform)


def rollout_state(record: Rollout, goes_to: Mapping[str, JsonValue] | None) -> dict[str, JsonValue]:
    """What an intent keeps of its rollout for the history: which it is, and what it leads to."""
    return {ROLLOUT: record.id, **({GOES_TO: goes_to} if goes_to else {})}


def haste(record: Rollout) -> tuple[str, ...]:
    """Why it would be early to go on: what a person is told before deciding to do so all the same."""
    found = [obstacle.text for obstacle in record.obstacles]
    if record.verdict is not Verdict.HEALTHY and record.progress.step:
        reason = record.judgement.reason if record.judgement else "nothing was measured"
        found.append(f"The verdict is {record.verdict.value}: {reason}")
    needs = record.needs
    if needs is not None and needs.soak_left:
        found.append(f"The step has {format_duration(needs.soak_left)} of its time left")
    if needs is not None and any(needs.samples_left.values()):
        left = ", ".join(f"{arm} {count:,}" for arm, count in needs.samples_left.items() if count)
        found.append(f"The step lacks samples: {left}")
    return tuple(found)
