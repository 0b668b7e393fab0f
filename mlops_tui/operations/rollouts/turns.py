"""What a rollout came to as GitLab tells it to every machine: the trail of its mark, and what its pipeline deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlops_tui.domain.deployments import Deployment, DeploymentStatus
from mlops_tui.domain.policy import RolloutDriver, RolloutPolicy
from mlops_tui.domain.rollout_states import Phase, Progress
from mlops_tui.domain.rollout_trails import Turn, present_turn
from mlops_tui.domain.rollout_weights import step_weights
from mlops_tui.operations.rollouts.assembly import plan_digest
from mlops_tui.operations.rollouts.sightings import ProjectReading, Sighting


@dataclass(frozen=True, slots=True)
class ToldTurn:
    """A turn, by whom where GitLab tells.

    A step has the ``share`` of all new versions and the ``weights`` by arm from then on, both in percent, where those
    are known.
    """

    turn: Turn
    by: str = ""
    share: float | None = None
    weights: Mapping[str, float] | None = None


def told_turns(reading: ProjectReading, sighting: Sighting) -> tuple[ToldTurn, ...]:
    """All that GitLab tells, the oldest first.

    A step of jobs counts from the end of its job, as long as its deployment is still among those that are read. The
    weights of any other step are those of the plan, where it is the one that the rollout began with.
    """
    plan = own_plan(reading, sighting)
    deployed = tuple(_deployed(reading, sighting, plan))
    known = {item.turn.step for item in deployed}
    told = [
        ToldTurn(turn, _ended_by(reading, sighting, turn), *_planned(plan, turn))
        for turn in _turns(sighting)
        if turn.step not in known or not turn.step
    ]
    return tuple(sorted((*told, *deployed), key=lambda item: item.turn.at))


def own_plan(reading: ProjectReading, sighting: Sighting) -> RolloutPolicy | None:
    """The plan of the policy file, where it still is the one that the rollout began with."""
    plan = reading.plan(sighting.mark.model)
    return plan if plan is not None and plan_digest(plan) == sighting.mark.plan else None


def _turns(sighting: Sighting) -> list[Turn]:
    """The trail, and what the mark and its surroundings say of now; a step that was not reached is none."""
    seen = sighting.progress
    present = (present_turn(sighting.mark.progress), present_turn(seen))
    turns = dict.fromkeys((*sighting.mark.trail, *(turn for turn in present if turn is not None)))
    return [turn for turn in turns if turn.step <= seen.step and not _is_repeated(turn, turns, seen)]


def _is_repeated(turn: Turn, turns: Mapping[Turn, None], seen: Progress) -> bool:
    """Whether it is told twice: a step as the mark and as the jobs date it, an abort as begun and as ended."""
    if turn.step:
        return turn.step == seen.step and turn.at != seen.since and seen.phase in {Phase.RUNNING, Phase.HELD}
    return turn.phase is Phase.ABORTED and any(other.phase is Phase.ABORTING for other in turns)


def _deployed(reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy | None) -> Iterator[ToldTurn]:
    """The steps that jobs deployed, each by its first success."""
    if sighting.driver is not RolloutDriver.JOBS:
        return
    shares: list[float] = [] if plan is None else [float(step.weight) for step in plan.steps]
    done: set[float] = set()
    for item in sorted(_own_deployments(reading, sighting), key=lambda item: item.took_effect_at):
        share = item.share
        if share is None or share in done:
            continue
        done.add(share)
        if share not in shares:
            shares.append(share)
        arm, control = next(iter(sighting.versions)), plan.control if plan else "stable"
        turn = Turn(Phase.RUNNING, shares.index(share) + 1, item.took_effect_at)
        yield ToldTurn(turn, item.username, share, {control: 100.0 - share, arm: share})


def _own_deployments(reading: ProjectReading, sighting: Sighting) -> Iterator[Deployment]:
    number = sighting.pipeline.id if sighting.pipeline else None
    for item in reading.delivery.deployments:
        if item.pipeline_id == number and item.status is DeploymentStatus.SUCCESS:
            yield item


def _ended_by(reading: ProjectReading, sighting: Sighting, turn: Turn) -> str:
    """Who deployed in full by the rollout's own pipeline; nobody is known for the rest."""
    if sighting.driver is not RolloutDriver.JOBS or turn.phase is not Phase.DONE:
        return ""
    full = (item for item in _own_deployments(reading, sighting) if item.is_full)
    return next((item.username for item in full if item.took_effect_at == turn.at), "")


def _planned(plan: RolloutPolicy | None, turn: Turn) -> tuple[float | None, dict[str, float] | None]:
    if plan is None or not 0 < turn.step <= len(plan.steps):
        return None, None
    return float(plan.steps[turn.step - 1].weight), _shares(plan, turn.step)


def _shares(plan: RolloutPolicy, number: int) -> dict[str, float]:
    shares = step_weights(plan, plan.steps[number - 1].weight)
    weights = {plan.control: 100.0 - sum(shares.values()), **shares}
    return {arm: round(weight, 2) for arm, weight in weights.items()}
