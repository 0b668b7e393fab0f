"""What happened to a rollout: who did what as this machine's journal tells, and what was deployed meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlops_tui.domain.actions import ActionKind, Outcome
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.rollout_leases import LeaseNote, leases_of
from mlops_tui.domain.rollouts import Arm, EventKind, Rollout, RolloutEvent, WeightPoint
from mlops_tui.operations.journal import Story, stories_of
from mlops_tui.operations.rollout_lease_events import lease_events
from mlops_tui.operations.rollout_sightings import ProjectReading
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


def events_of(record: Rollout, past: Past, reading: ProjectReading) -> tuple[RolloutEvent, ...]:
    """What happened, the oldest first."""
    leases = leases_of(reading.flags.flags, record.id) if reading.flags else []
    found = [
        *_acts(record, past.stories),
        *_deployments(record, reading),
        *lease_events(leases, past.leases.get(record.id, ()), reading.now),
    ]
    return tuple(sorted(found, key=lambda event: event.at))


def weights_of(record: Rollout, past: Past) -> tuple[WeightPoint, ...]:
    """The weights over time as far as they are known: from the journal, and what GitLab says now."""
    control = next((arm.name for arm in record.arms if arm.is_control), "")
    points = [WeightPoint(record.begun_at, {control: 100.0})] if control else []
    for story in _own(record, past.stories):
        goes_to = story.intent.expected.get(GOES_TO)
        weights = goes_to.get("weights") if isinstance(goes_to, Mapping) else None
        if story.outcome is Outcome.DONE and isinstance(weights, Mapping):
            told = {str(arm): float(weight) for arm, weight in weights.items() if isinstance(weight, int | float)}
            points.append(WeightPoint(story.at, told))
    now = _weights(record.arms)
    if not points or dict(points[-1].weights) != now:
        points.append(WeightPoint(max(record.progress.since, record.begun_at), now))
    return tuple(sorted(points, key=lambda point: point.at))


def _weights(arms: Iterable[Arm]) -> dict[str, float]:
    return {arm.name: arm.weight for arm in arms}


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


def _acts(record: Rollout, stories: Sequence[Story]) -> Iterator[RolloutEvent]:
    for story in _own(record, stories):
        kind = _KINDS[story.intent.kind]
        goes_to = story.intent.expected.get(GOES_TO)
        text = str(goes_to.get("text", "")) if isinstance(goes_to, Mapping) else ""
        words = text or _WORDS[kind]
        if story.outcome is not Outcome.DONE:
            words += f" ({story.outcome.value})"
        if story.intent.reason:
            words += f": {story.intent.reason}"
        yield RolloutEvent(story.at, kind, words, story.intent.by)


def _deployments(record: Rollout, reading: ProjectReading) -> Iterator[RolloutEvent]:
    for item in reading.delivery.deployments:
        if item.environment != record.environment or item.created_at < record.begun_at or not item.status.has_touched:
            continue
        what = f"{item.deployed.model} {item.deployed.version}" if item.deployed else "an unknown version"
        job = f" by {item.job.name}" if item.job else ""
        text = f"deployment {item.id} of {what}{job}: {item.status.value}"
        yield RolloutEvent(item.took_effect_at, EventKind.DEPLOYMENT, text, item.username)
