"""The end of a rollout: its version is promoted, or live in full already, and its hands come off the traffic."""

from __future__ import annotations

from dataclasses import replace

from mlops_tui.domain.actions import ActionKind, Change
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.rollout_states import (
    WHEN_SENT,
    Phase,
    Promoted,
    PromotionBegun,
)
from mlops_tui.domain.rollout_states import follow as following
from mlops_tui.operations.actions import Action, Performed, Sender, State
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.operations.rollouts.drivers import driver_of
from mlops_tui.operations.rollouts.leases import clearing_leases
from mlops_tui.operations.rollouts.standing import Standing, haste, rollout_action, rollout_state, stand_again
from mlops_tui.operations.session import Session


async def promote(session: Session, standing: Standing, arm: str) -> Action:
    """The promotion of the version, which is an action of its own, with the mark that says so."""
    record, sighting = standing.record, standing.sighting
    _known_arm(standing, arm)
    after = following(sighting.progress, PromotionBegun(WHEN_SENT), len(record.steps))
    promotion = await prepare_promotion(
        session,
        standing.reading.project,
        record.model,
        sighting.versions[arm],
        record.environment,
        own_rollout=record.id,
        reading=standing.reading,
    )
    note = driver_of(sighting.driver).note(standing.reading, sighting, after, "")
    stays = rollout_state(record, {"text": f"{sighting.versions[arm]} is deployed in full"})

    async def read_state() -> State:
        again = await stand_again(session, record)
        return {**await promotion.read_state(), **again.sighting.state, **stays}

    async def perform(sender: Sender) -> Performed:
        performed = await promotion.perform(sender)
        await note.perform(sender)
        return performed

    preview = promotion.preview
    intent = replace(preview.intent, expected={**preview.intent.expected, **sighting.state, **stays})
    return Action(
        replace(
            preview,
            intent=intent,
            title=f"{preview.title}, in full after the rollout {record.id}",
            calls=(*preview.calls, *note.calls),
            obstacles=(*haste(record), *preview.obstacles),
        ),
        read_state,
        perform,
    )


def is_to_finish(standing: Standing) -> bool:
    """Whether nothing but the end can follow: it is promoted, or somebody deployed a new version in full."""
    mark, phase = standing.sighting.mark, standing.sighting.progress.phase
    live = live_version(standing.reading.delivery.deployments, mark.model, mark.environment)
    is_there = live.version in standing.sighting.versions.values()
    return phase is Phase.PROMOTING or (is_there and phase in {Phase.RUNNING, Phase.HELD})


async def finish(session: Session, standing: Standing, arm: str | None = None) -> Action:
    """After the full deployment: take the rollout's hands off the traffic.

    Where that deployment has failed, the promotion once more; of ``arm`` where there are several.
    """
    record, reading = standing.record, standing.reading
    live = live_version(reading.delivery.deployments, record.model, record.environment)
    under_way = reading.delivery.under_way(record.environment)
    if live.version in standing.sighting.versions.values():
        progress = standing.sighting.progress
        if progress.phase is not Phase.PROMOTING:
            progress = following(progress, PromotionBegun(WHEN_SENT), len(record.steps))
        after = following(progress, Promoted(WHEN_SENT), len(record.steps))
        said = f"{record.model} {live.version} serves everything, and the rollout {record.id} is done"
        move = driver_of(standing.sighting.driver).withdraw(reading, standing.sighting, after, said)
        move = clearing_leases(move, reading, record.id)
        title = f"End the rollout of {record.model} {live.version} in {record.environment}: it is live in full"
        changes = (Change("state", standing.sighting.progress.phase.value, Phase.DONE.value),)
        ended = {"text": f"done: {live.version} serves everything"}
        return rollout_action(session, standing, ActionKind.FINISH_ROLLOUT, title, move, changes, goes_to=ended)
    if under_way:
        raise RefusedError(
            f"{record.model} {record.version} is being deployed in full",
            why=f"deployment {under_way[0].id} is {under_way[0].status.value}",
            remedy="Wait for its end",
        )
    version = standing.sighting.versions[_known_arm(standing, arm or only_arm(standing))]
    return await prepare_promotion(
        session, reading.project, record.model, version, record.environment, own_rollout=record.id, reading=reading
    )


def _known_arm(standing: Standing, arm: str) -> str:
    versions = standing.sighting.versions
    if arm not in versions:
        raise UsageError(f"There is no arm {arm!r}", why=f"new versions are {', '.join(versions)}")
    return arm


def only_arm(standing: Standing) -> str:
    """The one new version; raises UsageError where there are several."""
    arms = tuple(standing.sighting.versions)
    if len(arms) > 1:
        raise UsageError(
            "Several new versions serve, and one of them is to get everything",
            why=", ".join(f"{arm} ({version})" for arm, version in standing.sighting.versions.items()),
            remedy="Name one with --arm",
        )
    return arms[0]
