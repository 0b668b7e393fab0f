"""What happened to a rollout: what GitLab tells to everybody, and what this machine's journal knows of it besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from mlops_tui.domain.actions import ActionKind, Outcome
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.domain.rollout_leases import LeaseNote, leases_of
from mlops_tui.domain.rollout_states import Phase
from mlops_tui.domain.rollouts import EventKind, Rollout, RolloutEvent, WeightPoint
from mlops_tui.operations.journal import Story, stories_of
from mlops_tui.operations.rollouts.lease_events import lease_events
from mlops_tui.operations.rollouts.sightings import ProjectReading, Sighting
from mlops_tui.operations.rollouts.turns import ToldTurn, own_plan, told_turns
from mlops_tui.storage.journal import Journal
from mlops_tui.storage.journal_leases import lease_notes

ROLLOUT = "rollout"
GOES_TO = "goes to"
_KINDS = {
    ActionKind.START_ROLLOUT: EventKind.STARTED,
    ActionKind.ADVANCE_ROLLOUT: EventKind.STEPPED,
    ActionKind.HOLD_ROLLOUT: EventKind.HELD,
    ActionKind.RESUME_ROLLOUT: EventKind.RESUMED,
    ActionKind.ABORT_ROLLOUT: EventKind.ABORTED,
    ActionKind.FINISH_ROLLOUT: EventKind.PROMOTED,
    ActionKind.PROMOTE: EventKind.PROMOTED,
}
_WORDS = {
    EventKind.STARTED: "started",
    EventKind.STEPPED: "moved on",
    EventKind.HELD: "held",
    EventKind.RESUMED: "resumed",
    EventKind.ABORTED: "aborted",
    EventKind.PROMOTED: "promoted",
}


@dataclass(frozen=True, slots=True)
class Past:
    """What this machine's journal tells of rollouts: actions, newest first, and notes on leases by rollout."""

    stories: tuple[Story, ...]
    leases: Mapping[str, tuple[LeaseNote, ...]]


def read_past(journal: Journal) -> Past:
    """Read it once for all rollouts. Blocks."""
    entries = journal.entries()
    return Past(stories_of(entries), lease_notes(entries))


def destination(weights: Mapping[str, float], text: str) -> dict[str, JsonValue]:
    """What an action on a rollout leads to, as its intent keeps it: the weights by arm in percent, and a few words."""
    return {"weights": {arm: round(weight, 2) for arm, weight in weights.items()}, "text": text}


def events_of(record: Rollout, past: Past, reading: ProjectReading, sighting: Sighting) -> tuple[RolloutEvent, ...]:
    """What happened, the oldest first; of an action that this machine knows, what its journal says."""
    leases = leases_of(reading.flags.flags, record.id) if reading.flags else []
    own = _own(record, past.stories)
    found = [
        *(_act(story) for story in own),
        *_told_elsewhere(own, _told(record, reading, sighting)),
        *_deployments(record, reading),
        *lease_events(leases, past.leases.get(record.id, ()), reading.now),
    ]
    return tuple(sorted(found, key=lambda event: event.at))


def weights_of(record: Rollout, past: Past, reading: ProjectReading, sighting: Sighting) -> tuple[WeightPoint, ...]:
    """The weights over time: as GitLab tells them, and of steps whose weights it does not tell from the journal."""
    control = next((arm.name for arm in record.arms if arm.is_control), "")
    points = [WeightPoint(record.begun_at, {control: 100.0})] if control else []
    told = [item for item in told_turns(reading, sighting) if item.weights is not None]
    points += [WeightPoint(item.turn.at, item.weights) for item in told if item.weights is not None]
    known = {item.turn.step for item in told}
    if record.driver is not RolloutDriver.JOBS and known != set(range(1, record.progress.step + 1)):
        points += _journaled_weights(
            _own(record, past.stories), {tuple(sorted(point.weights.items())) for point in points}
        )
    points.sort(key=lambda point: point.at)
    now = {arm.name: arm.weight for arm in record.arms}
    if not points or dict(points[-1].weights) != now:
        points.append(WeightPoint(max(record.progress.since, points[-1].at if points else record.begun_at), now))
    return tuple(points)


def _journaled_weights(stories: Sequence[Story], known: set[tuple[tuple[str, float], ...]]) -> Iterator[WeightPoint]:
    for story in stories:
        goes_to = story.intent.expected.get(GOES_TO)
        weights = goes_to.get("weights") if isinstance(goes_to, Mapping) else None
        if story.outcome is Outcome.DONE and isinstance(weights, Mapping):
            told = {str(arm): float(weight) for arm, weight in weights.items() if isinstance(weight, int | float)}
            if tuple(sorted(told.items())) not in known:
                yield WeightPoint(story.at, told)


