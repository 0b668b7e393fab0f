"""From what GitLab shows of a rollout to the record that people see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mlops_tui.domain.canonical import digest
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.domain.projects import Role
from mlops_tui.domain.promotions import is_production
from mlops_tui.domain.rollout_marks import UNKNOWN_VERSION
from mlops_tui.domain.rollout_states import Phase, state_of
from mlops_tui.domain.rollouts import Arm, Hindrance, Obstacle, Rollout, StepProgress
from mlops_tui.operations.rollouts.returns import begun_return
from mlops_tui.operations.rollouts.sightings import ProjectReading, Sighting
from mlops_tui.operations.session import Session


def plan_digest(plan: RolloutPolicy) -> str:
    """Eight digits that name a plan: another plan has others."""
    return digest(
        {
            "driver": plan.driver,
            "steps": [[step.weight, step.soak.total_seconds(), step.min_samples] for step in plan.steps],
            "guardrails": [
                [
                    *(rail.name, rail.kind, rail.direction, rail.margin, rail.margin_kind, rail.is_critical),
                    *(rail.min_samples, rail.metric, rail.quantile, rail.threshold),
                ]
                for rail in plan.guardrails
            ],
            "traffic": [plan.flag, list(plan.jobs), plan.stickiness, plan.weights],
            "judge": [plan.alpha, plan.control, list(plan.treatments), plan.on_breach, plan.on_insufficient],
        }
    )[:8]


def bare_rollout(session: Session, reading: ProjectReading, sighting: Sighting) -> Rollout:
    """The record without measurements, history and lease."""
    mark, plan = sighting.mark, reading.plan(sighting.mark.model)
    control = plan.control if plan else "stable"
    rest = round(100.0 - sum(sighting.weights.values()), 2)
    live = live_version(reading.delivery.deployments, mark.model, mark.environment)
    arms = (
        Arm(control, live.version, rest, is_control=True),
        *(
            Arm(arm, version, sighting.weights.get(arm, 0.0), is_control=False)
            for arm, version in sighting.versions.items()
        ),
    )
    phase = sighting.progress.phase
    needs = None if phase.is_over or phase.is_abort else bare_needs(reading, sighting, plan)
    place = reading.delivery.environment(mark.environment)
    policy = reading.policy.for_model(mark.model)
    return Rollout(
        id=mark.id,
        project=reading.project.ref,
        model=mark.model,
        version=next(iter(sighting.versions.values()), mark.version),
        control_version=mark.control,
        environment=mark.environment,
        is_production=is_production(place, mark.environment, session.context.kind, policy),
        driver=sighting.driver,
        # Once it is over, the plan of another rollout says nothing of its steps any more.
        plan=None if phase.is_over and plan is not None and plan_digest(plan) != mark.plan else plan,
        plan_digest=mark.plan,
        progress=sighting.progress,
        state=state_of(
            sighting.progress, is_changing=sighting.is_changing, is_complete=needs is not None and needs.is_complete
        ),
        begun_at=mark.begun,
        arms=arms,
        needs=needs,
        obstacles=(*sighting.obstacles, *_surrounding_obstacles(session, reading, sighting, plan)),
        links=sighting.links,
    )


def bare_needs(reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy | None) -> StepProgress | None:
    """What the step needs when nothing is measured: its time, and all its samples."""
    number = sighting.progress.step
    if plan is None or not 0 < number <= len(plan.steps):
        return None
    step = plan.steps[number - 1]
    soak_left = max(step.soak - (reading.now - sighting.progress.since), timedelta(0))
    arms = (plan.control, *plan.treatments)
    left = dict.fromkeys(arms, step.min_samples)
    eta = reading.now + soak_left if not step.min_samples else None
    return StepProgress(soak_left, dict.fromkeys(arms, 0), left, eta)


def _surrounding_obstacles(
    session: Session, reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy | None
) -> Iterator[Obstacle]:
    mark, project = sighting.mark, reading.project
    if sighting.progress.phase.is_over:
        return
    if reading.policy_error is not None:
        yield Obstacle(Hindrance.PLAN_CHANGED, f"The policy file cannot be used: {reading.policy_error}")
    elif plan is None:
        yield Obstacle(Hindrance.PLAN_CHANGED, f"The policy file no longer plans a rollout of {mark.model}")
    elif plan_digest(plan) != mark.plan:
        yield Obstacle(
            Hindrance.PLAN_CHANGED,
            "The plan in the policy file was changed since the rollout began: a person decides how it goes on",
        )
    if project.role < Role.DEVELOPER:
        yield Obstacle(Hindrance.ROLE, f"Moving traffic needs the role Developer, and yours is {project.role.title}")
    if sum(sighting.weights.values()) >= 100.0:
        text = f"Nothing of the traffic is left to {mark.control}: nothing is compared any more"
        yield Obstacle(Hindrance.NO_COMPARISON, text, stops_watch=False)
    own = {sighting.pipeline.id} if sighting.pipeline else set()
    for item in reading.delivery.under_way(mark.environment):
        if item.pipeline_id in own:
            continue
        is_own_promotion = item.deployed is not None and item.deployed.version in sighting.versions.values()
        what = item.deployed.version if item.deployed else "a version nobody can tell"
        yield Obstacle(
            Hindrance.IN_FLIGHT,
            f"Deployment {item.id} of {what} is {item.status.value} in {mark.environment}",
            stops_watch=not is_own_promotion,
        )
    yield from _waiting_obstacles(session, reading, sighting)
    live = live_version(reading.delivery.deployments, mark.model, mark.environment)
    is_open = sighting.progress.phase in {Phase.RUNNING, Phase.HELD}
    if is_open and live.version in sighting.versions.values():
        text = f"{live.version} was deployed in full to {mark.environment} by somebody: going on ends the rollout"
        yield Obstacle(Hindrance.CHANGED_BY_HAND, text)
    expected = {mark.control, *sighting.versions.values(), UNKNOWN_VERSION}
    if live.version is not None and live.version not in expected:
        yield Obstacle(
            Hindrance.CHANGED_BY_HAND,
            f"{live.version} was deployed to {mark.environment} since the rollout began: it is compared with "
            f"something else than {mark.control}",
        )


def _waiting_obstacles(session: Session, reading: ProjectReading, sighting: Sighting) -> Iterator[Obstacle]:
    """Deployments of other pipelines that a person may let run; the way back of an abort is told elsewhere."""
    mark, going_back = sighting.mark, begun_return(session, reading, sighting)
    own = {sighting.pipeline.id} if sighting.pipeline else set()
    waiting = [
        item
        for item in reading.delivery.waiting(mark.model, mark.environment)
        if item.pipeline_id not in own and (going_back is None or item.id != going_back.id)
    ]
    if not waiting:
        return
    newest, more = waiting[0], len(waiting) - 1
    what = newest.deployed.version if newest.deployed else "a version nobody can tell"
    others = f", and {more} earlier like it" if more else ""
    text = (
        f"Deployment {newest.id} of {what} waits for somebody in {mark.environment}{others}: it changes what serves as "
        "soon as it is let through"
    )
    yield Obstacle(Hindrance.WAITING, text, stops_watch=False)
