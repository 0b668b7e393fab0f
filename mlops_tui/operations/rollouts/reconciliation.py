"""What came of an action on a rollout whose outcome is unknown: the effect of each of its calls is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.domain.actions import ActionKind, Intent, Outcome, Receipt
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.projects import Project
from mlops_tui.operations.rollouts.drivers import sightings
from mlops_tui.operations.rollouts.effects import Effect, effects_of
from mlops_tui.operations.rollouts.sightings import ProjectReading, read_project
from mlops_tui.operations.session import Session


async def settle_rollout(session: Session, project: Project, intent: Intent, calls: Sequence[ApiCall]) -> Receipt:
    """Done where every effect is there, not done where none is.

    Where only some are there the rollout shows as half-way, and is finished or aborted from there. What GitLab cannot
    tell stays unknown until something else is written over it.
    """
    reading = await read_project(session, project)
    effects = await effects_of(session, reading, intent, _wanted(intent, calls))
    done = [effect for effect in effects if effect.happened]
    lacking = [effect for effect in effects if not effect.happened and not effect.is_copy]
    open_ones = [effect for effect in lacking if effect.happened is None]
    now = _now(reading, intent)
    unnamed = next((effect for effect in done if effect.is_unnamed), None)
    if unnamed is not None and intent.kind is ActionKind.START_ROLLOUT:
        message = f"GitLab shows {unnamed.what}, so no step was played: cancel it in GitLab, and start again"
        return Receipt(intent, Outcome.FAILED, message, ())
    if done and not lacking:
        return Receipt(intent, Outcome.DONE, f"GitLab shows {_named(done, ' and ')}: it was carried out", ())
    if open_ones and not done and not all(effect.is_overtaken for effect in open_ones):
        what = _named(open_ones)
        message = f"GitLab cannot tell whether {what} took effect. {now} Look at it there, or abort".replace("  ", " ")
        return Receipt(intent, Outcome.UNKNOWN, message, ())
    return Receipt(intent, Outcome.FAILED, f"{_part(done, lacking, open_ones)}. {now}".strip(), ())


def _part(done: Sequence[Effect], lacking: Sequence[Effect], open_ones: Sequence[Effect]) -> str:
    """How much of it was carried out, where it was not all."""
    if done:
        part = f"{_named(done)}, but not {_named(lacking)}"
        return f"Only a part of it was carried out ({part}): the rollout shows as half-way"
    if open_ones:
        return f"Whether it was carried out cannot be told any more: {_named(open_ones)} was written anew since"
    other = next((effect for effect in lacking if effect.by_another), None)
    if other is not None:
        return f"GitLab shows {other.what} run by {other.by_another}: this was not carried out"
    return "GitLab shows nothing of it: it was not carried out"


def _named(effects: Sequence[Effect], between: str = ", ") -> str:
    return between.join(effect.what for effect in effects)


def _wanted(intent: Intent, calls: Sequence[ApiCall]) -> Sequence[ApiCall]:
    """The calls whose effects count: a start of an ingress first asks by a weight of zero, which changes nothing."""
    if intent.kind is ActionKind.START_ROLLOUT:
        return [call for call in calls if call.path != "/api/graphql"]
    return calls


def _now(reading: ProjectReading, intent: Intent) -> str:
    found = next((item for item in sightings(reading) if item.mark.id == intent.expected.get("rollout")), None)
    return f"It is {found.progress.phase.value} on step {found.progress.step}." if found else ""
