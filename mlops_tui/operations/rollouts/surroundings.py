"""What GitLab itself says against changing an environment now: a deploy freeze, a protection, approvals that lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.domain.deployments import Deployment
from mlops_tui.domain.errors import RemoteError
from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.rollouts import Hindrance, Obstacle
from mlops_tui.gitlab.approvals import deployment_rules
from mlops_tui.gitlab.environment_guards import EnvironmentGuard, read_guards
from mlops_tui.gitlab.protected_environments import list_protected
from mlops_tui.operations.rollouts.drivers import sightings
from mlops_tui.operations.rollouts.sightings import ProjectReading, Sighting, survey_project
from mlops_tui.operations.session import Session


async def guard_obstacles(
    session: Session, project: Project, environments: frozenset[str]
) -> dict[str, tuple[Obstacle, ...]]:
    """The obstacles of each environment, by name; read in one request, and none where GitLab does not tell."""
    if not environments:
        return {}
    try:
        guards = await read_guards(session.transport, project.ref, sorted(environments))
    except RemoteError:
        return {}
    return {guard.environment: tuple(_of(guard, project)) for guard in guards}


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a deployment lacks: ``approvals`` by their rules, empty where this token may not see those."""

    approvals: str

    @property
    def is_certain(self) -> bool:
        """Whether it is known to need them; rules that nobody may see need not be there at all."""
        return bool(self.approvals)


async def approvals_lacking(session: Session, project: Project, blocked: Sequence[Deployment]) -> dict[int, Lacking]:
    """Which approvals deployments wait for, by their id; those that wait for none are left out.

    GitLab calls the deployment of any manual job blocked until it is played, whether or not rules ask for approvals.
    """
    if not project.has_deployment_approvals:
        return {}
    found: dict[int, Lacking] = {}
    try:
        rules = await deployment_rules(session.transport, project.ref, blocked)
    except RemoteError:
        return {}
    for item in blocked:
        told = rules.get(item.id)
        wanted = [(rule.required - rule.approved, rule.name) for rule in told or ()]
        lacking = [f"{count} of {name}" for count, name in wanted if count > 0]
        if told is None or lacking:
            found[item.id] = Lacking(", ".join(lacking))
    return found


def step_obstacle(blocked: Deployment, lacking: Lacking) -> Obstacle:
    """That the job of the next step waits for approvals, or may do so."""
    job = blocked.job.name if blocked.job else "of the next step"
    text = f"The job {job} may wait for approvals of deployment {blocked.id} (you may not see its rules)"
    if lacking.is_certain:
        text = f"The job {job} waits for approvals of deployment {blocked.id}: {lacking.approvals}"
    return Obstacle(Hindrance.APPROVAL, text, stops_watch=False)


async def start_obstacles(
    session: Session, reading: ProjectReading, environment: str, driver: RolloutDriver
) -> list[str]:
    """What a rollout there would run into: a freeze, who may deploy, and the approvals that each deployment needs."""
    project = reading.project
    guards = await guard_obstacles(session, project, frozenset({environment}))
    found = [obstacle.text for obstacle in guards.get(environment, ())]
    if not project.has_deployment_approvals:
        return found
    protected = await list_protected(session.transport, project.ref) or ()
    found += [
        f"{environment} is protected: only {', '.join(entry.name for entry in item.deployers)} may deploy to it"
        for item in protected
        if item.name == environment
    ]
    waits = "the promotion at the end waits" if driver is RolloutDriver.FLAG else "the jobs of the steps wait"
    return [*found, *await _needed_approvals(session, reading, environment, waits)]


async def promotion_obstacles(
    session: Session,
    project: Project,
    model: str,
    environment: str,
    own_rollout: str,
    reading: ProjectReading | None = None,
) -> list[str]:
    """What a full deployment would run into: another rollout of the model there, and the approvals that it needs.

    ``own_rollout`` is the id of the rollout that the deployment ends, empty where there is none. The project is only
    read where no ``reading`` of it is given.
    """
    try:
        reading = reading or await survey_project(session, project)
    except RemoteError as error:
        return [f"Whether a rollout of {model} is under way in {environment} could not be read: {error}"]
    plan = reading.plan(model)
    found = [
        _told_rollout(sighting)
        for sighting in sightings(reading)
        if (sighting.mark.model, sighting.mark.environment) == (model, environment)
        and not sighting.progress.phase.is_over
        and sighting.mark.id != own_rollout
    ]
    if reading.flags_error is not None and plan is not None and plan.driver is RolloutDriver.FLAG:
        found.append(
            f"Whether a rollout of {model} is under way in {environment} stands in flags that you may not read"
        )
    return [*found, *await _needed_approvals(session, reading, environment, "it waits")]


def _told_rollout(sighting: Sighting) -> str:
    """That a rollout is under way where something is to be deployed in full, and what to do of it."""
    mark = sighting.mark
    what = f"The rollout {mark.id} of {mark.model} {mark.version}"
    if sighting.progress.phase.is_abort:
        return f"{what} is going back in {mark.environment}: a full deployment of another version ends it"
    share = f"{sum(sighting.weights.values()):g} %"
    return f"{what} is {sighting.progress.phase.value} in {mark.environment} at {share}: abort or end it first"


async def _needed_approvals(session: Session, reading: ProjectReading, environment: str, waits: str) -> list[str]:
    """The approvals of a deployment there by those of the newest one; why they are not known, where that is so."""
    if not reading.project.has_deployment_approvals:
        return []
    newest = [item for item in reading.delivery.deployments if item.environment == environment][:1]
    try:
        found = await deployment_rules(session.transport, reading.project.ref, newest)
    except RemoteError as error:
        return [f"Which approvals a deployment to {environment} needs could not be read: {error}"]
    told = (", ".join(f"{rule.required} of {rule.name}" for rule in rules or ()) for rules in found.values())
    return [f"A deployment to {environment} needs approvals ({needed}): {waits} for them" for needed in told if needed]


def _of(guard: EnvironmentGuard, project: Project) -> list[Obstacle]:
    found: list[Obstacle] = []
    if guard.is_frozen:
        until = f" until {guard.frozen_until:%Y-%m-%d %H:%M} UTC" if guard.frozen_until else ""
        found.append(Obstacle(Hindrance.FROZEN, f"A deploy freeze holds in {guard.environment}{until}"))
    if not guard.may_change and project.role >= Role.DEVELOPER:
        text = f"{guard.environment} is protected, and you are not among those who may deploy to it"
        found.append(Obstacle(Hindrance.PROTECTED, text))
    return found