def _own(record: Rollout, stories: Sequence[Story]) -> list[Story]:
    """The stories of a rollout, the oldest first; a start carries its id, all others name it."""
    return [
        story
        for story in reversed(stories)
        if story.intent.kind in _KINDS
        and (
            story.intent.expected.get(ROLLOUT) == record.id
            or (story.intent.kind is ActionKind.START_ROLLOUT and story.intent.id.startswith(record.id))
        )
    ]


def _act(story: Story) -> RolloutEvent:
    kind = _KINDS[story.intent.kind]
    words = _goes_to(story) or _WORDS[kind]
    if story.outcome is not Outcome.DONE:
        words += f" ({story.outcome.value})"
    if story.intent.reason:
        words += f": {story.intent.reason}"
    return RolloutEvent(story.at, kind, words, story.intent.by)


def _goes_to(story: Story) -> str:
    goes_to = story.intent.expected.get(GOES_TO)
    return str(goes_to.get("text", "")) if isinstance(goes_to, Mapping) else ""


def _told(record: Rollout, reading: ProjectReading, sighting: Sighting) -> Iterator[RolloutEvent]:
    """What GitLab tells, in the words of the journal."""
    plan = own_plan(reading, sighting)
    of = f" of {len(plan.steps)}" if plan is not None else ""
    is_flag = record.driver is RolloutDriver.FLAG
    # A flag is given its first step as it begins.
    first = f": step 1{of} at {plan.steps[0].weight} %" if plan is not None and is_flag else ""
    by = sighting.pipeline.username if sighting.pipeline else ""
    yield RolloutEvent(record.begun_at, EventKind.STARTED, f"started{first}", by)
    for item in told_turns(reading, sighting):
        if not (is_flag and item.turn.step == 1):
            yield RolloutEvent(item.turn.at, *_words(record, item, of), item.by)


def _words(record: Rollout, item: ToldTurn, of: str) -> tuple[EventKind, str]:
    turn = item.turn
    versions = [arm.version for arm in record.arms if not arm.is_control]
    promoted = versions[0] if len(versions) == 1 else "one of the new versions"
    match turn.phase:
        case Phase.RUNNING if turn.step:
            at = f" at {item.share:g} %" if item.share is not None else ""
            return EventKind.STEPPED, f"step {turn.step}{of}{at}"
        case Phase.RUNNING:
            return EventKind.RESUMED, _WORDS[EventKind.RESUMED]
        case Phase.HELD:
            return EventKind.HELD, _WORDS[EventKind.HELD]
        case Phase.PROMOTING:
            return EventKind.PROMOTED, f"{promoted} is deployed in full"
        case Phase.DONE:
            return EventKind.PROMOTED, f"done: {promoted} serves everything"
        case Phase.ABORTING | Phase.ABORTED:
            return EventKind.ABORTED, f"aborted, back to {record.control_version}"
    assert_never(turn.phase)


def _told_elsewhere(own: Sequence[Story], told: Iterable[RolloutEvent]) -> list[RolloutEvent]:
    """What GitLab tells of others' actions: each of this machine's own stands for the one that is nearest to it."""
    events = list(told)
    pairs = [
        (abs(story.at - event.at), place, number)
        for place, story in enumerate(own)
        if story.outcome in {Outcome.DONE, Outcome.UNKNOWN}
        for number, event in enumerate(events)
        if _is_of(story, event)
    ]
    known: dict[int, int] = {}
    for _, place, number in sorted(pairs):
        if place not in known and number not in known.values():
            known[place] = number
    return [event for number, event in enumerate(events) if number not in known.values()]


def _is_of(story: Story, event: RolloutEvent) -> bool:
    """Whether an action may be the one that GitLab tells of: of its kind, that step, that part of a promotion."""
    if _KINDS[story.intent.kind] is not event.kind:
        return False
    match event.kind:
        case EventKind.STEPPED:
            number = event.text.split(" ")[1]
            return _goes_to(story).startswith(f"step {number} ")
        case EventKind.PROMOTED:
            return _goes_to(story).startswith("done") is event.text.startswith("done")
        case _:
            return True


def _deployments(record: Rollout, reading: ProjectReading) -> Iterator[RolloutEvent]:
    for item in reading.delivery.deployments:
        if item.environment != record.environment or item.created_at < record.begun_at or not item.status.has_touched:
            continue
        what = f"{item.deployed.model} {item.deployed.version}" if item.deployed else "an unknown version"
        job = f" by {item.job.name}" if item.job else ""
        text = f"deployment {item.id} of {what}{job}: {item.status.value}"
        yield RolloutEvent(item.took_effect_at, EventKind.DEPLOYMENT, text, item.username)
