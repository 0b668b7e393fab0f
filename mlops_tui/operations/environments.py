"""What one can ask of environments and do with them: which there are, what serves in each, and stopping one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Preview, Subject
from mlops_tui.domain.deployments import DeploymentStatus, LiveVersion, live_steps, live_version
from mlops_tui.domain.environments import Environment, EnvironmentState
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.environments import read_environment, stop_call
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only
from mlops_tui.operations.deliveries import Delivery
from mlops_tui.operations.flag_shares import with_flag_shares
from mlops_tui.operations.production import Production
from mlops_tui.operations.rollouts.sightings import ProjectReading, read_flag_rollouts
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """An environment with every model version that serves in it; empty when no deployment names one.

    It is production when it is that for one of those models; without one, for the model of the project's name.
    """

    project: Project
    environment: Environment
    live: tuple[LiveVersion, ...]
    is_production: bool


@dataclass(frozen=True, slots=True)
class _Stop:
    """What stopping an environment is decided on."""

    summary: EnvironmentSummary
    delivery: Delivery

    @property
    def environment(self) -> Environment:
        return self.summary.environment

    @property
    def model(self) -> str:
        """The one model that serves there; empty where there is none or there are several."""
        models = {live.model for live in self.summary.live}
        return next(iter(models)) if len(models) == 1 else ""


async def list_environments(session: Session) -> Snapshot[tuple[EnvironmentSummary, ...]]:
    """Every environment of every project of the context, production first within each project."""
    projects = await session.projects()
    found = await asyncio.gather(*(_project_environments(session, project) for project in projects))
    return session.snapshot(tuple(row for part in found for row in part))


async def find_environment(session: Session, name: str) -> EnvironmentSummary:
    """The one environment that a name means, as NAME or GROUP/PROJECT:NAME.

    Raises UsageError when there is none or several projects have it, naming them.
    """
    path, _, bare = name.rpartition(":")
    rows = (await list_environments(session)).data
    found = [row for row in rows if row.environment.name == bare and path in {"", row.project.ref.path}]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{row.project.ref.path}:{bare}" for row in found)
        raise UsageError(f"Several projects have an environment {bare}", why=names, remedy="Write it as one of those")
    raise UsageError(f"There is no environment {name}", remedy="List them with `mlops-tui environments list`")


async def prepare_stop(session: Session, project: Project, name: str) -> Action:
    """Preview stopping an environment; nothing is sent.

    Production asks for the name of the model that serves there, or for the environment's own where that is not one.
    Raises RefusedError when there is no such environment or it does not run.
    """
    refuse_when_read_only(session)
    await session.identify()
    stop = await _stop(session, project, name)
    environment = stop.environment
    if environment.state is not EnvironmentState.AVAILABLE:
        raise RefusedError(f"{name} is {environment.state.value}", remedy="There is nothing to stop")
    call = stop_call(environment)
    subject = Subject(session.context.origin, project.ref.path, stop.model, "", name)
    intent = new_intent(session, ActionKind.STOP_ENVIRONMENT, subject, _state(stop))
    confirmation = Confirmation(ConfirmationKind.YES)
    if stop.summary.is_production:
        confirmation = Confirmation(ConfirmationKind.TYPE_NAME, stop.model or name)
    preview = Preview(
        intent=intent,
        title=f"Stop {name} of {project.ref.path}",
        calls=(call,),
        changes=(Change("state", environment.state.value, "stopped, after any stop job"),),
        confirmation=confirmation,
        is_production=stop.summary.is_production,
        obstacles=tuple(_obstacles(stop)),
    )

    async def read_state() -> State:
        return _state(await _stop(session, project, name))

    async def perform(sender: Sender) -> Performed:
        after = read_environment((await sender.send(call)).body, project.ref)
        job = ": its stop job runs" if after.state is EnvironmentState.STOPPING else ""
        return Performed(f"{name} is {after.state.value}{job}")

    return Action(preview, read_state, perform)


async def _project_environments(session: Session, project: Project) -> list[EnvironmentSummary]:
    reading = await read_flag_rollouts(session, project)
    return [_summary(session, reading, environment) for environment in reading.delivery.environments]


def _summary(session: Session, reading: ProjectReading, environment: Environment) -> EnvironmentSummary:
    live = with_flag_shares(reading, environment.name, _live_in(reading.delivery, environment))
    production = Production(session.context.kind, reading.policy)
    models = {item.model for item in live} or {reading.project.ref.name}
    counts = any(production.counts(environment, model) for model in models)
    return EnvironmentSummary(reading.project, environment, live, counts)


def _live_in(delivery: Delivery, environment: Environment) -> tuple[LiveVersion, ...]:
    models = {
        item.deployed.model
        for item in delivery.deployments
        if item.deployed and item.environment == environment.name and item.status is DeploymentStatus.SUCCESS
    }
    found: list[LiveVersion] = []
    for model in sorted(models):
        live = live_version(delivery.deployments, model, environment.name)
        if live.version is not None:
            found += [live, *live_steps(delivery.deployments, live)]
    return tuple(found)


async def _stop(session: Session, project: Project, name: str) -> _Stop:
    reading = await read_flag_rollouts(session, project)
    if reading.policy_error is not None:
        raise reading.policy_error
    environment = reading.delivery.environment(name)
    if environment is None:
        raise RefusedError(f"{project.ref.path} has no environment {name}", remedy="It may have been deleted meanwhile")
    return _Stop(_summary(session, reading, environment), reading.delivery)


def _state(stop: _Stop) -> State:
    return {
        "state": stop.environment.state.value,
        "live versions": [f"{live.model} {live.version}" for live in stop.summary.live],
        "deployments under way": [item.id for item in stop.delivery.under_way(stop.environment.name)],
    }


def _obstacles(stop: _Stop) -> Iterator[str]:
    project = stop.summary.project
    if project.role < Role.DEVELOPER:
        yield f"Stopping an environment needs the role Developer, and yours is {project.role.title}"
    for live in stop.summary.live:
        yield f"{live.model} {live.version} serves there"
    for item in stop.delivery.under_way(stop.environment.name):
        yield f"Deployment {item.id} is {item.status.value} there"
